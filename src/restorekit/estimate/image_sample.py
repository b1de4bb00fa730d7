"""The sample of a picture that measurements get."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from restorekit.sampling import even_tiles

_SIDE = 256  # of a crop, in pixels
_GRID = 16  # the blocks of a JPEG with half-resolution colour
_PIXELS = 2_000_000
_CHANNELS = 3  # with more channels, there are fewer pixels

Found = TypeVar("Found")


@dataclass(frozen=True)
class ImageSample:
    """A picture for measuring: the whole of a small one, evenly spread crops of a larger one.

    Attributes:
        pieces: (N, C, h, w), float32 on the [0, 1] scale; values may lie outside it. Each piece is
            contiguous in the picture, and its top and left are multiples of 16 pixels. Together
            they have at most two megapixels (fewer with more than three channels). A picture that
            is not larger is one piece.
        size: (H, W) of the picture.
        steps: the number of steps between the values of black and white, for example 255 or 4095;
            None for floats.
        quantization: the quantization tables of a JPEG file, luma first, of 64 values each in
            rows; empty for other pictures.
    """

    pieces: Tensor = field(repr=False)
    size: tuple[int, int]
    steps: int | None = None
    quantization: tuple[tuple[int, ...], ...] = ()

    @property
    def rounding(self) -> float:
        """The variance of the error of rounding; 0 for floats."""
        return 0.0 if self.steps is None else 1 / (12 * self.steps**2)

    @classmethod
    def read(
        cls,
        read: Callable[[slice, slice], Tensor],
        size: tuple[int, int],
        channels: int,
        steps: int | None = None,
        quantization: tuple[tuple[int, ...], ...] = (),
    ) -> ImageSample:
        """Take the sample of a picture, of which only the pieces are read.

        Args:
            read: returns rows and columns of the picture as (C, h, w).
            size: (H, W) of the picture.
            channels: C.
            steps: see the attributes.
            quantization: see the attributes.
        """
        pixels = _PIXELS * _CHANNELS // max(_CHANNELS, channels)
        tiles = even_tiles(*size, pixels, _SIDE, _GRID)
        if tiles is None:
            pieces = read(slice(0, size[0]), slice(0, size[1]))[None]
        else:
            rows, columns = ([slice(at, at + _SIDE) for at in places] for places in tiles)
            pieces = torch.stack([read(row, column) for row in rows for column in columns])
        return cls(pieces.float().cpu().contiguous(), size, steps, quantization)

    @classmethod
    def of(cls, image: Tensor, steps: int | None = None) -> ImageSample:
        """Take the sample of an image (C, H, W), floats on the [0, 1] scale."""
        channels, height, width = image.shape
        return cls.read(lambda y, x: image[:, y, x], (height, width), channels, steps)


def is_gray_as_colour(channels: Sequence[Tensor]) -> bool:
    """Whether there are three channels, and all are equal."""
    first, *others = channels
    return len(others) == 2 and all(torch.equal(first, other) for other in others)


def once_for_sample(measure: Callable[[ImageSample], Found]) -> Callable[[ImageSample], Found]:
    """Keep what a function finds in a sample, for the other measurements that need it."""
    kept = WeakIdKeyDictionary()

    @wraps(measure)
    def measured(sample: ImageSample) -> Found:
        if sample.pieces not in kept:
            kept[sample.pieces] = measure(sample)
        found: Found = kept[sample.pieces]
        return found

    return measured
