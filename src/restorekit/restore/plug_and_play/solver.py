"""Restoration in turns: explain what was observed, then remove noise."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import ceil, log10
from typing import NamedTuple

import torch
from torch import Tensor

from restorekit.restore.plug_and_play.degradation import Degradation
from restorekit.symmetry import ALL_SYMMETRIES

_BLOCK = 256  # pixels, side of the blocks in which noise is drawn


class NoiseField:
    """White noise of an image, as a part of the image gets it; the same in each run.

    The noise is drawn in square blocks, each with a generator of its own. A part draws those that
    it touches, so that parts get the same noise where they overlap.

    Args:
        size: height and width of the image.
        rows: those of the part.
        columns: those of the part.
    """

    def __init__(self, size: tuple[int, int], rows: slice, columns: slice) -> None:
        self._size = size
        self._blocks = [
            (row, column, torch.Generator().manual_seed(row.number << 16 | column.number))
            for row, column in product(_spans(rows), _spans(columns))
        ]

    def draw(self, like: Tensor) -> Tensor:
        """The next noise of standard deviation 1 for the part, (B, C, h, w)."""
        part = torch.empty(like.shape)
        for row, column, random in self._blocks:
            # Not beyond the image, which may be much smaller than a block.
            spans = zip(self._size, (row, column), strict=True)
            sides = (min(_BLOCK, length - span.number * _BLOCK) for length, span in spans)
            noise = torch.randn((*like.shape[:2], *sides), generator=random)
            part[..., row.of_part, column.of_part] = noise[..., row.of_block, column.of_block]
        return part.to(like)


class _Span(NamedTuple):
    """Rows or columns that a block and a part have in common."""

    number: int  # of the block
    of_block: slice
    of_part: slice


def _spans(part: slice) -> list[_Span]:
    """What a part has in common with each block that it touches."""
    spans = []
    for number in range(part.start // _BLOCK, ceil(part.stop / _BLOCK)):
        start = number * _BLOCK
        low, high = max(start, part.start), min(start + _BLOCK, part.stop)
        of_block, of_part = (slice(low - first, high - first) for first in (start, part.start))
        spans.append(_Span(number, of_block, of_part))
    return spans


# A denoiser, as a function of a batch (B, C, H, W) and the standard deviation of its noise.
Prior = Callable[[Tensor, float], Tensor]

FIRST_LEVEL = 49 / 255  # of noise, in the first step
_TRUST = 0.23  # weight of the prior


def solve(
    observed: Tensor,
    known: Tensor,
    degradation: Degradation,
    image: Tensor,
    sigma: float,
    prior: Prior,
    steps: int,
    noise: NoiseField | None = None,
    first: float = FIRST_LEVEL,
) -> Tensor:
    """The clean image behind a degraded one, by half-quadratic splitting.

    Each step finds the image near the present one that explains what was observed, and then removes
    its noise, whose assumed level falls from `first` to that of the observed image.

    After Zhang et al., Plug-and-Play Image Restoration with Deep Denoiser Prior, IEEE TPAMI 2021,
    https://arxiv.org/abs/2008.13751

    Args:
        observed: the degraded image, (B, C, h, w).
        known: True where it is known, broadcastable to it.
        degradation: what the clean image went through.
        image: a first guess of the clean image, (B, C, H, W).
        sigma: standard deviation of the noise of `observed` on the scale of [0, 1], above 0.
        prior: removes noise.
        steps: how many, at least 1.
        noise: noise that is added at the assumed level before noise is removed (as in Zhu et al.,
            DiffPIR, CVPRW 2023, https://arxiv.org/abs/2305.08995); None for none. Where little was
            observed, a denoiser that is applied again and again to images without noise exaggerates
            them.
        first: the assumed level of the first step.

    Returns:
        The clean image, (B, C, H, W), not clamped.
    """
    start = log10(max(first, sigma))
    for step, level in enumerate(torch.logspace(start, log10(sigma), steps).tolist()):
        image = degradation.explain(observed, known, image, _TRUST * (sigma / level) ** 2)
        if noise is not None:
            image = image + level * noise.draw(image)
        # Turned differently each time, so that preferred directions of the denoiser do not add up.
        turn = ALL_SYMMETRIES[step % len(ALL_SYMMETRIES)]
        image = turn.undo(prior(turn.apply(image), level))
    return image
