"""The layouts of KBNet's authors."""

from __future__ import annotations

from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.block_unet_sizes import block_unet_sizes
from restorekit.weights.layouts.state_reading import (
    StateDict,
    check_shapes,
    read_expansion,
    shape_of,
)
from restorekit.weights.layouts.transformer_unet_sizes import transformer_unet_sizes

SMALL, LARGE = "KBNet_s", "KBNet_l"
_BASIS = 32


class KBNetSAuthors:
    """zhangyi-3/KBNet: the network for denoising. The keys are ours.

    Example:
        >>> network = restorekit.create_model("kbnet_s", preset="tiny")
        >>> restorekit.create_layout("kbnet_s_authors")(network.state_dict()).arguments["width"]
        8
    """

    keys = "intro.weight, intro.bias, encoders.0.0.w"

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The checkpoint with the arguments of the model, or None if its keys are others."""
        if not {"middle_blks.0.w", "middle_blks.0.attgamma"} <= state.keys():
            return None
        sizes = block_unet_sizes(state, SMALL)
        width, scales = sizes["width"], len(sizes["encoder_blocks"])
        first = "encoders.0.0"
        check_shapes(state, SMALL, {f"{first}.w": (1, _BASIS, width * 4 * 9)})
        blocks = [f"encoders.{scale}.0" for scale in range(scales)] + ["middle_blks.0"]
        hidden = [
            (width * 2**scale, shape_of(state, SMALL, f"{block}.conv4.weight", 4)[0])
            for scale, block in enumerate(blocks)
        ]
        # Depthwise 3x3 convolutions, or 5x5 ones of groups of four channels.
        lightweight = shape_of(state, SMALL, f"{first}.conv11.1.weight", 4)[-1] == 3
        plain = (width, 1, 3, 3) if lightweight else (width, 4, 5, 5)
        check_shapes(state, SMALL, {f"{first}.conv11.1.weight": plain})
        arguments = {"expansion": read_expansion(SMALL, hidden), "lightweight": lightweight}
        return RecognisedCheckpoint("kbnet_s", sizes | arguments, state, SMALL)


class KBNetLAuthors:
    """zhangyi-3/KBNet: the network for deraining and deblurring. The keys are ours.

    Example:
        >>> network = restorekit.create_model("kbnet_l", preset="tiny")
        >>> restorekit.create_layout("kbnet_l_authors")(network.state_dict()).arguments["width"]
        6
    """

    keys = "patch_embed.proj.weight, encoder_level1.0.norm1.weight, encoder_level1.0.attn.w"

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The checkpoint with the arguments of the model, or None if its keys are others."""
        if not {"encoder_level1.0.attn.w", "encoder_level1.0.attn.attgamma"} <= state.keys():
            return None
        arguments = transformer_unet_sizes(state, LARGE, attention="ffn", fusion="attn")
        features = int(arguments["width"] * arguments["expansion"])
        check_shapes(state, LARGE, {"encoder_level1.0.attn.w": (1, _BASIS, features * 2 * 9)})
        return RecognisedCheckpoint("kbnet_l", arguments, state, LARGE)
