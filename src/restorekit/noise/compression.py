"""Artefacts of lossy compression."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from restorekit.noise.base import Noise
from restorekit.noise.parameters import Draws

BLOCK = 16  # side in pixels of the blocks of 4:2:0, which are cells of 8x8 colour samples
_HALVED, _FULL = 2, 0  # PIL's numbers for the subsampling of colour, 4:2:0 and 4:4:4


class JPEG(Noise):
    """JPEG compression and decompression, by libjpeg on the CPU.

    The grid of blocks begins anywhere, for a patch may be cut anywhere. Clips to [0, 1] and rounds
    to 8 bits. Gradients pass as though nothing had happened.

    Args:
        quality: libjpeg's quality, 1 to 100, or a (low, high) range from which each sample draws
            its own.
        halved_colour: Probability that colour is stored at half the resolution (4:2:0), as phones
            do, and not at full (4:4:4).

    Raises:
        ValueError: quality is outside 1 to 100, low > high, or halved_colour is outside 0 to 1.

    Example:
        >>> noisy = restorekit.create_noise("jpeg", quality=30)(batch).noisy
        >>> levels = noisy * 255
        >>> torch.allclose(levels, levels.round(), atol=1e-3)
        True
    """

    takes_channels = (1, 3)

    def __init__(
        self, quality: int | tuple[int, int] = (40, 95), halved_colour: float = 0.5
    ) -> None:
        super().__init__()
        self.quality = as_qualities(quality)
        if not 0.0 <= halved_colour <= 1.0:
            raise ValueError(f"halved_colour must be between 0 and 1, not {halved_colour}")
        self.halved_colour = float(halved_colour)

    def corrupt(self, clean: Tensor, draw: Draws) -> Tensor:
        """The batch after compression and decompression; sigma is unknown."""
        chances = draw.uniform(len(clean), 4).tolist()
        levels = (clean.detach().float().clamp(0, 1) * 255).round().byte().cpu().movedim(1, -1)
        low, high = self.quality
        restored = [
            _compressed(
                image.numpy(),
                quality=low + int(chance[0] * (high - low + 1)),
                subsampling=_HALVED if chance[1] < self.halved_colour else _FULL,
                top=int(chance[2] * BLOCK),
                left=int(chance[3] * BLOCK),
            )
            for image, chance in zip(levels, chances, strict=True)
        ]
        lossy = torch.from_numpy(np.stack(restored)).movedim(-1, 1).to(clean.device, clean.dtype)
        return clean + (lossy / 255 - clean).detach()


def as_qualities(quality: int | tuple[int, int]) -> tuple[int, int]:
    """A quality or a (low, high) range as a range.

    Raises:
        ValueError: it is outside 1 to 100, or low > high.
    """
    low, high = quality if isinstance(quality, (tuple, list)) else (quality, quality)
    if not 1 <= low <= high <= 100:
        raise ValueError(f"quality is a number or a range within 1 to 100, not {quality}")
    return int(low), int(high)


def _compressed(
    image: np.ndarray, *, quality: int, subsampling: int, top: int, left: int
) -> np.ndarray:
    """Compress and decompress (H, W, C) uint8, with its top left corner at an offset in a block."""
    height, width, channels = image.shape
    padded = np.pad(image, ((top, 0), (left, 0), (0, 0)), _continuation(image))
    picture = Image.fromarray(padded[..., 0] if channels == 1 else padded)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality, subsampling=subsampling)
    decoded = np.asarray(Image.open(file))[top : top + height, left : left + width]
    return decoded.reshape(height, width, channels)


def _continuation(image: np.ndarray) -> Literal["symmetric", "edge"]:
    """The padding mode for a picture: mirroring, if it is large enough for that."""
    return "symmetric" if min(image.shape[:2]) >= BLOCK else "edge"
