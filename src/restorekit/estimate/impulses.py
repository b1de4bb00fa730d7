"""Impulses: single pixels that have nothing to do with their neighbours.

Impulses are independent of each other and of the picture; letters, halftone dots and stars are not.
So their share is the share of extreme pixels among those places where the surroundings alone would
not lead one to expect such a pixel. This is not biased by impulses that lie next to each other, nor
by black and white areas of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from restorekit.estimate.few_values import palette_gap
from restorekit.estimate.image_sample import ImageSample
from restorekit.estimate.lone_pixels import are_defects, are_shared, find_lone_pixels
from restorekit.estimate.surroundings import rough_sigma

_REACH = 2  # the surroundings are the 24 pixels of a square of 5 without its centre
_NEXT = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x)
_RING = tuple((y, x) for y in range(-2, 3) for x in range(-2, 3) if max(abs(y), abs(x)) == 2)
_CROSS = [i for i, (y, x) in enumerate(_NEXT) if not (y and x)]
_PLACES = 24_000  # that are examined of each kind, evenly spread
# A pixel that is this far from its neighbours is not explained by the picture.
_FAR = 0.15
# A background that is this many standard deviations away does not reach white by noise.
_ROOM = 4.5
# Of the 8 neighbours, this many may be extreme in the other direction.
_OPPOSITE = 2
# The mean of the four nearest neighbours lies on this part of the way from the ring to the pixel,
# at most. In a star, a letter or a blurred dot they lie further.
_BLOB = 0.12
# An outlier deviates by this many standard deviations and steps of the values, and no pixel around
# it deviates by more than this part of its deviation.
_SIGMAS, _STEPS, _OTHERS = 8.0, 4, 0.35
_LEAST_OUTLIER = 1e-3
# A background is flat if this many of the 24 pixels are equal.
_FLAT = 16
# On a flat background an impulse is as likely next to another one as elsewhere, up to this factor
# and this probability. In text it is likelier, in a halftone screen less likely.
_AS_LIKELY, _UNLIKELY = 3.0, 0.02
_FEWEST = 10.0
# On a flat background of a picture with a palette an impulse deviates by this many gaps.
_PALETTE_GAPS, _STEPS_OF_FLOATS = 1.2, 255
# Dots of a screen repeat within this distance. Random ones are at no distance much more frequent
# than at others: by this factor and this many standard deviations.
_PERIOD, _REPEATED, _DEVIATIONS = 8, 3.0, 6.0
_PIECES = 6  # in which repetitions are sought
_MANY = 300.0  # examined places for full confidence


@dataclass(frozen=True)
class Impulses:
    """Shares of the values that are impulses.

    Attributes:
        salt: share of impulses that are white or above.
        pepper: share of impulses that are black or below.
        hot: share of isolated bright values below white.
        dead: share of isolated dark values above black.
        confidence: from 0 to 1; low if few places could be examined.
    """

    salt: float = 0.0
    pepper: float = 0.0
    hot: float = 0.0
    dead: float = 0.0
    confidence: float = 0.0

    @property
    def share(self) -> float:
        """Share of all impulses."""
        return self.salt + self.pepper + self.hot + self.dead

    @property
    def words(self) -> str:
        """The finding in plain words."""
        kinds = ("salt", "pepper", "hot", "dead")
        found = [f"{kind} {100 * v:.2g} %" for kind in kinds if (v := getattr(self, kind))]
        return ", ".join(found) or "none"


class MeasureImpulses:
    """Measures the share of impulses; the result is an `Impulses`.

    Example:
        >>> from restorekit.estimate.image_sample import ImageSample
        >>> clean = torch.linspace(0.2, 0.7, 200).expand(1, 3, 200, 200)
        >>> noisy = restorekit.create_noise("salt_and_pepper", amount=0.1)(clean).noisy[0]
        >>> impulses = restorekit.create_measurement("impulses")(ImageSample.of(noisy))
        >>> round(impulses.share, 1)
        0.1
    """

    def __call__(self, sample: ImageSample) -> Impulses:
        """Measure a sample."""
        if min(sample.pieces.shape[-2:]) <= 2 * _REACH:
            return Impulses()
        search = _Search(sample)
        (salt, bright), (pepper, dark) = (search.extremes(sign) for sign in (1, -1))
        hot, dead = search.defects()
        return Impulses(salt, pepper, hot, dead, min(bright, dark))


def impulse_share(plane: Tensor) -> float:
    """Share of the values of a plane (H, W) that are black or white impulses."""
    found = MeasureImpulses()(ImageSample.of(plane[None]))
    return found.salt + found.pepper


class _Search:
    """Looks for impulses in a sample; sign 1 stands for bright ones, -1 for dark ones."""

    def __init__(self, sample: ImageSample) -> None:
        self.sample, self.planes = sample, sample.pieces.flatten(0, 1)
        self.inner = self.planes[:, _REACH:-_REACH, _REACH:-_REACH]
        self.total = self.inner.numel()
        step = max(1, self.total // _PLACES) | 1  # odd, so that all channels are examined
        # torch.unravel_index would import sympy.
        places = np.unravel_index(np.arange(0, self.total, step), self.inner.shape)
        self.anywhere = self._around(tuple(map(torch.from_numpy, places)))
        self.noise = self._noise()
        coded = 0.0 if sample.steps is None else _STEPS / sample.steps
        self.least = max(_LEAST_OUTLIER, coded, _SIGMAS * self.noise / 2)
        gap = palette_gap(sample.pieces.transpose(0, 1), sample.steps or _STEPS_OF_FLOATS)
        # Dithering uses neighbouring values of a palette.
        self.far = _FAR if gap is None else max(_FAR, _PALETTE_GAPS * gap)
        self.flat_counts = _are_random_on_flat(self.anywhere, self.far)
        self.textured_counts = gap is None

    def extremes(self, sign: int) -> tuple[float, float]:
        """Share of the impulses that are white or black, and the confidence."""
        usual = float(self._unexpected(self.anywhere, sign).float().mean())
        if not usual:
            return 0.0, 0.0
        extreme = self.inner >= 1 if sign > 0 else self.inner <= 0
        places, each = _some(extreme)
        impulses = self._unexpected(self._around(places), sign)
        share = float(impulses.sum()) * each / (usual * self.total)
        if self._repeat(places, impulses):
            share = 0.0
        return min(share, 1.0), min(1.0, usual * len(self.anywhere.centre) / _MANY)

    def defects(self) -> tuple[float, float]:
        """Shares of hot and of dead pixels: isolated values inside the range, unless of stars."""
        hot, dead = (self._outliers(sign) for sign in (1, -1))
        if not (hot or dead):
            return 0.0, 0.0
        sigma = [rough_sigma(planes) for planes in self.sample.pieces.unbind(1)]
        lone = [find_lone_pixels(piece, sigma, self.sample.steps) for piece in self.sample.pieces]
        doubtful = sum(int((each.doubtful & ~each.shared).sum()) for each in lone)
        if not are_defects((hot + dead) * self.total, doubtful, self.total):
            return 0.0, 0.0
        return hot, dead

    def _outliers(self, sign: int) -> float:
        """Share of the isolated bright or dark values that channels do not share."""
        places, each = _some(self._stands_out(sign))
        around = self._around(places)
        found = self._isolated(around, sign)
        if self._repeat(places, found):
            return 0.0
        found[found.clone()] = ~self._are_shared(
            tuple(place[found] for place in places), (around.centre - around.background)[found]
        )
        return float(found.sum()) * each / self.total

    def _are_shared(self, places: tuple[Tensor, ...], deviation: Tensor) -> Tensor:
        shared, width = torch.zeros_like(deviation, dtype=torch.bool), self.planes.shape[2]
        number = places[0] // self.sample.pieces.shape[1]
        at = (places[1] + _REACH) * width + places[2] + _REACH
        for piece in number.unique().tolist():
            here = number == piece
            shared[here] = are_shared(self.sample.pieces[piece], at[here], deviation[here])
        return shared

    def _noise(self) -> float:
        """Rough standard deviation of the noise, from the pixels on both sides of each place."""
        pairs = self.anywhere.near[:, 3:5]
        pairs = pairs[((pairs > 0) & (pairs < 1)).all(1)]
        return float(pairs.diff(dim=1).abs().median()) / 0.954 if len(pairs) else 0.0

    def _around(self, places: tuple[Tensor, ...]) -> _Surroundings:
        _, height, width = self.planes.shape
        at = (places[0] * height + places[1] + _REACH) * width + places[2] + _REACH
        flat, offsets = self.planes.flatten(), [y * width + x for y, x in _NEXT + _RING]
        return _Surroundings(flat[at], flat[at[:, None] + torch.tensor(offsets)])

    def _unexpected(self, around: _Surroundings, sign: int) -> Tensor:
        """Places whose surroundings do not lead one to expect white (or black)."""
        near, ring = around.near, around.ring
        if sign < 0:
            near, ring = 1 - near, 1 - ring
        opposite = near <= 0
        inside = (opposite.sum(1) <= _OPPOSITE) & (near.amax(1) <= 1 - _FAR)
        background = ring.median(1).values.clamp(0, 1)
        cross = near[:, _CROSS].masked_fill(opposite[:, _CROSS], torch.nan).nanmean(1)
        room = 1 - background
        inside &= room > _ROOM * self.noise
        textured = inside & ((cross - background).abs() <= _BLOB * room)
        flat = (near.amax(1) == near.amin(1)) & (near[:, 0] <= 1 - self.far)
        flat &= around.is_flat & self.flat_counts
        return flat | (textured & ~around.is_flat & self.textured_counts)

    def _stands_out(self, sign: int) -> Tensor:
        """Values inside the range that exceed their four nearest neighbours."""
        pick = torch.maximum if sign > 0 else torch.minimum
        most = pick(self.planes[:, 1:-3, 2:-2], self.planes[:, 3:-1, 2:-2])
        most = pick(most, self.planes[:, 2:-2, 1:-3])
        most = pick(most, self.planes[:, 2:-2, 3:-1])
        if sign > 0:
            return (self.inner - most > self.least) & (self.inner < 1)
        return (most - self.inner > self.least) & (self.inner > 0)

    def _isolated(self, around: _Surroundings, sign: int) -> Tensor:
        """Values that deviate far more than all those around them."""
        deviation = (around.all - around.background[:, None]).abs()
        own = sign * (around.centre - around.background)
        spread = (deviation.median(1).values / 0.6745).clamp_min(self.noise)
        way = (around.near[:, _CROSS].mean(1) - around.background) * sign
        isolated = (deviation.amax(1) <= _OTHERS * own) & (way <= _BLOB * own)
        isolated &= own > (_SIGMAS * spread).clamp_min(self.least)
        flat = around.is_flat & self.flat_counts & ((own > self.far) | self.textured_counts)
        return isolated & (flat | (~around.is_flat & self.textured_counts))

    def _repeat(self, places: tuple[Tensor, ...], chosen: Tensor) -> bool:
        """Whether impulses repeat at a fixed distance, as the dots of a screen do."""
        mask = torch.zeros_like(self.inner[:_PIECES], dtype=torch.bool)
        chosen = chosen & (places[0] < len(mask))
        mask[tuple(place[chosen] for place in places)] = True
        if int(mask.sum()) < _FEWEST or min(mask.shape[1:]) <= 2 * _PERIOD:
            return False
        spectrum = torch.fft.rfft2(mask.float(), s=[side + _PERIOD for side in mask.shape[1:]])
        pairs = torch.fft.irfft2(spectrum.abs().square()).sum(0)
        near = torch.cat([pairs[: _PERIOD + 1, : _PERIOD + 1], pairs[-_PERIOD:, : _PERIOD + 1]])
        near = near.flatten()[1:]
        usual = max(0.0, float(near.mean()))
        return bool(near.max() > _REPEATED * usual + _DEVIATIONS * usual**0.5 + _FEWEST)


@dataclass(frozen=True)
class _Surroundings:
    """Pixels (n,), and the 24 around each of them (n, 24): first the 8 next to it, then a ring."""

    centre: Tensor
    all: Tensor

    @property
    def near(self) -> Tensor:
        """The 8 pixels next to each."""
        return self.all[:, : len(_NEXT)]

    @property
    def ring(self) -> Tensor:
        """The 16 pixels around those."""
        return self.all[:, len(_NEXT) :]

    @cached_property
    def background(self) -> Tensor:
        """The median of the surroundings."""
        return self.all.median(1).values

    @cached_property
    def is_flat(self) -> Tensor:
        """Whether most of the surroundings have the same value."""
        return (self.all == self.background[:, None]).sum(1) >= _FLAT


def _some(mask: Tensor) -> tuple[tuple[Tensor, ...], float]:
    """At most `_PLACES` of the places of a mask, and how many of them each stands for."""
    places = mask.nonzero()
    chosen = places[:: max(1, -(-len(places) // _PLACES))]
    return chosen.unbind(1), len(places) / max(1, len(chosen))


def _are_random_on_flat(anywhere: _Surroundings, far: float) -> bool:
    """Whether what deviates from a flat background is as likely next to another deviation."""
    flat, background = anywhere.is_flat, anywhere.background
    deviates = ((anywhere.centre - background).abs() > far).float()[flat]
    alone = (anywhere.near == background[:, None]).all(1)[flat]
    if not bool(alone.any()):
        return False
    usual, adjacent = float(deviates[alone].mean()), deviates[~alone]
    share = float(adjacent.mean()) if len(adjacent) else usual
    if len(adjacent) * usual > _FEWEST and share < usual / _AS_LIKELY:
        return False
    return share <= _AS_LIKELY * usual + _UNLIKELY
