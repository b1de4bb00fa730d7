"""White noise of which a part is clipped, such as that of paper whose white is that of the file.

The mean of such noise is not 0, and its distribution is not normal, so that other tests take it for
texture. But texture is seldom independent from pixel to pixel, and the noise of white paper is.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.estimate.cosine_transform import SIDE, blocks_of
from restorekit.estimate.noisy_blocks import clipped_variance

DARK, BRIGHT = 8 / 255, 247 / 255  # outside these, noise may have been clipped
# Blocks that are dark or bright are examined if there are so many, and such a share.
_LEAST_BLOCKS, _LEAST_SHARE = 32, 0.05
_SMOOTHEST = 0.2  # share of these blocks
# Noise has, in the smoothest blocks, at most this correlation of neighbours, and leaves at most
# this roughness, relative to what was removed. In paper with more clipped pixels, too little of the
# noise is left to be sure.
_UNCORRELATED, _SMOOTH, _MOST_CLIPPED = 0.06, 0.1, 0.8

_EDGE, _STEEP = 5, 0.3  # side in pixels of the window of an edge, and its least contrast


def clipped_level(noisy: Tensor, restored: Tensor) -> float:
    """The level that white noise had before it was clipped; 0 without evidence of such noise.

    Args:
        noisy: (B, C, H, W), pieces of one picture, floats on the [0, 1] scale.
        restored: the restored pieces.
    """
    brightness = blocks_of(restored.mean(1), SIDE)
    is_clipped = ((brightness < DARK) | (brightness > BRIGHT)).all(1)
    if int(is_clipped.sum()) < max(_LEAST_BLOCKS, _LEAST_SHARE * len(is_clipped)):
        return 0.0
    before, after = (_channels(image)[:, is_clipped] for image in (noisy, restored))
    rough = after.var(-1).mean(0)
    smoothest = rough.argsort()[: max(_LEAST_BLOCKS, int(_SMOOTHEST * len(rough)))]
    low, high = ((before[:, smoothest] <= 0).float(), (before[:, smoothest] >= 1).float())
    noise = (before - after)[:, smoothest]
    noise = noise - noise.mean(-1, keepdim=True)
    power, share = float(noise.square().mean()), float((low + high).mean())
    if not 0 < share <= _MOST_CLIPPED or _correlation(noise.mean(0)) > _UNCORRELATED:
        return 0.0
    if float(rough[smoothest].mean()) > _SMOOTH**2 * power:
        return 0.0
    return math.sqrt(power / float(clipped_variance(low.mean(), high.mean())))


def share_at_edges(restored: Tensor, share: float) -> Tensor:
    """The share of a change that is applied to each pixel, (B, 1, H, W): less at steep edges.

    Args:
        restored: (B, C, H, W), floats on the [0, 1] scale.
        share: what is applied at edges.
    """
    brightness = restored.mean(1, keepdim=True)
    highest = functional.max_pool2d(brightness, _EDGE, 1, _EDGE // 2)
    lowest = -functional.max_pool2d(-brightness, _EDGE, 1, _EDGE // 2)
    return torch.where(highest - lowest > _STEEP, share, 1.0)


def _channels(image: Tensor) -> Tensor:
    """The blocks of each channel, (C, n, 64)."""
    return torch.stack([blocks_of(planes, SIDE) for planes in image.unbind(1)])


def _correlation(noise: Tensor) -> float:
    """Correlation of neighbouring pixels in blocks (n, 64), without its sign."""
    blocks = noise.unflatten(1, (SIDE, SIDE))
    below = (blocks[:, 1:] * blocks[:, :-1]).mean()
    beside = (blocks[..., 1:] * blocks[..., :-1]).mean()
    return float((below + beside).abs() / 2 / blocks.square().mean().clamp_min(1e-12))
