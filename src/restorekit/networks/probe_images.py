"""Synthetic pictures on which networks are measured; they are always the same."""

from __future__ import annotations

import torch
from torch import Tensor


def probe_picture(channels: int, height: int, width: int, seed: int = 0) -> Tensor:
    """A picture (1, C, H, W) in [0, 1] like a photograph: a 1/f spectrum, flat areas and edges."""
    generator = torch.Generator().manual_seed(seed)
    frequency = torch.hypot(
        torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None, :]
    ).clamp(min=1 / max(height, width))
    white = torch.randn(2, channels, height, frequency.shape[1], generator=generator)
    texture = torch.fft.irfft2(torch.complex(white[0], white[1]) / frequency, s=(height, width))
    picture = 0.5 + 0.12 * texture / texture.std().clamp(min=1e-6)
    for _ in range(12):  # rectangles, which add flat areas and edges
        top, left, tall, wide = torch.rand(4, generator=generator).tolist()
        rows = slice(int(top * height), int((top + 0.4 * tall) * height) + 1)
        columns = slice(int(left * width), int((left + 0.4 * wide) * width) + 1)
        level = torch.rand(channels, 1, 1, generator=generator)
        picture[:, rows, columns] = 0.3 * picture[:, rows, columns] + 0.7 * level
    made: Tensor = picture.clamp(0, 1)[None]
    return made


def probe_noise(like: Tensor, sigma: float, seed: int = 1) -> Tensor:
    """White noise with the given standard deviation and the shape of `like`."""
    generator = torch.Generator().manual_seed(seed)
    return sigma * torch.randn(like.shape, generator=generator)
