"""NL-Bayes, a Gaussian model of each group of similar patches.

Lebrun, Buades and Morel, A Nonlocal Bayesian Image Denoising Algorithm, SIAM Journal on Imaging
Sciences 2013, https://doi.org/10.1137/120874989. The parameters are those of the program of the
same authors, Implementation of the Non-Local Bayes (NL-Bayes) Image Denoising Algorithm, IPOL 2013,
https://doi.org/10.5201/ipol.2013.16
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass

import torch
from torch import Tensor

from restorekit.arch.classical.block_matching import (
    Search,
    overlapping,
    patch_table,
    precise,
    similar,
    strips,
)
from restorekit.arch.classical.decorrelated import Decorrelated

_LEVELS = 255.0  # the parameters are published for 8-bit levels
_FLAT = 1.05  # variance of a group without detail, in units of that of the noise
_NEAR = 4.0**2  # squared difference, per value, up to which more patches join in the second step
_MOST = 600  # patches in such a group; all of the window, except in colour at levels from 50
_RIDGE = 1e-6  # added to covariances, in units of the variance of the noise
_VALUES = 1 << 18  # values of groups that are filtered at once, 2 MB


class NLBayes(Decorrelated):
    """NL-Bayes: the best linear estimate for patches with the mean and covariance of their group.

    A first step takes both from the noisy patches, and replaces groups without detail by their
    mean. A second step takes the covariance from the result of the first. Colour channels are
    decorrelated and filtered one by one in the first step, together in the second. Everything is
    computed on the device of the batch. At sigma 25/255 a megapixel takes about 12 seconds on one
    core of a CPU, and 30 seconds in colour; strong noise, which has larger patches, up to 4 minutes
    and 1.4 GB of memory for pictures 1024 pixels wide.

    Every pixel of a regular grid begins a reference patch; the authors' program leaves out those
    that are in an earlier group.

    Reference: https://doi.org/10.1137/120874989

    Attributes:
        size_multiple: 12, a multiple of the distance of the reference patches at every noise
            level; any height and width is accepted.

    Example:
        >>> noisy = 0.5 + 0.1 * torch.randn(1, 3, 16, 16)
        >>> restored = restorekit.create_model("nl_bayes")(noisy, torch.full((1, 1, 1, 1), 0.1))
        >>> bool(restored.std() < 0.5 * noisy.std())
        True
    """

    name = "nl_bayes"

    def __init__(self) -> None:
        super().__init__()
        self.size_multiple = 12

    def filter(self, image: Tensor, sigma: float) -> Tensor:
        """Restore one image of decorrelated channels, (C, H, W)."""
        noisy = precise(image)
        first, second = _steps(sigma * _LEVELS, len(image))
        basic = _filtered(noisy, None, first, sigma)
        return _filtered(noisy, basic, second, sigma).float()


@dataclass(frozen=True)
class _Step:
    """One of the two steps of NL-Bayes.

    Attributes:
        size: side of the patches in pixels.
        count: number of patches in a group.
        noise: variance that is removed, in units of that of the noise.
    """

    size: int
    count: int
    noise: float

    def search(self, most: int) -> Search:
        """The search for up to that many patches."""
        return Search(self.size, step=self.size // 2 + 1, reach=self.count // 4, count=most)


def _steps(level: float, channels: int) -> tuple[_Step, _Step]:
    """The two steps for a noise level on the scale of 8 bits."""
    if channels > 1:
        sizes = (3, 5, 7)[bisect((20, 50), level)], (3, 5, 7)[bisect((50, 70), level)]
        noise = 1.2 if level < 50 else 1.0
        return _Step(sizes[0], 3 * sizes[0] ** 2, 1.0), _Step(sizes[1], 3 * sizes[1] ** 2, noise)
    first = _Step(
        5 if level < 30 else 7,
        (35, 45, 90, 100)[bisect((10, 30, 80), level)],
        (1.1, 1.0, 0.9)[bisect((15, 70), level)],
    )
    second = _Step(
        5,
        (15, 25, 30, 45)[bisect((20, 40, 80), level)],
        (1.1, 1.0, 0.9)[bisect((15, 35), level)],
    )
    return first, second


def _filtered(noisy: Tensor, basic: Tensor | None, step: _Step, sigma: float) -> Tensor:
    """Filter all groups of (C, H, W), in the second step with the result of the first."""
    joint = basic is not None  # all channels are filtered together
    search = step.search(_MOST if joint else step.count)
    images = [search.fit(x) for x in (noisy, basic) if x is not None]
    pixels = torch.eye(step.size**2).view(-1, 1, step.size, step.size).to(noisy)
    total, weight = torch.zeros_like(images[0]), torch.zeros_like(images[0][0])
    for strip in strips(total.shape[1], search):
        rows = slice(strip.top, strip.bottom)
        tables = [_patches(image[:, rows], pixels, joint) for image in images]
        features = tables[-1][:, :, 0]  # those of the brightness if not joint
        indices, distances = similar(features, strip, search)
        kept = _near(distances, step.count, _NEAR / _LEVELS**2 * features.shape[2])
        summed, counts = _collected(tables, indices, kept, step, sigma)
        for channel, table in enumerate(summed):
            total[channel, rows] += overlapping(table, pixels)
        weight[rows] += overlapping(counts, pixels.sum(0, keepdim=True))
    height, width = noisy.shape[1:]
    return (total / weight)[:, :height, :width]


def _patches(image: Tensor, pixels: Tensor, joint: bool) -> Tensor:
    """Every patch of (C, H, W): (h, w, C, K), or (h, w, 1, C * K) if joint."""
    table = torch.stack([patch_table(plane, pixels) for plane in image], dim=2)
    return table.flatten(2)[:, :, None] if joint else table


def _near(distances: Tensor, count: int, farthest: float) -> Tensor:
    """Which patches are among the `count` nearest or at most `farthest` away, (R, N)."""
    last = distances[:, min(count, distances.shape[1]) - 1, None]
    return (distances <= last.clamp(min=farthest)) & distances.isfinite()


def _collected(
    tables: list[Tensor], indices: Tensor, kept: Tensor, step: _Step, sigma: float
) -> tuple[Tensor, Tensor]:
    """Filter all groups; the sum of the estimates of each patch, and their number.

    Args:
        tables: every noisy patch of a strip, (h, w, G, K), whose G parts are filtered one by one;
            in the second step, also every patch of the first result.
        indices: patches of each group, (R, N), the nearest first.
        kept: which of them are in the group, (R, N).
        step: the parameters.
        sigma: the noise level.

    Returns:
        (C, size^2, h, w) and (1, h, w).
    """
    noisy, model = (table.flatten(0, 1) for table in (tables[0], tables[-1]))
    summed, counts = torch.zeros_like(noisy), torch.zeros_like(noisy[:, 0, 0])
    noise = step.noise * sigma**2
    sizes = kept.sum(1)
    at_once = max(_VALUES // (indices.shape[1] * noisy[0].numel()), 1)
    # Groups of similar size are filtered together, cut to the largest of them.
    for part in sizes.argsort().split(at_once):
        size = int(sizes[part[-1]])
        index, member = indices[part, :size], kept[part, :size].to(noisy)[:, None, :, None]
        group = noisy[index].transpose(1, 2)  # (R, G, N, K)
        if len(tables) == 1:
            estimates = _estimates(group, group, member, noise, _RIDGE * sigma**2)
            estimates = _flattened(group, estimates, member, _FLAT * sigma**2)
        else:
            estimates = _estimates(group, model[index].transpose(1, 2), member, noise, noise)
        summed.index_add_(0, index.flatten(), (estimates * member).transpose(1, 2).flatten(0, 1))
        counts.index_add_(0, index.flatten(), member.flatten())
    height, width = tables[0].shape[:2]
    summed = summed.view(height, width, -1, step.size**2).permute(2, 3, 0, 1)
    return summed, counts.view(1, height, width)


def _estimates(group: Tensor, model: Tensor, member: Tensor, noise: float, added: float) -> Tensor:
    """The best linear estimate of each patch of groups, (R, G, N, K).

    The mean is that of the noisy patches in both steps, as in the authors' program. The mean of
    the first result would lose 0.2 dB in gray and 0.4 dB in colour at level 50.

    Args:
        group: the noisy patches.
        model: patches from which the covariance is taken.
        member: 1 for patches in the group, 0 for others, (R, 1, N, 1).
        noise: variance that is removed.
        added: variance by which the covariance is less than that of noisy patches.
    """
    count = member.sum(2, keepdim=True)
    centred, spread = ((x - (x * member).sum(2, keepdim=True) / count) for x in (group, model))
    spread = spread * member
    covariance = spread.mT @ spread / (count - 1).clamp(min=1)
    diagonal = covariance.diagonal(dim1=-2, dim2=-1)
    # Besides, as much as rounding may take from the smallest eigenvalue.
    rounding = torch.finfo(group.dtype).eps * diagonal.sum(-1, keepdim=True)
    diagonal.add_(rounding + added)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky_ex(covariance).L)
    return group - noise * (centred @ inverse)


def _flattened(group: Tensor, estimates: Tensor, member: Tensor, variance: float) -> Tensor:
    """Replace the estimates of groups of at most that variance by one mean for each part."""
    count = member.sum(2, keepdim=True) * group.shape[3]
    mean = (group * member).sum((2, 3), keepdim=True) / count
    squares = ((group - mean) * member).square().sum((2, 3), keepdim=True)
    flat = (squares / (count - 1)).mean(1, keepdim=True) <= variance
    return torch.where(flat, mean, estimates)
