"""The verdict on a residual, what was removed from a picture: white noise, or something else.

The residual of a perfect denoiser on white noise has no correlation between neighbouring pixels,
and is not larger at edges than elsewhere. For white noise, both correlations are approximately
normal with mean 0 and variance 1 / N for N pixels. A residual that is not white is one of these:

- Removed detail. It resembles the detail that is still visible (`detail_loss`).
- Coarse noise, as in files of cameras. It is similar in neighbouring pixels everywhere, so the
  correlation is positive, but it does not resemble the detail.
- White noise of which a part remains. What remains is coarse, because a denoiser averages, and lies
  where detail hides it. The residual then lacks what neighbours have in common and is smaller at
  edges, so both correlations are negative.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import torch
from torch import Tensor

from restorekit.errors import InputError
from restorekit.report.detail_loss import detail_loss

# (down, right): one pixel down, right and along both diagonals, and two pixels down and right.
LAGS = ((1, 0), (0, 1), (1, 1), (1, -1), (2, 0), (0, 2))
# In a large picture, a significant correlation may still be too weak to be visible.
WEAK = 0.05
_LEAST_PIXELS = 64
# A good denoiser removes less of the visible detail, unless the noise is as strong as the detail.
_MUCH_DETAIL = 0.1


@dataclass(frozen=True)
class Whiteness:
    """The correlations of a residual and the verdict.

    Attributes:
        std: standard deviation of the residual, on the [0, 1] scale.
        lags: the correlation of neighbours at each of `LAGS`, of the channel where it is strongest.
        edges: the correlation of the residual's size with the strength of the restored image's
            edges, of the channel where it is strongest.
        strongest: the largest of all of these, as a magnitude.
        significance: the largest of them in standard deviations of what white noise gives.
        threshold: what `significance` reaches in `level` of the pictures with white noise.
        detail: the share of the visible fine detail that was removed, from 0 to 1; an estimate.
        verdict: "none removed", "white", "nearly white", "noise left", "coarse noise", "uneven
            noise" (stronger at edges), or "detail removed".
    """

    std: float
    lags: tuple[float, ...]
    edges: float
    strongest: float
    significance: float
    threshold: float
    detail: float
    verdict: str

    @property
    def words(self) -> str:
        """The verdict as a sentence."""
        found = f"strongest correlation {self.strongest:.3f}"
        test = f"{self.significance:.1f} standard deviations; limit for white noise"
        found = f"{found} ({test} {self.threshold:.1f})"
        where = "at edges" if self.edges <= min(self.lags) else "in coarse grain"
        return {
            "none removed": "Nothing was removed.",
            "white": f"The residual is white noise: {found}.",
            "nearly white": f"The residual is nearly white noise; its correlation is too weak to "
            f"be visible: {found}.",
            "noise left": f"Little detail was removed, but some noise is left, mostly {where}: "
            f"{found}.",
            "coarse noise": f"The residual is coarse noise: {found}. It does not resemble the "
            "detail of the picture.",
            "uneven noise": f"The residual is noise that is stronger at edges than elsewhere: "
            f"{found}. It does not resemble the detail of the picture.",
            "detail removed": f"Detail was removed with the noise, about {self.detail:.0%} of the "
            f"contrast of the finest visible edges and textures: {found}.",
        }[self.verdict]


@torch.no_grad()
def whiteness(before: Tensor, after: Tensor, level: float = 0.01) -> Whiteness:
    """Test the residual `before - after` for correlation in space, with edges and with detail.

    Correlations are divided by their own standard deviation, so white noise whose strength depends
    on brightness passes. Noise that was clipped at black or white has a mean that varies with the
    picture. Pixels restored to within three standard deviations of a limit are therefore excluded,
    unless values lie outside the limits or there are too few others.

    Args:
        before: (B, C, H, W), floats on the [0, 1] scale; several tiles of a picture as a batch.
        after: the restored tiles.
        level: share of the white residuals that fail by chance.

    Returns:
        The correlations and a verdict.

    Raises:
        InputError: the shapes differ or are not (B, C, H, W).
    """
    if before.ndim != 4 or before.shape != after.shape:
        raise InputError(
            f"before and after are two (B, C, H, W), not {tuple(before.shape)} "
            f"and {tuple(after.shape)}"
        )
    residual = (before - after).float()
    std = float(residual.double().std(correction=0)) if residual.numel() else 0.0
    # A residual of this size is due to rounding.
    if std < 1e-6 or residual[0, 0].numel() < _LEAST_PIXELS:
        return Whiteness(std, (0.0,) * len(LAGS), 0.0, 0.0, 0.0, 0.0, 0.0, "none removed")
    found = [_of_channel(before[:, c], after[:, c], residual[:, c]) for c in range(before.shape[1])]
    tests = torch.tensor(found)  # (C, lags and edges, [correlation, significance])
    strongest = tests[..., 0].gather(0, tests[..., 0].abs().argmax(0, keepdim=True))[0].tolist()
    # Bonferroni correction, because each of several tests may fail by chance.
    threshold = NormalDist().inv_cdf(1 - level / (2 * tests[..., 0].numel()))
    significance = float(tests[..., 1].abs().max())
    largest = max(abs(value) for value in strongest)
    loss = detail_loss(before.float(), after.float())
    if significance <= threshold:
        verdict = "white"
    elif loss.least >= _MUCH_DETAIL:
        verdict = "detail removed"
    elif largest < WEAK:
        verdict = "nearly white"
    elif min(strongest) == -largest:
        verdict = "noise left"
    else:
        verdict = "coarse noise" if max(strongest[:-1]) >= WEAK else "uneven noise"
    return Whiteness(
        std=std,
        lags=tuple(strongest[:-1]),
        edges=strongest[-1],
        strongest=largest,
        significance=significance,
        threshold=threshold,
        detail=loss.share,
        verdict=verdict,
    )


def _of_channel(before: Tensor, after: Tensor, residual: Tensor) -> list[tuple[float, float]]:
    """(correlation, significance) at each lag, then with edges, of one channel (B, H, W)."""
    unclipped = _free_of_clipping(before, after, 3 * float(residual.std())).double()
    mean = (residual * unclipped).sum() / unclipped.sum()
    centred = (residual - mean) * unclipped
    found = []
    for lag in LAGS:
        here, there = _pair(centred, *lag)
        with_here, with_there = _pair(unclipped, *lag)
        found.append(_correlation(here, there, with_here, with_there))
    return [*found, _with_edges(centred, unclipped, after)]


def _free_of_clipping(before: Tensor, after: Tensor, margin: float) -> Tensor:
    """Mask of the pixels whose noise was not clipped at 0 or 1; all pixels if these are too few."""
    if not ((before <= 0) | (before >= 1)).any() or before.min() < 0 or before.max() > 1:
        return torch.ones_like(before, dtype=torch.bool)
    free = (after > margin) & (after < 1 - margin)
    return free if 20 * int(free.sum()) >= free.numel() else torch.ones_like(free)


def _pair(values: Tensor, down: int, right: int) -> tuple[Tensor, Tensor]:
    """The pixels that have a neighbour at an offset, and these neighbours."""
    height, width = values.shape[-2:]
    here = values[:, : height - down, max(0, -right) : width - max(0, right)]
    there = values[:, down:, max(0, right) : width - max(0, -right)]
    return here, there


def _correlation(a: Tensor, b: Tensor, with_a: Tensor, with_b: Tensor) -> tuple[float, float]:
    """The correlation of centred values, and its distance from 0 in standard deviations."""
    product = a * b
    both = with_a * with_b
    scale = math.sqrt(float((a.square() * both).sum() * (b.square() * both).sum()))
    spread = float(product.square().sum().sqrt())
    if scale == 0 or spread == 0:
        return 0.0, 0.0
    total = float(product.sum())
    return total / scale, total / spread


def _with_edges(centred: Tensor, unclipped: Tensor, after: Tensor) -> tuple[float, float]:
    """Correlation of the residual's magnitude with the gradient of the restored image.

    Central differences do not use the pixel itself, so noise that remains in the restored image
    does not cause a correlation.
    """
    if min(after.shape[-2:]) < 3:
        return 0.0, 0.0
    down = after[:, 2:, 1:-1] - after[:, :-2, 1:-1]
    right = after[:, 1:-1, 2:] - after[:, 1:-1, :-2]
    inner = unclipped[:, 1:-1, 1:-1]
    count = inner.sum()
    if count == 0:
        return 0.0, 0.0
    size, edge = centred[:, 1:-1, 1:-1].abs(), torch.hypot(down, right).double()
    size, edge = ((each - (each * inner).sum() / count) * inner for each in (size, edge))
    return _correlation(size, edge, inner, inner)
