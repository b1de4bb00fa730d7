"""Lone pixels are found; stars, lines and noise are not taken for them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from restorekit.estimate.impulse_noise import find_impulse_noise
from restorekit.estimate.lone_pixels import find_lone_pixels
from restorekit.estimate.surroundings import AROUND, rough_sigma, surroundings


def noise(level: float, background: float = 0.3, side: int = 96) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return background + level * torch.randn(side, side, generator=generator)


def test_surroundings_are_the_pixels_at_the_offsets() -> None:
    """Mirrored at the border, as numpy does it."""
    plane = torch.arange(30.0).view(5, 6)
    wide = np.pad(plane.numpy(), 2, mode="reflect")
    y, x = torch.tensor([0, 2, 4]), torch.tensor([0, 3, 5])
    expected = [
        [wide[a + 2 + dy, b + 2 + dx] for dy, dx in AROUND] for a, b in zip(y, x, strict=True)
    ]
    assert surroundings(plane, y, x).tolist() == expected


def test_the_rough_level_ignores_impulses() -> None:
    """White noise of 0.05 with 10 % of black pixels."""
    plane = noise(0.05)
    plane[torch.rand(plane.shape, generator=torch.Generator().manual_seed(1)) < 0.1] = 0.0
    assert rough_sigma(plane) == pytest.approx(0.05, rel=0.1)


@pytest.mark.parametrize("level", [0.0, 0.002, 0.01])
@pytest.mark.parametrize("value", [0.0, 0.05, 0.6, 1.0])
def test_single_pixels_are_certain(level: float, value: float) -> None:
    """Hot, dead, white and black ones, and nothing else."""
    plane = noise(level)
    places = [(10, 20), (50, 51), (80, 3)]
    for y, x in places:
        plane[y, x] = value
    found = find_lone_pixels(plane[None], [level], 65535)
    assert sorted(found.places[found.certain].tolist()) == [y * 96 + x for y, x in places]


@pytest.mark.parametrize("width", [1.5, 2.0, 3.0])
def test_stars_are_not_lone(width: float) -> None:
    """Gaussian stars of this full width at half maximum, weak to saturated, anywhere in a pixel."""
    random, level = np.random.default_rng(0), 0.002
    rows, columns = np.mgrid[:200, :200]
    frame = noise(level, 0.03, 200).double().numpy()
    for y, x, bright in random.random((150, 3)):
        distance = (rows - 200 * y) ** 2 + (columns - 200 * x) ** 2
        frame += 0.01 * 200**bright * np.exp(-4 * np.log(2) * distance / width**2)
    found = find_lone_pixels(torch.from_numpy(frame.clip(0, 1)).float()[None], [level], 65535)
    assert not bool(found.certain.any())


def test_channels_share_a_star_but_not_a_defect() -> None:
    """A defect next to nothing, and a star of one pixel that is weaker in the other channels."""
    planes = torch.stack([noise(0.002)] * 3)
    planes[:, 20, 30] += torch.tensor([0.4, 0.2, 0.3])
    planes[0, 60, 50] += 0.4
    found = find_lone_pixels(planes, [0.002] * 3, 255)
    star, defect = 20 * 96 + 30, 60 * 96 + 50
    assert found.places.tolist() == [star, defect, 96**2 + star, 2 * 96**2 + star]
    assert bool(found.certain.all())
    assert found.shared.tolist() == [True, False, True, True]


def test_a_sharp_star_is_doubtful() -> None:
    """The peak exceeds one neighbour four times, which neither optics nor a defect explains."""
    plane = noise(0.002)
    plane[20, 30], plane[20, 31] = 0.7, 0.4
    found = find_lone_pixels(plane[None], [0.002], 255)
    assert found.places.tolist() == [20 * 96 + 30]
    assert found.doubtful.tolist() == [True]
    assert found.certain.tolist() == [False]


def test_structure_and_noise_are_not_lone() -> None:
    """A line, a pair of pixels, a dotted line across the plane, and Gaussian noise."""
    plane = torch.full((40, 40), 0.4)
    plane[5], plane[10, 10:12], plane[20, ::2] = 1.0, 1.0, 1.0
    assert len(find_lone_pixels(plane[None], [0.0], 255).places) == 0
    clipped = noise(0.1, 0.9, 300).clamp(0, 1)[None]
    assert len(find_lone_pixels(clipped, [0.1], 255).places) == 0


@pytest.mark.parametrize("share", [0.01, 0.05, 0.15])
@pytest.mark.parametrize("level", [0.02, 0.1])
def test_impulse_noise_in_other_noise(share: float, level: float) -> None:
    """Nearly all of it is found, and few other pixels, although many are clipped."""
    clean = torch.linspace(0.1, 0.9, 200).expand(200, 200)
    plane = (clean + noise(level, 0.0, 200)).clamp(0, 1)
    chance = torch.rand(plane.shape, generator=torch.Generator().manual_seed(2))
    hit = chance < share
    plane[hit], plane[chance < share / 2] = 0.0, 1.0
    places, exact = find_impulse_noise(plane, share / 2, share / 2, level)
    found = torch.zeros(plane.numel(), dtype=torch.bool)
    found[places[exact]] = True
    found = found.view_as(plane)
    # Where the picture itself is nearly black or white, an impulse is hardly one.
    far = (plane - clean).abs() > 4.5 * level
    assert float(found[hit & far].float().mean()) > 0.9
    assert float(found[~hit].float().mean()) < 0.01
