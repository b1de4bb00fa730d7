"""JPEG compression on the device, by the codec of kornia."""

from __future__ import annotations

import torch
from kornia.enhance import jpeg_codec_differentiable
from torch import Tensor

from restorekit.noise.base import Noise
from restorekit.noise.compression import BLOCK, as_qualities
from restorekit.noise.filters import padded
from restorekit.noise.parameters import Draws


class DifferentiableJPEG(Noise):
    """JPEG compression and decompression on the device of the images, with gradients.

    The codec of kornia rounds the coefficients by a smooth function instead of exactly, so that
    gradients pass, and keeps fractions of a level. Its pictures are near those of libjpeg,
    which noise `jpeg` gives exactly. Colour is always stored at half the resolution
    (4:2:0). The grid of blocks begins anywhere. Clips to [0, 1].

    Reference: https://arxiv.org/abs/2309.06978

    Args:
        quality: libjpeg's quality, 1 to 100, or a (low, high) range from which each sample draws
            its own.

    Raises:
        ValueError: quality is outside 1 to 100, or low > high.

    Example:
        >>> image = torch.rand(1, 3, 32, 32, requires_grad=True)
        >>> noisy = restorekit.create_noise("differentiable_jpeg", quality=30)(image).noisy
        >>> bool(torch.autograd.grad(noisy.square().sum(), image)[0].abs().max() > 0)
        True
    """

    clip = True
    takes_channels = (1, 3)

    def __init__(self, quality: int | tuple[int, int] = (40, 95)) -> None:
        super().__init__()
        self.quality = as_qualities(quality)

    def corrupt(self, clean: Tensor, draw: Draws) -> Tensor:
        """The batch after compression and decompression; sigma is unknown."""
        count, channels, height, width = clean.shape
        low, high = self.quality
        # As for `JPEG`, so that a generator gives both the same quality and blocks.
        chances = draw.uniform(count, 4)
        quality = low + (chances[:, 0] * (high - low + 1)).floor()
        top, left = (chances[:, 2:] * BLOCK).long().unbind(1)
        colour = clean.float().clamp(0, 1).expand(-1, 3, -1, -1)
        # The codec's blocks begin at the corner, so that each picture is moved away from it.
        moved = _cut(padded(colour, BLOCK), BLOCK - top, BLOCK - left, height, width, BLOCK)
        lossy = _cut(jpeg_codec_differentiable(moved, quality), top, left, height, width)
        return lossy.mean(1, keepdim=True) if channels == 1 else lossy


def _cut(
    images: Tensor, top: Tensor, left: Tensor, height: int, width: int, more: int = 0
) -> Tensor:
    """Of each image (B, C, H, W) the part that begins at its own row and column, (B,) each."""
    rows = top[:, None] + torch.arange(height + more, device=images.device)
    columns = left[:, None] + torch.arange(width + more, device=images.device)
    sample = torch.arange(len(images), device=images.device)[:, None, None]
    return images[sample, :, rows[:, :, None], columns[:, None, :]].movedim(-1, 1)
