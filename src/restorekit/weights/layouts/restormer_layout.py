"""The layout of Restormer's authors, in the wrapper of BasicSR."""

from __future__ import annotations

from restorekit.errors import CheckpointError
from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.state_reading import StateDict
from restorekit.weights.layouts.transformer_unet_sizes import transformer_unet_sizes

LAYOUT = "Restormer"


class RestormerAuthors:
    """swz30/Restormer: the networks for denoising, deraining and deblurring. The keys are ours.

    The network for dual-pixel images, which takes two images and returns one, is refused.

    Example:
        >>> network = restorekit.create_model("restormer", preset="tiny")
        >>> restorekit.create_layout("restormer_authors")(network.state_dict()).arguments["width"]
        8
    """

    keys = "patch_embed.proj.weight, encoder_level1.0.norm1.body.weight"

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The checkpoint with the arguments of the model, or None if its keys are others."""
        first = "encoder_level1.0"
        # Xformer has the same encoder, and no "latent".
        needed = {"patch_embed.proj.weight", f"{first}.ffn.project_in.weight"}
        if not needed <= state.keys() or not any(key.startswith("latent.") for key in state):
            return None
        if "skip_conv.weight" in state:
            raise CheckpointError(
                f"a {LAYOUT} for dual-pixel images, which takes two images; model 'restormer' "
                "takes one"
            )
        arguments = transformer_unet_sizes(state, LAYOUT, attention="attn", fusion="ffn")
        bias_free = f"{first}.norm1.body.bias" not in state
        return RecognisedCheckpoint(
            "restormer", {**arguments, "bias_free": bias_free}, state, LAYOUT
        )
