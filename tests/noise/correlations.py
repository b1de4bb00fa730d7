"""Measures of noise that several tests use."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def correlation(noise: Tensor, lag: int = 1) -> float:
    """Correlation of pixels (..., W) that are `lag` columns apart."""
    pairs = torch.stack([noise[..., :-lag].flatten(), noise[..., lag:].flatten()])
    return float(torch.corrcoef(pairs)[0, 1])


def correlation_of_blurred(radius: float, lag: int = 1) -> float:
    """The same of white noise after a Gaussian window, in theory."""
    return math.exp(-(lag**2) / (4 * radius**2))


def flat(value: float, channels: int = 3, samples: int = 16, side: int = 96) -> Tensor:
    """A batch of one value."""
    return torch.full((samples, channels, side, side), value)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
