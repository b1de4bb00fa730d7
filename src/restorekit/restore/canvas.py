"""An image and its result: read in pieces as floats, written row by row in the image's type."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from restorekit.errors import InputError
from restorekit.estimate.image_sample import is_gray_as_colour
from restorekit.pictures.value_ranges import range_of
from restorekit.restore.missing_pixels import fill_missing
from restorekit.restore.pixel_meaning import USUAL_MEANING, PixelMeaning
from restorekit.restore.value_scale import Scale, find_limits, scale_of

# Types with more digits than float32: black is subtracted and added in float64.
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


@dataclass
class Canvas:
    """An image and its result, of the same type.

    Attributes:
        source: the image, (B, C, H, W): a view of the given one, or a copy if pixels are missing.
        result: the restored image, (B, C, H, W); the same memory as `source` if it is restored in
            place.
        scale: the scale of the values.
        colours: number of leading channels that go through a network together; see `PixelMeaning`.
        words: the warning about a range that was guessed; None if there is none.
        kept: a mask of the pixels that are copied from the image, and their values.
        is_touched: whether any row has been written.
        removed: noise that has been found already, (B, C, H, W); the network does not see it.
        quantization: the quantization tables, if the image is that of a JPEG file.
        has_gray_noise: whether it is gray, and its three channels differ by noise only.
    """

    source: Tensor
    result: Tensor
    scale: Scale
    colours: int | None = None
    words: str | None = None
    kept: tuple[Tensor, Tensor] | None = None
    is_touched: bool = False
    removed: Tensor | None = None
    quantization: tuple[tuple[int, ...], ...] = ()
    has_gray_noise: bool = False

    @classmethod
    def over(
        cls,
        source: Tensor,
        result: Tensor,
        meaning: PixelMeaning = USUAL_MEANING,
        hidden: Tensor | None = None,
    ) -> Canvas:
        """Make the canvas of an image of any type in `DTYPES` that is not empty.

        Pixels that are hidden, not finite, or too far beyond black and white to be noise or light
        are filled for the network. `finish` restores their values.

        Args:
            source: the image, (B, C, H, W).
            result: the restored image is written here.
            meaning: the range and the channels of the image, as far as they are known.
            hidden: mask (B, 1, H, W) of fully transparent pixels. Their colour, often black, would
                affect their neighbours, and their noise, often none, would bias the estimate.

        Raises:
            InputError: no value is finite, too many values lie far beyond the range, or the type
                is unsupported.
            ArgumentError: the given black and white leave no range.
        """
        if source.dtype not in DTYPES:
            raise wrong_dtype_error(source.dtype)
        # Rows first, as `range_of` expects them; numpy has no bfloat16.
        sample = source.movedim(2, 0)
        sample = sample.float() if sample.dtype == torch.bfloat16 else sample
        known = range_of(sample.cpu().numpy(), meaning.black, meaning.white, meaning.no_data)
        low, high, gaps = find_limits(source, known, meaning.no_data)
        words = known.words if known.is_guessed else None
        scale = scale_of(source, known, low, high)
        canvas = cls(source, result, scale, meaning.colours, words)
        canvas.quantization = meaning.quantization
        if hidden is not None and bool(hidden.any()):
            gaps = hidden.expand_as(source) if gaps is None else gaps | hidden
        if gaps is not None:
            canvas.kept = gaps, _signed(source)[gaps]
            # With nothing around, there is nothing to fill from; the values are kept anyway.
            canvas.source = source if bool(gaps.all()) else fill_missing(source, gaps)
        return canvas

    def finish(self) -> None:
        """Copy the kept pixels into the result."""
        if self.kept is not None:
            gaps, values = self.kept
            _signed(self.result)[gaps] = values

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.source.shape[-2], self.source.shape[-1]

    @property
    def is_in_place(self) -> bool:
        """Whether writing overwrites the image."""
        return self.result.data_ptr() == self.source.data_ptr()

    @property
    def is_spent(self) -> bool:
        """Whether the image has been overwritten, so that restoring it cannot be repeated."""
        return self.is_in_place and self.is_touched

    @property
    def is_neutral(self) -> bool:
        """Whether the image is gray stored as three channels; ask before the first write."""
        # A colour network would tint gray slightly, so its result is averaged over the channels.
        return self.has_gray_noise or self._has_equal_channels

    @cached_property
    def _has_equal_channels(self) -> bool:
        return is_gray_as_colour(self.source.unbind(1))

    @property
    def is_colour(self) -> bool:
        """Whether the first three channels are red, green and blue."""
        return self.source.shape[1] >= 3 and (self.colours or self.source.shape[1]) == 3

    @property
    def is_float(self) -> bool:
        """Whether the image has a floating point type."""
        return self.source.is_floating_point()

    def read(self, samples: slice, rows: slice, columns: slice, dtype: torch.dtype) -> Tensor:
        """Copy a piece of the image, (b, C, h, w), on the scale where black is 0 and white is 1.

        Args:
            samples: images of the batch.
            rows: rows of the images.
            columns: columns of the images.
            dtype: floating point type of the copy.
        """
        return self._as_float(self.source[samples, :, rows, columns], dtype)

    def read_rows(self, rows: slice) -> Tensor:
        """Copy whole rows of all images in float32; see `read`."""
        return self.read(slice(None), rows, slice(None), torch.float32)

    def read_for_network(
        self, samples: slice, rows: slice, columns: slice, dtype: torch.dtype
    ) -> Tensor:
        """Copy a piece of the image without the noise that has been removed; see `read`."""
        piece = self.read(samples, rows, columns, dtype)
        if self.removed is not None:
            piece -= self.removed[samples, :, rows, columns]
        return piece

    def reread(self, samples: slice, rows: slice, columns: slice, dtype: torch.dtype) -> Tensor:
        """Copy a piece of the result that has been written; see `read`."""
        return self._as_float(self.result[samples, :, rows, columns], dtype)

    def encode(self, restored: Tensor) -> Tensor:
        """Convert restored rows to the type of the result: clamped, and rounded for integers.

        Args:
            restored: (b, C, h, W), white is 1. Overwritten, to save the memory of a copy.
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
            samples: images of the batch.
            rows: rows of the images.
            encoded: (b, C, h, W), the output of `encode`.
        """
        self.is_touched = True
        self.result[samples, :, rows] = encoded

    def make_replaceable(self) -> None:
        """Make the image one that may be changed: a copy, unless it is restored in place."""
        if not self.is_in_place:
            self.source = self.source.clone()

    def values_at(self, index: int, rows: slice, mask: Tensor) -> Tensor:
        """Values of an image where a mask (C, h, W) of some rows is set, in its own type."""
        image = _signed(self.source)[index, :, rows]
        return image[mask.to(image.device)].view(self.source.dtype)

    def replace_values(self, index: int, rows: slice, mask: Tensor, encoded: Tensor) -> None:
        """Replace values of an image that may be changed; see `values_at`.

        Args:
            index: which image.
            rows: rows of the image.
            mask: (C, h, W).
            encoded: (N,), the output of `encode` or `values_at`.
        """
        image = _signed(self.source)[index, :, rows]
        image[mask.to(image.device)] = _signed(encoded).to(image.device)

    def leave(self, samples: slice) -> None:
        """Copy some images of the batch to the result; none of them may have been written yet."""
        if not self.is_in_place:
            self.result[samples] = self.source[samples]

    def copy_where(self, mask: Tensor) -> None:
        """Copy pixels of the image to the result, where a mask (H, W) is set."""
        source, result = _signed(self.source), _signed(self.result)
        result.copy_(torch.where(mask, source, result))

    @property
    def _is_wide(self) -> bool:
        largest = max(abs(self.scale.black), abs(self.scale.white))
        return self.source.dtype in _WIDE or largest > 2**24

    def _as_float(self, piece: Tensor, dtype: torch.dtype) -> Tensor:
        # A copy, because a network may modify its input.
        piece = piece.to(torch.float64 if self._is_wide else dtype, copy=True)
        if self.scale.black != 0.0:
            piece -= self.scale.black
        return (piece if self.scale.span == 1.0 else piece / self.scale.span).to(dtype)


def group_alike(canvases: Sequence[Canvas], pixels: int) -> list[list[int]]:
    """Group canvases that can form a batch: of equal size, type, device and scale.

    Args:
        canvases: any canvases.
        pixels: largest number of pixels of a group; a single canvas may have more.

    Returns:
        The indices of the canvases of each group.
    """
    groups: dict[object, list[list[int]]] = {}
    for place, canvas in enumerate(canvases):
        source = canvas.source
        kind = (
            *(source.shape, source.dtype, source.device),
            *(canvas.scale, canvas.colours, canvas.is_neutral, canvas.has_gray_noise),
        )
        most = max(1, pixels // (len(source) * math.prod(canvas.size)))
        some = groups.setdefault(kind, [[]])
        if len(some[-1]) == most:
            some.append([])
        some[-1].append(place)
    return [group for some in groups.values() for group in some]


@contextmanager
def join_canvases(canvases: Sequence[Canvas]) -> Iterator[Canvas]:
    """Join canvases of one group as a batch; afterwards each has its part of the result."""
    if len(canvases) == 1:
        yield canvases[0]
        return
    source = torch.cat([canvas.source for canvas in canvases])
    first = canvases[0]
    together = Canvas(source, torch.empty_like(source), first.scale, first.colours)
    together.has_gray_noise = first.has_gray_noise
    yield together
    parts = torch.split(together.result, [len(canvas.source) for canvas in canvases])
    for canvas, part in zip(canvases, parts, strict=True):
        canvas.result.copy_(part)


def wrong_dtype_error(dtype: object) -> InputError:
    """The error for an unsupported type of values."""
    return InputError(f"an image has 8, 16 or 32-bit integers or floats, not {dtype}")


def _signed(values: Tensor) -> Tensor:
    """A view of a type that torch can index with a mask, unlike uint16 and uint32."""
    return values.view(_SIGNED.get(values.dtype, values.dtype))
