"""The level of weak white noise in a colour picture, from the principal components of patches.

Patches of a picture lie near a subspace of few dimensions; white noise has the same variance in
all of them. Channels share most texture, so patches of three channels leave many dimensions to the
noise, also where texture hides it in single channels.

G. Chen, F. Zhu and P. A. Heng, An Efficient Statistical Method for Image Noise Level Estimation,
ICCV 2015, https://doi.org/10.1109/ICCV.2015.62, for the choice of the dimensions. X. Liu, M. Tanaka
and M. Okutomi, Single-Image Noise Level Estimation for Blind Denoising, IEEE TIP 2013,
https://doi.org/10.1109/TIP.2013.2283400, for the patches with little texture.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.estimate.image_sample import ImageSample

_SIDE = 7
_PATCHES = 50_000  # largest number
_SHARE, _LEAST = 0.1, 2000  # of the patches, those with the least texture
_STEPS = 4  # at which the channels are brought to equal noise
_CLIPPED = 0.02  # share of clipped pixels; patches with more are not used


class WeakNoise(NamedTuple):
    """White noise.

    Attributes:
        levels: its standard deviation in each channel on the [0, 1] scale.
        flatness: mean of the smallest quarter of its variances, relative to the mean of all. It is
            at least 0.7 for white noise, and below 0.6 for correlated noise.
    """

    levels: tuple[float, ...]
    flatness: float


def weak_noise(sample: ImageSample) -> WeakNoise | None:
    """Measure the noise.

    Returns:
        None for pictures without three channels or with too few patches, and if a channel is
        constant, as where two stains of a micrograph are red and green.
    """
    if sample.pieces.shape[1] != 3 or min(sample.pieces.shape[-2:]) < _SIDE:
        return None
    smooth = _smooth_patches(sample.pieces)
    if len(smooth) < _LEAST:
        return None
    covariance = smooth.flatten(1).T.cov().double()
    if not float(covariance.diag().view(3, -1).amax(1).min()):
        return None
    variances, flatness = _channel_variances(covariance)
    levels = tuple(map(math.sqrt, (variances - sample.rounding).clamp_min(0).tolist()))
    return WeakNoise(levels, flatness)


def _channel_variances(covariance: Tensor) -> tuple[Tensor, float]:
    """The variance of the noise in each of three channels, and the flatness.

    The channels are brought to equal noise step by step, because dimensions with more noise than
    others would be taken for texture.
    """
    variances = torch.ones(3, dtype=covariance.dtype)
    flatness = 0.0
    for _ in range(_STEPS):
        scale = variances.clamp_min(1e-12).sqrt().repeat_interleave(_SIDE**2)
        values, vectors = torch.linalg.eigh(covariance / scale / scale[:, None])
        noise = _noise_dimensions(values)
        values, vectors = values[:noise], vectors[:, :noise].reshape(3, -1, noise)
        shares = vectors.square().sum(1)  # of each channel in each dimension
        variances = variances * (shares @ values) / shares.sum(1)
        smallest = values[: max(1, noise // 4)].mean()
        flatness = float(smallest / values.mean().clamp_min(1e-12))
    return variances, flatness


def _smooth_patches(pieces: Tensor) -> Tensor:
    """The patches (n, 3, 7, 7) with the least texture among evenly spread ones."""
    positions = len(pieces) * math.prod(side - _SIDE + 1 for side in pieces.shape[-2:])
    step = max(1, math.ceil(math.sqrt(positions / _PATCHES)))
    clipped = ((pieces <= 0) | (pieces >= 1)).float().mean(1, keepdim=True)
    usable = functional.avg_pool2d(clipped, _SIDE, step)[:, 0] <= _CLIPPED
    texture = _texture(pieces, step)[usable]
    count = min(len(texture), max(_LEAST, int(_SHARE * len(texture))))
    places = usable.nonzero()[texture.topk(count, largest=False).indices]
    patches = pieces.unfold(2, _SIDE, step).unfold(3, _SIDE, step).movedim(1, 3)
    return patches[places.unbind(1)]


def _texture(pieces: Tensor, step: int) -> Tensor:
    """Energy of the low frequencies of each patch, the variance of averages of 2x2 pixels.

    They are not those of the dimensions that are measured.
    """
    rows, columns = (side - _SIDE + 1 for side in pieces.shape[-2:])
    averages = functional.avg_pool2d(pieces, 2, 1)
    offsets = range(0, _SIDE - 1, 2)  # of the averages of a patch
    nine = [
        averages[..., y : y + rows : step, x : x + columns : step] for y in offsets for x in offsets
    ]
    return torch.stack(nine).var(0).sum(1)


def _noise_dimensions(values: Tensor) -> int:
    """The largest number of the smallest variances whose mean is at most their median.

    Args:
        values: ascending variances.
    """
    counts = torch.arange(1, len(values) + 1)
    means = values.cumsum(0) / counts
    medians = (values[(counts - 1) // 2] + values[counts // 2]) / 2
    fits = (means <= medians).nonzero()
    return int(fits.max()) + 1
