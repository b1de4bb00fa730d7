"""Weak stars of a dark sky are returned, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor

from restorekit.restore.safeguard.guard import Guard
from restorekit.restore.safeguard.weak_stars import find_sky, with_weak_stars

NOISE, SKY, SIDE = 0.01, 0.1, 160


def stars(peaks: tuple[float, ...], width: float = 1.2) -> Tensor:
    """Stars of these peaks, in noise levels, in columns 20 pixels apart; (1, 1, 160, 160)."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    frame = np.zeros((SIDE, SIDE))
    for y in range(20, SIDE - 10, 20):
        for number, peak in enumerate(peaks):
            distance = (rows - y) ** 2 + (columns - 20 - 20 * number) ** 2
            frame += peak * NOISE * np.exp(-distance / 2 / width**2)
    return torch.from_numpy(frame).float()[None, None]


def noise(channels: int = 1, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return NOISE * torch.randn(1, channels, SIDE, SIDE, generator=generator)


@pytest.mark.parametrize("channels", [1, 3])
def test_what_was_lost_of_stars_returns(channels: int) -> None:
    """Of stars of 4 and 8 noise levels a network has kept half; on average they are whole again."""
    light = stars((4.0, 8.0))
    noisy = SKY + light + noise(channels)
    restored = (SKY + light / 2).expand_as(noisy)
    sky = find_sky(noisy, restored)
    assert sky is not None
    assert sky.noise == pytest.approx(NOISE / channels**0.5, rel=0.1)
    returned = with_weak_stars(noisy, restored, sky) - SKY
    for column, peak in ((20, 4), (40, 8)):
        kept = returned[0, :, 20:150:20, column] / (peak * NOISE)
        assert float(kept.mean()) == pytest.approx(1, abs=0.1)


def test_noise_stays_removed() -> None:
    """Of 25,600 pixels of noise 0.008 are significant by chance; what was restored stays."""
    light = stars((20.0,))
    noisy, restored = SKY + light + noise(), SKY + light
    sky = find_sky(noisy, restored)
    assert sky is not None
    change = with_weak_stars(noisy, restored, sky) - restored
    assert float(change[..., 60:].abs().max()) == 0


def test_the_guard_returns_stars() -> None:
    """Of a sky that it judges itself, as for an image without tiles."""
    light = stars((5.0, 30.0))
    noisy, restored = SKY + light + noise(), SKY + light * torch.tensor(0.6)
    limited = Guard(torch.full((1, 1), NOISE), [None]).limit(slice(0, 1), noisy, restored)
    kept = (limited - SKY)[0, 0, 20:150:20, 20] / (5 * NOISE)
    assert float(kept.mean()) > 0.8


def test_galaxies_and_dark_spots_do_not_hide_a_sky() -> None:
    """As in real frames: 8 % of the pixels lie on slopes, and one in ten thousand is dark."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    uneven = np.zeros((SIDE, SIDE))
    for y, x in ((130, 100), (90, 140), (50, 90), (130, 140)):
        uneven += 2 * NOISE * np.exp(-np.hypot(rows - y, (columns - x) * 1.5) / 3)
    uneven[30, 150] = uneven[120, 60] = uneven[70, 70] = -2 * NOISE
    light = stars((4.0,)) + torch.from_numpy(uneven).float()
    noisy = SKY + light + noise()
    restored = SKY + light - stars((2.0,))
    sky = find_sky(noisy, restored)
    assert sky is not None
    kept = (with_weak_stars(noisy, restored, sky) - SKY)[0, 0, 20:150:20, 20] / (4 * NOISE)
    assert float(kept.mean()) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("name", ["camera", "moon", "coins", "text"])
@pytest.mark.parametrize("level", [5, 25, 50])
def test_photographs_do_not_count_as_a_sky(name: str, level: float) -> None:
    """Even if a network had found the truth."""
    clean = torch.from_numpy(getattr(data, name)()).float()[None, None] / 255
    generator = torch.Generator().manual_seed(0)
    noisy = clean + level / 255 * torch.randn(clean.shape, generator=generator)
    assert find_sky(noisy, clean) is None
    assert find_sky(1 - noisy, 1 - clean) is None
