"""JPEG compression: where the blocks are, how visible they are, and the quality."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.estimate.cosine_transform import (
    SIDE,
    blocks_of,
    dct_basis,
    dct_of_blocks,
    order_of_coefficients,
)
from restorekit.estimate.image_sample import ImageSample, once_for_sample
from restorekit.luma import luma

# The luma table of Annex K of the standard, which the quality scales.
_ANNEX_K = (
    *(16, 11, 10, 16, 24, 40, 51, 61),
    *(12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56),
    *(14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77),
    *(24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101),
    *(72, 92, 95, 98, 112, 100, 103, 99),
)
# The coefficients of a JPEG are multiples of a step. The mean of cos(2 pi coefficient / step) is
# then near 1, and otherwise near 0.
_SMALLEST_STEP, _LARGEST_STEP = 2, 128
_BINS, _LARGEST = 4, 512  # of the histograms: per level, and in levels
_LEAST_COEFFICIENTS = 30
_COMB = 0.45
_LEAST_FREQUENCIES = 4
# Largest mean difference of the logarithms of the steps from those of the nearest quality: of a few
# frequencies, and of as many as the second number says. JPEG tables of other programs reach 0.6.
# Rows of a spectrum and pictures of two values give 5 to 46 frequencies by accident: 0.9 to 1.3.
_MOST_UNLIKE, _MANY_FREQUENCIES, _MOST_UNLIKE_OF_MANY = 0.4, 16, 0.75
_BLOCKS = 12_000
_TILE = 256  # side in pixels of the part in which coefficients of 0 are looked for


@dataclass(frozen=True)
class Jpeg:
    """JPEG compression of a picture.

    Attributes:
        quality: the quality from 1 to 100, on the scale of libjpeg, of the file or else of the
            compression that the pixels show; None if they show none.
        source: where the quality is from: "file" or "pixels"; None without a quality.
        blockiness: how much larger steps between pixels are at the borders of blocks than
            elsewhere, on the [0, 1] scale.
        top: row of the first border between blocks, from 0 to 7.
        left: column of the first border between blocks.
        confidence: of the quality, from 0 to 1.
    """

    quality: int | None
    source: Literal["file", "pixels"] | None
    blockiness: float
    top: int
    left: int
    confidence: float

    @property
    def words(self) -> str:
        """The finding in plain words."""
        blocks = f"blocks of strength {255 * self.blockiness:.1f}/255"
        if self.quality is None:
            return f"no compression found, {blocks}"
        origin = {"file": "from the file", "pixels": "from the pixels"}[self.source or "pixels"]
        return f"quality {self.quality} ({origin}), {blocks} at ({self.left}, {self.top})"


class MeasureJpeg:
    """Measures the quality and the blocks of a JPEG; the result is a `Jpeg`.

    Example:
        >>> from restorekit.estimate.image_sample import ImageSample
        >>> blocks = torch.rand(3, 8, 8).repeat_interleave(8, 1).repeat_interleave(8, 2)
        >>> jpeg = restorekit.create_measurement("jpeg")(ImageSample.of(blocks))
        >>> jpeg.blockiness > 0.1, jpeg.top, jpeg.left
        (True, 0, 0)
    """

    def __call__(self, sample: ImageSample) -> Jpeg:
        """Measure a sample."""
        grid = grid_of(sample)
        if sample.quantization:
            found = nearest_quality(dict(enumerate(sample.quantization[0])))
            return Jpeg(found, "file", grid.strength, grid.top, grid.left, 1.0)
        places = {(grid.top, grid.left), (0, 0), quantized_place(sample.pieces)}
        combs = {place: find_steps(sample.pieces, *place) for place in places}
        place = max(combs, key=lambda each: len(combs[each]))
        steps = combs[place]
        if not _is_table(steps):
            return Jpeg(None, None, grid.strength, grid.top, grid.left, 0.0)
        confidence = min(1.0, len(steps) / (2 * _LEAST_FREQUENCIES))
        return Jpeg(nearest_quality(steps), "pixels", grid.strength, *place, confidence)


class Grid(NamedTuple):
    """The borders of blocks: mean excess of a step there, and where the first are."""

    strength: float
    top: int
    left: int


@once_for_sample
def grid_of(sample: ImageSample) -> Grid:
    """See `find_grid`."""
    return find_grid(sample.pieces)


def find_grid(image: Tensor) -> Grid:
    """Find the grid of 8 on which steps between pixels are larger than elsewhere.

    It may start anywhere, so that a crop of a JPEG is recognised too.

    Args:
        image: (B, C, H, W) on the [0, 1] scale.

    Returns:
        No strength for images below 32x32 pixels.
    """
    if min(image.shape[-2:]) < 4 * SIDE:
        return Grid(0.0, 0, 0)
    across, left = _grid_excess(image)
    down, top = _grid_excess(image.transpose(2, 3))
    return Grid(max(across, down), top, left)


def blockiness(image: Tensor) -> float:
    """Strength of the blocks of a JPEG; see `find_grid`."""
    return find_grid(image).strength


def _grid_excess(image: Tensor) -> tuple[float, int]:
    # The step minus the mean of the slopes on both sides, which a smooth gradient has too.
    a, b, c, d = (image[..., k : image.shape[-1] - 3 + k] for k in range(4))
    step = ((b - c) - ((a - b) + (c - d)) / 2).abs().flatten(0, 2).mean(0)
    phases = torch.stack([step[k::SIDE].mean() for k in range(SIDE)])
    # The step of column k lies between the columns k + 1 and k + 2.
    return float(phases.max() - phases.median()), (int(phases.argmax()) + 2) % SIDE


def quantized_place(pieces: Tensor) -> tuple[int, int]:
    """The row and the column, 0 to 7, of the first block of a JPEG, if the picture is one.

    Blocks that begin there have the most coefficients of 0: quantization makes them, up to a
    quality at which the borders of blocks cannot be seen any more. They are counted in middle
    frequencies, in the part of the picture with the most texture.

    Args:
        pieces: (N, C, h, w) on the [0, 1] scale; each begins at a multiple of 8 pixels.

    Returns:
        (0, 0) for pictures below 16x16 pixels.
    """
    side = min(_TILE, *(length // SIDE * SIDE for length in pieces.shape[-2:]))
    if side < 2 * SIDE:
        return 0, 0
    tiles = _luma(pieces).unfold(1, side, side).unfold(2, side, side).reshape(-1, side, side)
    tile = tiles[tiles.diff(dim=2).abs().mean((1, 2)).argmax()]
    order = order_of_coefficients(tile.device)
    middle = dct_basis(tile.device)[(order >= 4) & (order <= 6)].view(-1, 1, SIDE, SIDE)
    coefficients = functional.conv2d(255 * tile[None, None], middle)[0]
    zeros = (coefficients.abs() < 0.5).float().mean(0)[: side - SIDE, : side - SIDE]
    shares = zeros.unflatten(0, (-1, SIDE)).unflatten(2, (-1, SIDE)).mean((0, 2))
    top, left = divmod(int(shares.argmax()), SIDE)
    return top, left


def find_steps(pieces: Tensor, top: int, left: int) -> dict[int, float]:
    """Find the quantization steps of luma coefficients.

    Args:
        pieces: (N, C, h, w) on the [0, 1] scale; each begins at a multiple of 8 pixels.
        top: row of the first border between blocks.
        left: column of the first border between blocks.

    Returns:
        The step in 8-bit levels of each frequency (8 times the vertical plus the horizontal one)
        for which one can be found.
    """
    blocks = _blocks(_luma(pieces)[:, top:, left:])
    if not len(blocks):
        return {}
    # All frequencies but the mean, whose steps rounding hides.
    histograms = _histograms(255 * dct_of_blocks(blocks)[:, 1:])
    found = {1 + index: _step(histogram) for index, histogram in enumerate(histograms)}
    return {frequency: step for frequency, step in found.items() if step is not None}


def nearest_quality(steps: dict[int, float]) -> int:
    """The quality of libjpeg whose luma table is nearest to some steps, by frequency."""
    return int(_unlikeness(steps).argmin()) + 1


def _is_table(steps: dict[int, float]) -> bool:
    """Whether steps are those of a JPEG, and not found by accident."""
    if len(steps) < _LEAST_FREQUENCIES:
        return False
    are_many = len(steps) >= _MANY_FREQUENCIES
    limit = _MOST_UNLIKE_OF_MANY if are_many else _MOST_UNLIKE
    return float(_unlikeness(steps).min()) < limit


def _unlikeness(steps: dict[int, float]) -> Tensor:
    """Mean difference of the logarithms of steps and of each quality from 1 to 100."""
    known = list(steps)
    wanted = torch.tensor([float(steps[frequency]) for frequency in known]).clamp_min(1).log()
    return (_tables()[:, known].log() - wanted).abs().mean(1)


def _luma(pieces: Tensor) -> Tensor:
    if pieces.shape[1] != 3:
        return pieces[:, 0]
    return luma(pieces)[:, 0]


def _blocks(planes: Tensor) -> Tensor:
    if min(planes.shape[-2:]) < SIDE:
        return planes.new_empty(0, SIDE**2)
    blocks = blocks_of(planes, SIDE)
    return blocks[:: max(1, len(blocks) // _BLOCKS)]


def _histograms(levels: Tensor) -> Tensor:
    """Histograms of the absolute coefficients of each frequency, (frequencies, bins)."""
    count = _LARGEST * _BINS
    bins = (levels.abs() * _BINS).round().long().clamp_max(count - 1)
    bins += count * torch.arange(levels.shape[1])
    return torch.bincount(bins.flatten(), minlength=count * levels.shape[1]).view(-1, count).float()


def _step(histogram: Tensor) -> float | None:
    """The step of one frequency; None if the coefficients are not multiples of one."""
    waves, used = _combs()
    counts = used @ histogram
    scores = (waves @ histogram) / counts.clamp_min(1)
    scores[counts < _LEAST_COEFFICIENTS] = 0
    # Multiples of a step are also multiples of its parts, for which rounding weighs more.
    best = int(scores.argmax())
    return float(best + _SMALLEST_STEP) if scores[best] >= _COMB else None


@cache
def _combs() -> tuple[Tensor, Tensor]:
    """For each step: cos(2 pi coefficient / step), and the bins that it is averaged over."""
    steps = torch.arange(_SMALLEST_STEP, _LARGEST_STEP + 1)[:, None].float()
    value = torch.arange(_LARGEST * _BINS)[None] / _BINS
    used = ((value >= steps / 2) & (value < _LARGEST - 1)).float()
    return torch.cos(2 * math.pi * value / steps) * used, used


@cache
def _tables() -> Tensor:
    """The luma tables of libjpeg for the qualities 1 to 100, (100, 64)."""
    base = torch.tensor(_ANNEX_K).float()
    quality = torch.arange(1, 101)[:, None].float()
    scale = torch.where(quality < 50, (5000 / quality).floor(), 200 - 2 * quality)
    return ((base * scale + 50) / 100).floor().clamp(1, 255)
