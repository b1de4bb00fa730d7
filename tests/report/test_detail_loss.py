"""The removed share of the fine detail against known losses."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from restorekit.report.detail_loss import detail_loss


def gratings(period: float) -> Tensor:
    """Stripes whose contrast grows from left to right, around 0.5, (1, 1, 256, 256)."""
    down = torch.arange(256.0)[:, None]
    contrast = torch.linspace(0, 0.2, 256)
    return (0.5 + contrast * torch.sin(2 * torch.pi / period * down))[None, None]


def noise(seed: int) -> Tensor:
    """White noise of variance 1, (1, 1, 256, 256)."""
    return torch.randn(1, 1, 256, 256, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("period", [4.0, 5.0, 6.0])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8])
def test_the_share_that_stripes_lost(period: float, share: float) -> None:
    """It is measured with noise in the residual and noise that remains."""
    clean = gratings(period)
    removed, left = 0.04 * noise(0), 0.01 * noise(1)
    before = clean + removed + left
    after = 0.5 + (1 - share) * (clean - 0.5) + left
    found = detail_loss(before, after)
    assert found.share == pytest.approx(share, abs=0.05)
    assert found.least <= found.share
    assert found.least > share - 0.15


def test_a_displaced_picture_is_found() -> None:
    """A shift by half a pixel moves every edge, also if nothing is smoothed."""
    clean = gratings(5.0)
    displaced = (clean[..., 1:, :] + clean[..., :-1, :]) / 2
    assert detail_loss(clean[..., 1:, :], displaced).least > 0.1


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("left", [0.1, 0.3, 0.6])
def test_noise_that_is_left_does_not_count(left: float, seed: int) -> None:
    """Where it is all that a flat picture has, its energy and its products vary together."""
    coarse = torch.nn.functional.avg_pool2d(noise(seed), 3, stride=1, padding=1)
    found = detail_loss(0.5 + 0.1 * coarse, 0.5 + left * 0.1 * coarse)
    assert found.least < 0.05


def test_noise_is_rarely_taken_for_detail() -> None:
    """Of 100 residuals of noise on stripes, at most a few seem to contain detail for certain."""
    clean = gratings(4.0)
    certain = [detail_loss(clean + 0.1 * noise(seed), clean).least > 0 for seed in range(100)]
    assert sum(certain) <= 4


@pytest.mark.parametrize("size", [(1, 1), (8, 300), (23, 23), (24, 24), (40, 40)])
def test_small_and_constant_pictures(size: tuple[int, int]) -> None:
    """They give a number; without detail it is 0."""
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    assert 0 <= detail_loss(image, image.mean((2, 3), keepdim=True).expand_as(image)).share <= 1
    constant = torch.full_like(image, 0.5)
    assert detail_loss(image, constant).share == 0
