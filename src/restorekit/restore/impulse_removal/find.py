"""The impulses of an image: impulse noise if it has much of it, and lone pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from restorekit.estimate.image_sample import ImageSample
from restorekit.estimate.impulse_noise import find_impulse_noise
from restorekit.estimate.lone_pixels import are_defects, find_lone_pixels
from restorekit.estimate.surroundings import REACH, rough_sigma
from restorekit.restore.analysis import image_sample
from restorekit.restore.canvas import Canvas
from restorekit.restore.impulse_removal.drawing import are_of_drawing

if TYPE_CHECKING:
    from restorekit.estimate.impulses import Impulses

# From this share on, impulses are looked for in every place; below it, only lone pixels are.
_MANY = 2e-3
# Black and white lone pixels are impulses if a million values have this many of this clarity. Clean
# photographs have at most 6, and hardly ever more than one.
_CLEAR, _FREQUENT, _FEWEST = 2.5, 15e-6, 3
# Of impulses, this share has a clarity of more than _VERY_CLEAR, if noise does not hide it: the
# largest of 24 normal values is about _TO_LARGEST standard deviations.
_VERY_CLEAR, _SHARE_CLEAR, _TO_LARGEST = 4.0, 0.4, 2.2
# Black and white lone pixels are stars or texture if there are more than this many others for each.
_MOST_OTHERS = 2.0
# Dots of letters never have a larger share.
_MOST_DOTS = 0.03
# Sharpened text can be measured as impulse noise. It is not if less than this part of the measured
# share is found; of true impulses, at least a half is found unless most of the image is clipped.
_LEAST_FOUND = 0.2
# Impulses with noise on top count if there are at least half as many as without.
_NOISY = 0.5
_ROWS = 512  # of a band
_LEAST_SIDE = 8  # pixels


@dataclass(frozen=True)
class FoundImpulses:
    """The impulses of an image.

    Attributes:
        mask: (C, H, W), where they are.
        sigma: rough standard deviation of the other noise in each channel.
        is_noise: whether they are impulse noise; otherwise lone pixels only.
        are_exact: whether all of them are black or white.
    """

    mask: Tensor = field(repr=False)
    sigma: tuple[float, ...]
    is_noise: bool
    are_exact: bool

    @property
    def share(self) -> float:
        """Share of the values that are impulses."""
        return float(self.mask.double().mean())


def find_impulses_of(canvas: Canvas, index: int, measured: Impulses) -> FoundImpulses | None:
    """Find the impulses of one image of a canvas; None if it has none.

    Args:
        canvas: the images.
        index: which of them.
        measured: the shares that were measured.
    """
    if min(canvas.size) < _LEAST_SIDE:
        return None
    sample = image_sample(canvas, index)
    sigma = tuple(rough_sigma(planes) for planes in sample.pieces.unbind(1))
    bands = _Bands(canvas, index, sigma, sample.steps)
    if measured.salt + measured.pepper >= _MANY:
        found = _impulse_noise(bands, sample, measured)
        if found and found.share > _LEAST_FOUND * (measured.salt + measured.pepper):
            return found
    return _lone_pixels(bands, sample)


@dataclass(frozen=True)
class _Bands:
    """Bands of an image with its noise; rows around each band are read too."""

    canvas: Canvas
    index: int
    sigma: tuple[float, ...]
    steps: int | None

    def __iter__(self) -> Iterator[tuple[int, int, Tensor]]:
        """The first row, the first row that belongs to the band, and the band, (C, h, W)."""
        height = self.canvas.size[0]
        for top in range(0, height, _ROWS):
            first = max(top - REACH, 0)
            rows = slice(first, min(top + _ROWS + REACH, height))
            one = slice(self.index, self.index + 1)
            yield first, top, self.canvas.read(one, rows, slice(None), torch.float32)[0].cpu()

    def places(self, first: int, top: int, band: Tensor, found: Tensor) -> tuple[Tensor, Tensor]:
        """Indices in the flattened image of those of a band, and which of them belong to it."""
        height, width = self.canvas.size
        rows = found // width % band.shape[1] + first
        inside = (rows >= top) & (rows < top + _ROWS)
        channel = found // band[0].numel()
        return (found + channel * (height - band.shape[1]) * width + first * width)[inside], inside

    def mask(self, places: Tensor) -> Tensor:
        """The mask of places of the image."""
        mask = torch.zeros(len(self.sigma), *self.canvas.size, dtype=torch.bool)
        mask.view(-1)[places] = True
        return mask


def _impulse_noise(bands: _Bands, sample: ImageSample, measured: Impulses) -> FoundImpulses | None:
    ends = torch.tensor([1.0, 0.0])
    # The impulses themselves are not ink.
    shares = torch.tensor([measured.salt, measured.pepper])
    drawn = are_of_drawing(ends, sample, max(bands.sigma), shares)
    shares[drawn & (shares < _MOST_DOTS)] = 0.0
    if not bool(shares.any()):
        return None
    salt, pepper = shares.tolist()
    exact, others = [], []
    for first, top, band in bands:
        for channel, (plane, sigma) in enumerate(zip(band, bands.sigma, strict=True)):
            found, is_exact = find_impulse_noise(plane, salt, pepper, sigma)
            places, inside = bands.places(first, top, band, found + channel * plane.numel())
            exact.append(places[is_exact[inside]])
            others.append(places[~is_exact[inside]])
    places, noisy = torch.cat(exact), torch.cat(others)
    are_exact = len(noisy) < _NOISY * len(places)
    if not are_exact:
        places = torch.cat([places, noisy])
    return FoundImpulses(bands.mask(places), bands.sigma, True, are_exact)


def _lone_pixels(bands: _Bands, sample: ImageSample) -> FoundImpulses | None:
    every = [_lone_pixels_of_band(bands, *band) for band in bands]
    places, values, clarity, extreme, certain, doubtful, shared = map(
        torch.cat, zip(*every, strict=True)
    )
    total = len(bands.sigma) * bands.canvas.size[0] * bands.canvas.size[1]
    is_noise = False
    chosen = certain & ~extreme & ~shared
    chosen &= are_defects(int(chosen.sum()), int((doubtful & ~shared).sum()), total)
    if int((~extreme).sum()) <= _MOST_OTHERS * int(extreme.sum()):
        is_noise = _are_impulses(clarity[extreme], max(bands.sigma), total)
        chosen |= extreme & (certain | is_noise)
    chosen &= ~are_of_drawing(values, sample, max(bands.sigma))
    if not bool(chosen.any()):
        return None
    return FoundImpulses(bands.mask(places[chosen]), bands.sigma, is_noise, is_noise)


def _lone_pixels_of_band(bands: _Bands, first: int, top: int, band: Tensor) -> tuple[Tensor, ...]:
    found = find_lone_pixels(band, bands.sigma, bands.steps)
    places, inside = bands.places(first, top, band, found.places)
    flags = (found.extreme, found.certain, found.doubtful, found.shared)
    return places, *(each[inside] for each in (found.values, found.clarity, *flags))


def _are_impulses(clarity: Tensor, sigma: float, total: int) -> bool:
    """Whether black and white lone pixels are impulse noise.

    Glints of a sharp photograph are rare, or most of them are not clear.
    """
    clear = int((clarity > _CLEAR).sum())
    if clear < max(_FEWEST, _FREQUENT * total):
        return False
    # In noise, nothing is clearer than an impulse of half of the range.
    clearest = min(_VERY_CLEAR, 0.5 / (_TO_LARGEST * sigma) if sigma else _VERY_CLEAR)
    return int((clarity > clearest).sum()) >= _SHARE_CLEAR * len(clarity)
