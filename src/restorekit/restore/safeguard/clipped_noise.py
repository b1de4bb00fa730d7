"""White noise of which a part is clipped, such as that of paper whose white is that of the file.

The mean of such noise is not 0, and its distribution is not normal, so that other tests take it for
texture. But it is independent from pixel to pixel and distributed like a part of normal noise.
Texture is seldom both.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from restorekit.estimate.clipped_tail import tail_ratio
from restorekit.estimate.cosine_transform import SIDE, blocks_of
from restorekit.estimate.neighbours import pooled_correlation
from restorekit.estimate.noisy_blocks import clipped_variance

DARK, BRIGHT = 8 / 255, 247 / 255  # outside these, noise may have been clipped
# Blocks that are dark or bright are examined if there are so many, and such a share.
_LEAST_BLOCKS, _LEAST_SHARE = 32, 0.05
_SMOOTHEST = 0.2  # share of these blocks
# Noise leaves at most this roughness in the smoothest blocks, relative to what was removed. If more
# pixels are clipped, too little of it is left to be sure; channels with fewer are not clipped.
_SMOOTH, _MOST_CLIPPED, _CLIPPED = 0.1, 0.8, 0.02
# Largest variance that is removed from them, relative to that of the noisy blocks with the least.
# More is removed if the network erases lines.
_MOST_REMOVED = 2.5
# Noise of 2 to 30 of 255 on paper has a correlation of at most 0.05, and tail ratios from 0.81 to
# 0.99. Grain with weak noise has more.
_UNCORRELATED, _TAIL = 0.06, (0.75, 1.03)


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
    count = max(_LEAST_BLOCKS, int(_SMOOTHEST * len(rough)))
    smoothest = rough.argsort()[:count]
    calm = float(before.var(-1).mean(0).sort().values[:count].mean())
    before, after = before[:, smoothest], after[:, smoothest]
    low, high = (before <= 0).float().mean((1, 2)), (before >= 1).float().mean((1, 2))
    clipped = low + high > _CLIPPED
    if not bool(clipped.any()) or float((low + high).mean()) > _MOST_CLIPPED:
        return 0.0
    power = (before - after).var(-1, correction=0).mean(1)
    if float(power.mean()) > _MOST_REMOVED * calm:
        return 0.0
    if float(rough[smoothest].mean()) > _SMOOTH**2 * float(power.mean()):
        return 0.0
    if pooled_correlation(before.mean(0)) > _UNCORRELATED:
        return 0.0
    tail = tail_ratio(before[clipped].flatten(1))
    if not (_TAIL[0] < float(tail.amin()) and float(tail.amax()) < _TAIL[1]):
        return 0.0
    return math.sqrt(float((power / clipped_variance(low, high)).mean()))


def _channels(image: Tensor) -> Tensor:
    """The blocks of each channel, (C, n, 64)."""
    return torch.stack([blocks_of(planes, SIDE) for planes in image.unbind(1)])
