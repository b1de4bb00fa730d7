"""A picture on its way through: read in pieces as floats, written row by row in its own type."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from restorekit.errors import InputError
from restorekit.pictures.value_ranges import Range, range_of
from restorekit.restore.missing_pixels import fill_missing
from restorekit.restore.pixel_meaning import USUAL_MEANING, PixelMeaning

# More digits than float32 has: black is taken from them, and added, in float64.
_WIDE = (torch.int32, torch.uint32, torch.float64)
_SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32}
DTYPES = (
    torch.uint8,
    torch.uint16,
    torch.int8,
    torch.int16,
    torch.float16,
    torch.bfloat16,
    torch.float32,
    *_WIDE,
)
# Values that leave [0, 1] by more are no noise and no light: a hot pixel, a fill value.
_FARTHEST = 10.0
_MOST_FAR = 0.01  # of the values; if more are, the range is wrong


@dataclass(frozen=True)
class Scale:
    """What the values of an image mean.

    Attributes:
        white: the value that stands for 1 to the network.
        low: the least value of the result, on the network's scale.
        high: the largest one.
        black: the value that stands for 0.
    """

    white: float
    low: float = 0.0
    high: float = 1.0
    black: float = 0.0

    @property
    def span(self) -> float:
        """How far white is from black."""
        return self.white - self.black


UNIT = Scale(1.0, -math.inf, math.inf)


@dataclass
class Canvas:
    """An image and the place of its result, in the same type.

    Attributes:
        source: the image, (B, C, H, W), a view of what was given, or a copy where it has gaps.
        result: where the restored image goes, (B, C, H, W); the image itself where it is restored
            in place.
        scale: what the values mean.
        colours: how many of the first channels go through a network together; see `PixelMeaning`.
        words: what to tell of the range that was guessed; None where there is nothing to tell.
        kept: which pixels the result has from the image as they are, and their values.
        is_touched: whether any row has been written.
    """

    source: Tensor
    result: Tensor
    scale: Scale
    colours: int | None = None
    words: str | None = None
    kept: tuple[Tensor, Tensor] | None = None
    is_touched: bool = False

    @classmethod
    def over(
        cls,
        source: Tensor,
        result: Tensor,
        meaning: PixelMeaning = USUAL_MEANING,
        hidden: Tensor | None = None,
    ) -> Canvas:
        """The canvas of an image of any type in `DTYPES`, which is not empty.

        Pixels that are hidden, are not finite, or lie so far beyond black and white that they are
        neither noise nor light, are filled for the network; `finish` puts them back.

        Args:
            source: the image, (B, C, H, W).
            result: where the restored image goes.
            meaning: what is known of the image.
            hidden: (B, 1, H, W), the pixels that nobody sees. Their colour, often black, would
                bleed into their neighbours, and their noise, often none, be measured.

        Raises:
            InputError: it has no finite value, too many lie far beyond the range, or it is of
                another type.
            ArgumentError: what is given of the range leaves none.
        """
        if source.dtype not in DTYPES:
            raise wrong_dtype_error(source.dtype)
        sample = source.movedim(2, 0)
        sample = sample.float() if sample.dtype == torch.bfloat16 else sample
        known = range_of(sample.cpu().numpy(), meaning.black, meaning.white, meaning.no_data)
        low, high, gaps = _ends(source, known, meaning.no_data)
        words = known.words if known.is_guessed else None
        canvas = cls(source, result, _scale(source, known, low, high), meaning.colours, words)
        if hidden is not None and bool(hidden.any()):
            gaps = hidden.expand_as(source) if gaps is None else gaps | hidden
        if gaps is not None:
            canvas.kept = gaps, _signed(source)[gaps]
            canvas.source = source if bool(gaps.all()) else fill_missing(source, gaps)
        return canvas

    def finish(self) -> None:
        """Put the pixels that are kept into the result."""
        if self.kept is not None:
            gaps, values = self.kept
            _signed(self.result)[gaps] = values

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

    @cached_property
    def is_neutral(self) -> bool:
        """Whether the image is gray that is stored as three equal channels; before any writing."""
        first, *others = self.source.unbind(1)
        return len(others) == 2 and all(torch.equal(first, other) for other in others)

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
        if self._is_wide:
            restored = restored.double()
        if self.scale.span != 1.0:
            restored *= self.scale.span
        if self.scale.black != 0.0:
            restored += self.scale.black
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

    def leave(self, samples: slice) -> None:
        """Make some images of the batch their own results; none of them may be written to yet."""
        if not self.is_in_place:
            self.result[samples] = self.source[samples]

    @property
    def _is_wide(self) -> bool:
        largest = max(abs(self.scale.black), abs(self.scale.white))
        return self.source.dtype in _WIDE or largest > 2**24

    def _as_float(self, piece: Tensor, dtype: torch.dtype) -> Tensor:
        # A copy, for a network may write to what it is given.
        piece = piece.to(torch.float64 if self._is_wide else dtype, copy=True)
        if self.scale.black != 0.0:
            piece -= self.scale.black
        return (piece if self.scale.span == 1.0 else piece / self.scale.span).to(dtype)


def group_alike(canvases: Sequence[Canvas], pixels: int) -> list[list[int]]:
    """The places of canvases that can go together: of one size, type, device and scale.

    Args:
        canvases: any.
        pixels: how many those that go together have at most, unless one alone has more.
    """
    groups: dict[Any, list[list[int]]] = {}
    for place, canvas in enumerate(canvases):
        source = canvas.source
        kind = (
            *(source.shape, source.dtype, source.device),
            *(canvas.scale, canvas.colours, canvas.is_neutral),
        )
        most = max(1, pixels // (len(source) * math.prod(canvas.size)))
        some = groups.setdefault(kind, [[]])
        if len(some[-1]) == most:
            some.append([])
        some[-1].append(place)
    return [group for some in groups.values() for group in some]


@contextmanager
def join_canvases(canvases: Sequence[Canvas]) -> Iterator[Canvas]:
    """Canvases that are alike as one of a batch; each has its part of the result afterwards."""
    if len(canvases) == 1:
        yield canvases[0]
        return
    source = torch.cat([canvas.source for canvas in canvases])
    first = canvases[0]
    together = Canvas(source, torch.empty_like(source), first.scale, first.colours)
    yield together
    parts = torch.split(together.result, [len(canvas.source) for canvas in canvases])
    for canvas, part in zip(canvases, parts, strict=True):
        canvas.result.copy_(part)


def wrong_dtype_error(dtype: Any) -> InputError:
    """The error that a type of number is none of an image's."""
    return InputError(f"an image is of 8, 16 or 32-bit integers or of floats, not {dtype}")


def _signed(values: Tensor) -> Tensor:
    """The same bits as a type that torch can read and write by a mask."""
    return values.view(_SIGNED.get(values.dtype, values.dtype))


def _scale(source: Tensor, known: Range, low: float, high: float) -> Scale:
    """The scale of an image whose values lie between two: it keeps what is beyond its range."""
    low, high = min(low, known.black), max(high, known.white)
    if not source.is_floating_point():
        limits = torch.iinfo(source.dtype)
        low, high = max(low, limits.min), min(high, limits.max)
    span = known.white - known.black
    return Scale(known.white, (low - known.black) / span, (high - known.black) / span, known.black)


def _ends(
    source: Tensor, known: Range, no_data: float | None
) -> tuple[float, float, Tensor | None]:
    """The least and the largest value, and where gaps are, which do not count."""
    low, high = _extremes(source)  # NaN where there is one
    black, white = known.black, known.white
    far = _FARTHEST * (white - black)
    if black - far <= low and high <= black + far and no_data is None:
        return low, high, None
    exact = source.double()
    gaps = ~((exact >= black - far) & (exact <= black + far))
    beyond = gaps & exact.isfinite()
    if no_data is not None:
        empty = exact == _as_stored(no_data, source.dtype)
        gaps, beyond = gaps | empty, beyond & ~empty
        if not bool(gaps.any()):
            return low, high, None
        if bool(gaps.all()):
            raise InputError(f"no pixel has a value; all are {no_data:g}")
    if not bool((~gaps | beyond).any()):
        raise InputError("an image's values must be finite; all are NaN or infinite")
    if (share := float(beyond.double().mean())) > _MOST_FAR:
        farthest = float(exact[beyond][exact[beyond].abs().argmax()])
        raise InputError(
            f"black is {black:g} and white {white:g}, but {share:.0%} of the values lie far beyond "
            f"them, up to {farthest:g}; give the range with black and white"
        )
    low, high = (float(value) for value in torch.aminmax(exact[~gaps]))
    return low, high, gaps


def _extremes(source: Tensor) -> tuple[float, float]:
    if source.is_floating_point():
        low, high = torch.aminmax(source)
        return float(low), float(high)
    values = source.cpu().numpy()  # torch has no order of uint16 and uint32
    return float(values.min()), float(values.max())


def _as_stored(value: float, dtype: torch.dtype) -> float:
    """The nearest number that a type of float has; that itself for integers."""
    return float(torch.tensor(value, dtype=dtype)) if dtype.is_floating_point else value
