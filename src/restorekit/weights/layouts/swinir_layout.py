"""The layout of SwinIR: of its authors, KAIR and BasicSR."""

from __future__ import annotations

from math import isqrt

from restorekit.errors import CheckpointError
from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.state_reading import (
    StateDict,
    check_shapes,
    count_numbered,
    shape_of,
)

LAYOUT = "SwinIR"
_FIRST = "layers.0.residual_group.blocks.0"
# Buffers that follow from the window and from the size of the training patches.
_COMPUTED = ("attn_mask", "relative_position_index")
_OF_JPEG = 7  # window of the published networks against JPEG artefacts, which scale values by 255


class SwinIRAuthors:
    """JingyunLiang/SwinIR, cszn/KAIR, BasicSR: the form for denoising, without upsampling.

    Example:
        >>> network = restorekit.create_model("swinir", width=4, depths=[1, 2], heads=2, window=2)
        >>> renamed = (
        ...     (key.replace(".blocks", ".residual_group.blocks"), tensor)
        ...     for key, tensor in network.state_dict().items()
        ... )
        >>> state = {k.replace("norm_first", "patch_embed.norm"): v for k, v in renamed}
        >>> restorekit.create_layout("swinir_authors")(state).arguments["depths"]
        [1, 2]
    """

    keys = "conv_first.weight, conv_first.bias, patch_embed.norm.weight"

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        table = f"{_FIRST}.attn.relative_position_bias_table"
        hidden = f"{_FIRST}.mlp.fc1.weight"
        if not {"conv_first.weight", table, hidden} <= state.keys():
            return None
        if upsampling := [key for key in state if "upsample" in key]:
            raise CheckpointError(
                f"a SwinIR that enlarges images ('{upsampling[0]}'); model 'swinir' is the form "
                "for denoising, which keeps the size"
            )
        width, channels, *_ = shape_of(state, LAYOUT, "conv_first.weight", 4)
        positions, heads = shape_of(state, LAYOUT, table, 2)
        window = (isqrt(positions) + 1) // 2
        groups = count_numbered(state, _FIRST.replace(".0.", ".{}.", 1) + ".norm1.weight")
        shapes: dict[str, tuple[int, ...]] = {
            f"layers.{group}.residual_group.blocks.0.attn.relative_position_bias_table": (
                (2 * window - 1) ** 2,
                heads,
            )
            for group in range(groups)
        }
        mlp_ratio = max(1, shape_of(state, LAYOUT, hidden, 2)[0] // width)
        shapes |= {
            f"{_FIRST}.attn.qkv.weight": (3 * width, width),
            hidden: (mlp_ratio * width, width),
            "conv_after_body.weight": (width, width, 3, 3),
            "conv_last.weight": (channels, width, 3, 3),
        }
        check_shapes(state, LAYOUT, shapes)
        arguments = {
            "channels": channels,
            "width": width,
            "depths": [
                count_numbered(state, f"layers.{group}.residual_group.blocks.{{}}.norm1.weight")
                for group in range(groups)
            ],
            "heads": heads,
            "window": window,
            "mlp_ratio": mlp_ratio,
            "value_scale": 255.0 if window == _OF_JPEG else 1.0,
        }
        tensors = {
            key.replace(".residual_group.", ".").replace("patch_embed.norm", "norm_first"): tensor
            for key, tensor in state.items()
            if not key.endswith(_COMPUTED)
        }
        return RecognisedCheckpoint("swinir", arguments, tensors, LAYOUT)
