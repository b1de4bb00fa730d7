"""BM3D, block matching and 3D filtering.

Dabov, Foi, Katkovnik and Egiazarian, Image Denoising by Sparse 3-D Transform-Domain Collaborative
Filtering, IEEE TIP 2007, https://doi.org/10.1109/TIP.2007.901238. The parameters are those of
Lebrun, An Analysis and Implementation of the BM3D Image Denoising Method, IPOL 2012,
https://doi.org/10.5201/ipol.2012.l-bm3d
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

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
from restorekit.arch.classical.bm3d_package import PackagedBM3D
from restorekit.arch.classical.decorrelated import Decorrelated, cosines

_SIZE = 8  # side of the patches
_STEP = 3  # distance of neighbouring reference patches
_LEVELS = 255.0  # distances are published for 8-bit levels
_THRESHOLD = 2.7  # in units of the noise level
_GROUPS = 1024  # groups that are filtered at once
# Lowpass filter of the wavelet bior1.5, times 256 / sqrt(2); its highpass filter is that of Haar.
_LOWPASS = (3, -3, -22, 22, 128, 128, 22, -22, -3, 3)


class BM3D(Decorrelated):
    """BM3D: groups of similar patches are thresholded together, then filtered once more.

    Colour images use CBM3D: their channels are decorrelated, and patches are matched by the
    brightness. Everything is computed on the device of the batch. A megapixel takes about 20
    seconds on one core of a CPU, twice as long in colour.

    Reference: https://doi.org/10.1109/TIP.2007.901238

    Args:
        profile: "ipol" has the parameters of Lebrun (IPOL 2012), whatever the level of the noise.
            The others call the package `bm3d` of the authors with one of its profiles: "np" is the
            normal one, "refilter" a newer one, "vn" is for strong noise, "high" for quality, and
            "paper" is the normal one as published. The package is installed by the extra `bm3d`
            only, since its licence allows non-commercial use only.

    Attributes:
        size_multiple: 3, the grid of the reference patches; any height and width is accepted.

    Raises:
        MissingExtraError: bm3d is not installed and `profile` is not "ipol".

    Example:
        >>> noisy = 0.5 + 0.1 * torch.randn(1, 3, 16, 16)
        >>> restored = restorekit.create_model("bm3d")(noisy, torch.full((1, 1, 1, 1), 0.1))
        >>> bool(restored.std() < 0.5 * noisy.std())
        True
    """

    name = "bm3d"

    def __init__(
        self, profile: Literal["ipol", "np", "refilter", "vn", "high", "paper"] = "ipol"
    ) -> None:
        super().__init__()
        self.package = None if profile == "ipol" else PackagedBM3D(profile)
        self.size_multiple = _STEP

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch, as all denoisers without weights do."""
        if self.package is None:
            return super().forward(noisy, sigma)
        restored: Tensor = self.package(noisy, sigma)
        return restored

    def filter(self, image: Tensor, sigma: float) -> Tensor:
        """Restore one image of decorrelated channels, (C, H, W)."""
        first, second = _steps(sigma * _LEVELS)
        noisy = first.search.fit(precise(image))
        basic = _filtered(noisy, None, first, sigma)
        restored = _filtered(noisy, basic, second, sigma)
        return restored[:, : image.shape[1], : image.shape[2]].float()


@dataclass(frozen=True)
class _Step:
    """One of the two steps of BM3D.

    Attributes:
        search: which patches are compared.
        farthest: greatest mean squared difference of patches in a group, in 8-bit levels.
        transform: of the rows and columns of a patch, (size, size), one pattern a row.
    """

    search: Search
    farthest: float
    transform: Tensor


def _steps(level: float) -> tuple[_Step, _Step]:
    """The two steps for a noise level on the scale of 8 bits.

    Lebrun accepts distances up to 5000 in the first step for levels above 40, after a threshold of
    the patches. Without the threshold, pictures of Set12 and CBSD68 gain 0.1 to 0.6 dB at level 50;
    the distance then grows with that of two patches of noise, which is 2 level^2.
    """
    first = _Step(
        Search(_SIZE, step=_STEP, reach=19, count=16), max(2500, 4 * level**2), biorthogonal(_SIZE)
    )
    second = _Step(
        Search(_SIZE, step=_STEP, reach=19, count=32),
        400 if level <= 40 else 3500,
        cosines(_SIZE).double(),
    )
    return first, second


def _filtered(noisy: Tensor, basic: Tensor | None, step: _Step, sigma: float) -> Tensor:
    """Filter groups by a hard threshold or, with a basic estimate, by a Wiener filter."""
    guide = noisy if basic is None else basic
    pixels, analysis = (_patterns(x).to(noisy) for x in (torch.eye(_SIZE), step.transform))
    window = kaiser(_SIZE).to(noisy)
    synthesis = _patterns(step.transform.inverse().T).to(noisy) * window
    total, weight = torch.zeros_like(noisy), torch.zeros_like(noisy)
    for strip in strips(noisy.shape[1], step.search):
        rows = slice(strip.top, strip.bottom)
        found = similar(patch_table(guide[0, rows], pixels), strip, step.search)
        # The first channel is the mean of the colours times the root of their number.
        groups = list(_groups(*found, step.farthest / _LEVELS**2 * _SIZE**2 * len(noisy)))
        for channel in range(len(noisy)):
            coefficients = patch_table(noisy[channel, rows], analysis)
            guides = None if basic is None else patch_table(basic[channel, rows], analysis)
            summed, weights = _collected(coefficients, guides, groups, sigma)
            total[channel, rows] += overlapping(summed, synthesis)
            weight[channel, rows] += overlapping(weights, window[None, None])
    return total / weight


def _groups(indices: Tensor, distances: Tensor, farthest: float) -> Iterator[Tensor]:
    """Groups of near patches, (R, N) for each power of two N; larger groups lose the farthest."""
    near = (distances <= farthest).sum(1)
    count = 1
    while count <= indices.shape[1]:
        largest = 2 * count > indices.shape[1]
        chosen = (near >= count) if largest else (near >= count) & (near < 2 * count)
        yield from indices[chosen, :count].split(_GROUPS)
        count *= 2


def _collected(
    noisy: Tensor, basic: Tensor | None, groups: list[Tensor], sigma: float
) -> tuple[Tensor, Tensor]:
    """Filter all groups; the weighted sum of the filtered coefficients of each patch, and weights.

    Args:
        noisy: coefficients of every patch of a strip, (h, w, K).
        basic: the same of the basic estimate, for a Wiener filter.
        groups: indices of patches.
        sigma: the noise level.

    Returns:
        (K, h, w) and (1, h, w).
    """
    height, width, count = noisy.shape
    noisy = noisy.flatten(0, 1)
    summed, weights = torch.zeros_like(noisy), torch.zeros_like(noisy[:, 0])
    for group in groups:
        across = hadamard(group.shape[1]).to(noisy)
        stack = across @ noisy[group]
        if basic is None:
            stack = stack * (stack.abs() > _THRESHOLD * sigma)
            used = (stack != 0).sum((1, 2)).to(noisy)
        else:
            power = (across @ basic.flatten(0, 1)[group]).square()
            gain = power / (power + sigma**2)
            stack = stack * gain
            used = gain.square().sum((1, 2))
        weight = (1 / used.clamp(min=1))[:, None].expand(group.shape)
        stack = (across @ stack) * weight[..., None]
        summed.index_add_(0, group.flatten(), stack.flatten(0, 1))
        weights.index_add_(0, group.flatten(), weight.flatten())
    return summed.T.view(count, height, width), weights.view(1, height, width)


def _patterns(transform: Tensor) -> Tensor:
    """The (K, 1, size, size) products of two rows of a transform (size, size)."""
    return torch.einsum("ih,jw->ijhw", transform, transform).flatten(0, 1)[:, None]


def hadamard(count: int) -> Tensor:
    """The orthonormal Walsh-Hadamard transform of a power of two of numbers; its own inverse."""
    rows = torch.ones(1, 1)
    while len(rows) < count:
        rows = torch.kron(rows, torch.tensor([[1.0, 1.0], [1.0, -1.0]])) / 2**0.5
    return rows


def biorthogonal(count: int) -> Tensor:
    """The periodic wavelet transform bior1.5 of a power of two of numbers, float64.

    One pattern a row, from coarse to fine, each of length 1, so that white noise has the same
    standard deviation in every coefficient.
    """
    rows = torch.eye(count, dtype=torch.float64)
    length = count
    while length > 1:
        rows[:length] = _halved(length) @ rows[:length]
        length //= 2
    normed: Tensor = rows / rows.norm(dim=1, keepdim=True)
    return normed


def _halved(length: int) -> Tensor:
    """One scale of the wavelet transform: lowpass rows, then highpass rows, (length, length)."""
    rows = torch.zeros(length, length, dtype=torch.float64)
    for place in range(length // 2):
        for offset, value in enumerate(_LOWPASS, start=2 * place - 4):
            rows[place, offset % length] += value / 256
        rows[length // 2 + place, 2 * place : 2 * place + 2] = torch.tensor([0.5, -0.5])
    return rows


def kaiser(size: int) -> Tensor:
    """The Kaiser window of a patch, which weighs its border less, (size, size)."""
    line = torch.kaiser_window(size, periodic=False, beta=2.0)
    window: Tensor = line[:, None] * line
    return window
