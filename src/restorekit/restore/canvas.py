"""A picture on its way through: read in pieces as floats, written row by row in its own type."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from restorekit.data.picture import white_of
from restorekit.errors import InputError

DTYPES = (
    torch.uint8,
    torch.uint16,
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
)
# Noise of any use leaves [0, 1] by less than this; values of 0 to 255 leave it by far more.
_FARTHEST = 10.0


@dataclass(frozen=True)
class Scale:
    """What the values of an image mean.

    Attributes:
        white: the value that stands for 1 to the network.
        low: the least value of the result, on the network's scale.
        high: the largest one.
    """

    white: float
    low: float = 0.0
    high: float = 1.0


@dataclass
class Canvas:
    """An image and the place of its result, in the same type.

    Attributes:
        source: the image, (B, C, H, W), a view of what was given.
        result: where the restored image goes, (B, C, H, W); the image itself where it is restored
            in place.
        scale: what the values mean.
        is_touched: whether any row has been written.
    """

    source: Tensor
    result: Tensor
    scale: Scale
    is_touched: bool = False

    @classmethod
    def over(cls, source: Tensor, result: Tensor) -> Canvas:
        """The canvas of an image of any type in `DTYPES`, which is not empty.

        Raises:
            InputError: it is not finite, not on the [0, 1] scale, or of another type.
        """
        if source.dtype not in DTYPES:
            raise wrong_type(source.dtype)
        return cls(source, result, _scale_of(source))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.source.shape[-2], self.source.shape[-1]

    @property
    def is_in_place(self) -> bool:
        """Whether what is written is lost to those who read."""
        return self.result.data_ptr() == self.source.data_ptr()

    @property
    def is_spent(self) -> bool:
        """Whether the image is there no more, so that nothing can begin again with it."""
        return self.is_in_place and self.is_touched

    @property
    def is_float(self) -> bool:
        """Whether the image is of floats."""
        return self.source.is_floating_point()

    def read(self, samples: slice, rows: slice, columns: slice, dtype: torch.dtype) -> Tensor:
        """A piece of the image, (b, C, h, w), a copy.

        Args:
            samples: which images of the batch.
            rows: which of their rows.
            columns: which of their columns.
            dtype: the type of float; white is 1 in it.
        """
        return self._as_float(self.source[samples, :, rows, columns], dtype)

    def reread(self, samples: slice, rows: slice, columns: slice, dtype: torch.dtype) -> Tensor:
        """The same piece of what has been written; see `read`."""
        return self._as_float(self.result[samples, :, rows, columns], dtype)

    def encode(self, restored: Tensor) -> Tensor:
        """Restored rows in the result's type: clamped, and rounded where that is an integer.

        Args:
            restored: (b, C, h, W), white 1; overwritten, for a copy of a band takes memory.
        """
        restored.clamp_(self.scale.low, self.scale.high)
        if self.scale.white != 1.0:
            restored *= self.scale.white
        if not self.is_float:
            restored.round_()
        return restored.to(self.result.dtype)

    def write(self, samples: slice, rows: slice, encoded: Tensor) -> None:
        """Write whole rows of the result.

        Args:
            samples: which images of the batch.
            rows: which of their rows.
            encoded: (b, C, h, W), as `encode` makes them.
        """
        self.is_touched = True
        self.result[samples, :, rows] = encoded

    def _as_float(self, piece: Tensor, dtype: torch.dtype) -> Tensor:
        piece = piece.to(dtype, copy=True)  # a network may write to what it is given
        return piece if self.scale.white == 1.0 else piece / self.scale.white


def alike(canvases: Sequence[Canvas], pixels: int) -> list[list[int]]:
    """The places of canvases that can go together: of one size, type, device and scale.

    Args:
        canvases: any.
        pixels: how many those that go together have at most, unless one alone has more.
    """
    groups: dict[Any, list[list[int]]] = {}
    for place, canvas in enumerate(canvases):
        source = canvas.source
        kind = (source.shape, source.dtype, source.device, canvas.scale)
        most = max(1, pixels // (len(source) * math.prod(canvas.size)))
        some = groups.setdefault(kind, [[]])
        if len(some[-1]) == most:
            some.append([])
        some[-1].append(place)
    return [group for some in groups.values() for group in some]


@contextmanager
def joined(canvases: Sequence[Canvas]) -> Iterator[Canvas]:
    """Canvases that are alike as one of a batch; each has its part of the result afterwards."""
    if len(canvases) == 1:
        yield canvases[0]
        return
    source = torch.cat([canvas.source for canvas in canvases])
    together = Canvas(source, torch.empty_like(source), canvases[0].scale)
    yield together
    parts = torch.split(together.result, [len(canvas.source) for canvas in canvases])
    for canvas, part in zip(canvases, parts, strict=True):
        canvas.result.copy_(part)


def wrong_type(dtype: Any) -> InputError:
    """The error that a type of number is none of an image's."""
    return InputError(f"an image is of uint8, uint16, or floats in [0, 1], not {dtype}")


def _scale_of(source: Tensor) -> Scale:
    if not source.is_floating_point():
        return Scale(float(max(white_of(image.cpu().numpy()) for image in source)))
    low, high = (float(value) for value in torch.aminmax(source))  # NaN where there is one
    if not (abs(low) < float("inf") and abs(high) < float("inf")):
        raise InputError("an image's values must be finite; some are NaN or infinite")
    if max(-low, high) > _FARTHEST:
        farthest = high if high >= -low else low
        raise InputError(
            f"floats are on the [0, 1] scale, but one is {farthest:g}; divide by 255, say"
        )
    # A float image keeps what it has beyond [0, 1], light brighter than white say.
    return Scale(1.0, min(low, 0.0), max(high, 1.0))
