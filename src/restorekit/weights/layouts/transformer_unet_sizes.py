"""The sizes that Restormer and KBNet's large network share, read from their state dicts."""

from __future__ import annotations

from typing import Any

from restorekit.weights.layouts.state_reading import (
    StateDict,
    check_shapes,
    count_numbered,
    read_expansion,
    shape_of,
)

_STAGES = "encoder_level1", "encoder_level2", "encoder_level3", "latent"


def transformer_unet_sizes(
    state: StateDict, layout: str, attention: str, fusion: str
) -> dict[str, Any]:
    """Channels, width, heads, expansion and the number of blocks, as arguments of the model.

    Args:
        state: a state dict with the key "patch_embed.proj.weight".
        layout: what has such keys, for messages.
        attention: name of the attention between channels in each block.
        fusion: name of the other part of each block.

    Raises:
        CheckpointError: keys are missing, or the shapes are those of another network.
    """
    width, channels = shape_of(state, layout, "patch_embed.proj.weight", 4)[:2]
    widths = dict(zip(_STAGES, (width, 2 * width, 4 * width, 8 * width), strict=True))
    shapes: dict[str, tuple[int, ...]] = {
        f"{stage}.0.{attention}.project_out.weight": (features, features, 1, 1)
        for stage, features in widths.items()
    }
    shapes |= {
        "patch_embed.proj.weight": (width, channels, 3, 3),
        f"refinement.0.{attention}.project_out.weight": (2 * width, 2 * width, 1, 1),
        "output.weight": (channels, 2 * width, 3, 3),
    }
    check_shapes(state, layout, shapes)
    temperatures = {
        stage: f"{stage}.{{}}.{attention}.temperature" for stage in (*_STAGES, "refinement")
    }
    hidden = [
        (features, shape_of(state, layout, f"{stage}.0.{fusion}.project_out.weight", 4)[1])
        for stage, features in widths.items()
    ]
    return {
        "channels": channels,
        "width": width,
        "blocks": [count_numbered(state, temperatures[stage]) for stage in _STAGES],
        "refinement_blocks": count_numbered(state, temperatures["refinement"]),
        "heads": [
            shape_of(state, layout, temperatures[stage].format(0), 3)[0] for stage in _STAGES
        ],
        "expansion": read_expansion(layout, hidden),
    }
