"""The layout of Uformer's authors."""

from __future__ import annotations

from math import isqrt

import torch

from restorekit.errors import CheckpointError
from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.state_reading import (
    StateDict,
    check_shapes,
    count_numbered,
    rename_keys,
    shape_of,
)

LAYOUT = "Uformer"
_RENAMED = {
    r"^input_proj\.proj\.0\.": "head.",
    r"^output_proj\.proj\.0\.": "tail.",
    r"^encoderlayer_(\d+)\.blocks\.": r"encoders.\1.",
    r"^decoderlayer_(\d+)\.blocks\.": r"decoders.\1.",
    r"^conv\.blocks\.": "bottom.",
    r"^dowsample_(\d+)\.conv\.0\.": r"downs.\1.",
    r"^upsample_(\d+)\.deconv\.0\.": r"ups.\1.",
    r"\.mlp\.(\w+)\.0\.": r".mlp.\1.",
    r"\.modulator\.weight$": ".attn.modulator",
}


class UformerAuthors:
    """ZhendongWang6/Uformer, with linear projections and depthwise convolutions.

    Example:
        >>> restorekit.create_layout("uformer_authors")({"conv.weight": torch.ones(1)}) is None
        True
    """

    keys = "input_proj.proj.0.weight, input_proj.proj.0.bias, output_proj.proj.0.weight"

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        first = "encoderlayer_0.blocks.0"
        table, hidden = (
            f"{first}.attn.relative_position_bias_table",
            f"{first}.mlp.linear1.0.weight",
        )
        if not {"input_proj.proj.0.weight", table, "conv.blocks.0.norm1.weight"} <= state.keys():
            return None
        if hidden not in state or any("cross_modulator" in key for key in state):
            raise CheckpointError(
                f"the keys are those of {LAYOUT}, but not of the published networks: model "
                "'uformer' has a depthwise convolution in each block, and no cross attention"
            )
        width, channels, *_ = shape_of(state, LAYOUT, "input_proj.proj.0.weight", 4)
        positions, heads = shape_of(state, LAYOUT, table, 2)
        scales = count_numbered(state, "encoderlayer_{}.blocks.0.norm1.weight")
        mlp_ratio = max(1, shape_of(state, LAYOUT, hidden, 2)[0] // width)
        check_shapes(
            state,
            LAYOUT,
            {
                f"{first}.attn.qkv.to_q.weight": (width, width),
                f"{first}.attn.qkv.to_kv.weight": (2 * width, width),
                hidden: (mlp_ratio * width, width),
                f"{first}.mlp.dwconv.0.weight": (mlp_ratio * width, 1, 3, 3),
                "conv.blocks.0.attn.relative_position_bias_table": (positions, heads * 2**scales),
                "output_proj.proj.0.weight": (channels, 2 * width, 3, 3),
            },
        )
        stages = (
            *(f"encoderlayer_{scale}" for scale in range(scales)),
            "conv",
            *(f"decoderlayer_{scale}" for scale in range(scales)),
        )
        arguments = {
            "channels": channels,
            "width": width,
            "blocks": [count_numbered(state, f"{s}.blocks.{{}}.norm1.weight") for s in stages],
            "heads": heads,
            "window": (isqrt(positions) + 1) // 2,
            "mlp_ratio": mlp_ratio,
            "modulators": any(key.endswith(".modulator.weight") for key in state),
        }
        return RecognisedCheckpoint("uformer", arguments, _converted(state), LAYOUT)


def _converted(state: StateDict) -> dict[str, torch.Tensor]:
    """The tensors with our names, and query, key and value in one layer."""
    renamed = rename_keys(state, _RENAMED)
    tensors = {}
    for key, tensor in renamed.items():
        if ".qkv.to_q." in key:
            if (rest := renamed.get(key.replace("to_q", "to_kv"))) is None:
                raise CheckpointError(
                    f"the keys are those of {LAYOUT}, but no 'to_kv' fits '{key}'"
                )
            tensors[key.replace(".to_q", "")] = torch.cat((tensor, rest))
        elif ".qkv.to_kv." not in key and not key.endswith("relative_position_index"):
            tensors[key] = tensor
    return tensors
