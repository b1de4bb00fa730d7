"""The layout of Xformer's authors, in the wrapper of BasicSR."""

from __future__ import annotations

from math import isqrt

from restorekit.errors import CheckpointError
from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.state_reading import (
    StateDict,
    check_shapes,
    count_numbered,
    read_expansion,
    rename_keys,
    shape_of,
)

LAYOUT = "Xformer"
_SPATIAL = "encoder1", "encoder2", "encoder3", "s_latent"
# Buffers that follow from the window and from the size of the training patches.
_COMPUTED = ("attn_mask", "relative_position_index")


def _renamings() -> dict[str, str]:
    """Our names by those of the authors, as patterns."""
    renamed = {
        r"^patch_embed\.proj\.": "head.",
        r"^output\.": "tail.",
        r"^s_latent\.": "bottom.blocks.",
        r"^Convs\.(\d)": r"connections.\1.conv",
        r"^DWconvs\.(\d)": r"connections.\1.dwconv",
    }
    for scale in range(3):
        here, below, step = scale + 1, scale + 2, 2 - scale
        renamed |= {
            rf"^encoder_level{here}\.": f"encoders.{scale}.channel.",
            rf"^encoder{here}\.": f"encoders.{scale}.spatial.blocks.",
            rf"^down{here}_{below}\.": f"downs.{scale}.channel.",
            rf"^d{here}_{below}\.": f"downs.{scale}.spatial.",
            rf"^up{below}_{here}\.": f"joins.{step}.channel.up.",
            rf"^u{below}_{here}\.": f"joins.{step}.spatial.up.",
            rf"^reduce_chan_level{here}\.": f"joins.{step}.channel.reduce.",
            rf"^reduce{here}\.": f"joins.{step}.spatial.reduce.",
            rf"^decoder_level{here}\.": f"decoders.{step}.channel.",
            rf"^decoder{here}\.": f"decoders.{step}.spatial.blocks.",
        }
    return renamed


class XformerAuthors:
    """gladzhang/Xformer.

    Of the two versions of the authors' code, the one that stores masks for attention does not shift
    the windows of the smallest scale.

    Example:
        >>> restorekit.create_layout("xformer_authors")({"output.weight": torch.ones(1)}) is None
        True
    """

    keys = "Convs.0.weight, Convs.0.bias, Convs.1.weight"

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        table = "encoder1.0.attn.relative_position_bias_table"
        if not {"DWconvs.0.weight", "patch_embed.proj.weight", table} <= state.keys():
            return None
        if "skip_conv.weight" in state:
            raise CheckpointError(
                f"an {LAYOUT} for dual-pixel images, which takes two images; model 'xformer' takes "
                "one"
            )
        width, channels, *_ = shape_of(state, LAYOUT, "patch_embed.proj.weight", 4)
        positions, heads = shape_of(state, LAYOUT, table, 2)
        mlps = [shape_of(state, LAYOUT, f"{stage}.0.mlp.fc1.weight", 2) for stage in _SPATIAL]
        check_shapes(
            state,
            LAYOUT,
            {
                "s_latent.0.attn.relative_position_bias_table": (positions, 8 * heads),
                "encoder_level1.0.attn.temperature": (heads, 1, 1),
                "encoder1.0.attn.qkv.weight": (3 * width, width),
                "output.weight": (channels, 2 * width, 3, 3),
            },
        )
        masks = {key for key in state if key.endswith("attn_mask")}
        arguments = {
            "channels": channels,
            "width": width,
            "channel_blocks": [
                count_numbered(state, f"encoder_level{level}.{{}}.norm1.body.weight")
                for level in (1, 2, 3)
            ],
            "spatial_blocks": [
                count_numbered(state, f"{stage}.{{}}.norm1.weight") for stage in _SPATIAL
            ],
            "refinement_blocks": count_numbered(state, "refinement.{}.norm1.body.weight"),
            "heads": heads,
            "window": (isqrt(positions) + 1) // 2,
            "expansion": read_expansion(LAYOUT, ((features, hidden) for hidden, features in mlps)),
            "bias_free": "encoder_level1.0.norm1.body.bias" not in state,
            "shift_bottom": not masks or any(key.startswith("s_latent.") for key in masks),
        }
        kept = {key: tensor for key, tensor in state.items() if not key.endswith(_COMPUTED)}
        return RecognisedCheckpoint("xformer", arguments, rename_keys(kept, _renamings()), LAYOUT)
