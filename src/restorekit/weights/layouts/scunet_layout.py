"""The layout of SCUNet: of its authors and KAIR."""

from __future__ import annotations

from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.state_reading import (
    StateDict,
    check_shapes,
    rename_keys,
    shape_of,
)

LAYOUT = "SCUNet"
_STAGES = "m_down1", "m_down2", "m_down3", "m_body", "m_up3", "m_up2", "m_up1"
_TABLE = "msa.relative_position_params"
_RENAMED = {
    r"\.ln(\d)\.": r".norm\1.",
    r"\.msa\.embedding_layer\.": ".attn.qkv.",
    r"\.msa\.linear\.": ".attn.proj.",
    r"\.msa\.relative_position_params$": ".attn.relative_position_bias_table",
    r"\.mlp\.0\.": ".mlp.fc1.",
    r"\.mlp\.2\.": ".mlp.fc2.",
}


class SCUNetAuthors:
    """cszn/SCUNet and cszn/KAIR.

    Example:
        >>> restorekit.create_layout("scunet_authors")({"m_head.weight": torch.ones(1)}) is None
        True
    """

    keys = "m_head.0.weight, m_down1.0.trans_block.ln1.weight, m_down1.0.trans_block.ln1.bias"

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        table = f"m_body.0.trans_block.{_TABLE}"
        if not {"m_head.0.weight", "m_tail.0.weight", table} <= state.keys():
            return None
        width, channels, *_ = shape_of(state, LAYOUT, "m_head.0.weight", 4)
        heads, side, _ = shape_of(state, LAYOUT, table, 3)
        head_width = max(1, 4 * width // heads)
        shapes: dict[str, tuple[int, ...]] = {
            table: (heads, side, side),
            "m_body.0.trans_block.msa.embedding_layer.weight": (12 * width, 4 * width),
            "m_body.0.trans_block.mlp.0.weight": (16 * width, 4 * width),
            "m_up1.0.weight": (2 * width, width, 2, 2),
            f"m_down1.0.trans_block.{_TABLE}": (width // 2 // head_width, side, side),
            "m_tail.0.weight": (channels, width, 3, 3),
        }
        check_shapes(state, LAYOUT, shapes)
        arguments = {
            "channels": channels,
            "width": width,
            "blocks": [_blocks(state, stage) for stage in _STAGES],
            "head_width": head_width,
            "window": (side + 1) // 2,
        }
        tensors = {
            # The bias tables have a row for each relative position here.
            key: tensor.flatten(1).T.contiguous() if key.endswith("bias_table") else tensor
            for key, tensor in rename_keys(state, _RENAMED).items()
        }
        return RecognisedCheckpoint("scunet", arguments, tensors, LAYOUT)


def _blocks(state: StateDict, stage: str) -> int:
    """The number of blocks of a stage, which also has a convolution between scales."""
    return sum(key.startswith(f"{stage}.") and key.endswith(".conv1_1.weight") for key in state)
