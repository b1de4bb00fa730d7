"""The ratio of moments of what clipping leaves of noise."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from restorekit.estimate.clipped_tail import tail_ratio

_COUNT = 200_000


@pytest.mark.parametrize("offset", [-1.5, -0.5, 0.0, 0.5])
@pytest.mark.parametrize("dark", [False, True])
def test_normal_noise_has_1(offset: float, dark: bool) -> None:
    """Whatever share of it is clipped, at either limit."""
    pixels = (1 + 0.05 * (offset + _normal())).clamp(0, 1)
    assert abs(float(tail_ratio(1 - pixels if dark else pixels)) - 1) < 0.02


def test_uniform_noise_has_less() -> None:
    """Of uniform noise around the limit, the ratio of moments is 4/3 instead of pi/2."""
    pixels = (1 + 0.1 * (torch.rand(_COUNT, generator=_generator()) - 0.5)).clamp(max=1)
    assert abs(float(tail_ratio(pixels)) - (4 / 3) / (torch.pi / 2)) < 0.02


def test_dots_have_another() -> None:
    """Dots of equal depth have 1 instead of the 1.7 of a tail, and with noise far more."""
    dots = 1 - 0.4 * (torch.rand(_COUNT, generator=_generator()) < 0.2).float()
    assert float(tail_ratio(dots)) < 0.65
    assert float(tail_ratio((dots + 0.01 * _normal()).clamp(max=1))) > 1.3


def test_each_row_has_its_own() -> None:
    """The last dimension is that of the pixels, and a row of white pixels has none."""
    rows = torch.stack([(1 + 0.05 * _normal()).clamp(max=1), torch.ones(_COUNT)])
    ratio = tail_ratio(rows)
    assert ratio.shape == (2,)
    assert abs(float(ratio[0]) - 1) < 0.02
    assert bool(ratio[1].isnan())


def _normal() -> Tensor:
    return torch.randn(_COUNT, generator=_generator())


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
