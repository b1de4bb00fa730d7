"""The sizes that NAFNet and KBNet share, read from their state dicts."""

from __future__ import annotations

from typing import Any

from restorekit.errors import CheckpointError
from restorekit.weights.layouts.state_reading import (
    StateDict,
    check_shapes,
    count_numbered,
    shape_of,
)


def block_unet_sizes(state: StateDict, layout: str) -> dict[str, Any]:
    """Channels, width, and the number of blocks at each scale, as arguments of the model.

    Args:
        state: a state dict with the key "middle_blks.0.beta".
        layout: what has such keys, for messages.

    Raises:
        CheckpointError: keys are missing, or the shapes are those of another network.
    """
    width, channels = shape_of(state, layout, "intro.weight", 4)[:2]
    encoder, decoder = _blocks(state, "encoders"), _blocks(state, "decoders")
    if not encoder or len(encoder) != len(decoder):
        raise CheckpointError(
            f"the keys are those of {layout}, but it has {len(encoder)} scales in the encoder and "
            f"{len(decoder)} in the decoder"
        )
    deepest = width * 2 ** len(encoder)
    check_shapes(
        state,
        layout,
        {
            "intro.weight": (width, channels, 3, 3),
            "downs.0.weight": (2 * width, width, 2, 2),
            "middle_blks.0.beta": (1, deepest, 1, 1),
            "ups.0.0.weight": (2 * deepest, deepest, 1, 1),
            "ending.weight": (channels, width, 3, 3),
        },
    )
    return {
        "channels": channels,
        "width": width,
        "encoder_blocks": encoder,
        "middle_blocks": count_numbered(state, "middle_blks.{}.beta"),
        "decoder_blocks": decoder,
    }


def _blocks(state: StateDict, part: str) -> list[int]:
    """The number of blocks at each scale of the encoder or decoder."""
    scales = count_numbered(state, f"{part}.{{}}.0.beta")
    return [count_numbered(state, f"{part}.{scale}.{{}}.beta") for scale in range(scales)]
