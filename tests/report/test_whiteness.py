"""Whiteness of a residual, compared with the theory of white noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from restorekit.errors import InputError
from restorekit.report.whiteness import LAGS, whiteness


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal values."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def picture() -> Tensor:
    """A colour photograph whose values stay within [0, 1] with noise of 0.05."""
    from skimage import data

    pixels = torch.from_numpy(data.coffee()[:300, :400].copy()).permute(2, 0, 1)[None]
    return 0.25 + 0.5 * pixels.float() / 255


def box(image: Tensor) -> Tensor:
    """The mean of 3x3 pixels."""
    return F.avg_pool2d(F.pad(image, (1, 1, 1, 1), mode="reflect"), 3, 1)


def test_white_noise_passes_at_the_stated_rate() -> None:
    """About a twentieth of 300 residuals may fail; Bonferroni's rate is never higher."""
    generator = torch.Generator().manual_seed(1)
    clean = torch.rand(1, 1, 48, 48, generator=generator) * 0.5 + 0.2
    passed = [
        whiteness(
            clean + 0.05 * torch.randn(clean.shape, generator=generator), clean, level=0.05
        ).verdict
        == "white"
        for _ in range(300)
    ]
    assert 0.92 <= np.mean(passed) <= 0.985


def test_correlations_of_white_noise_are_as_wide_as_theory_says() -> None:
    """Their standard deviation is 1 / sqrt(N)."""
    clean = torch.full((1, 1, 64, 64), 0.5)
    found = [whiteness(clean + 0.05 * noise(1, 1, 64, 64, seed=s), clean).lags for s in range(100)]
    assert np.std(found) == pytest.approx(1 / 64, rel=0.12)


def test_noise_that_depends_on_brightness_passes(picture: Tensor) -> None:
    """Noise that is stronger in brighter parts of the picture does not count as structure."""
    ground = torch.linspace(0.2, 0.8, 300).expand(1, 1, 300, 300)
    assert whiteness(ground + 0.1 * ground * noise(1, 1, 300, 300), ground).verdict == "white"


def test_correlations_of_smoothed_noise(picture: Tensor) -> None:
    """The mean of 3x3 pixels shares 6 of 9 with its neighbour, 4 across, 3 two steps away."""
    found = whiteness(picture + 0.1 * box(noise(*picture.shape)), picture)
    assert found.verdict == "coarse noise"
    for (down, right), correlation in zip(LAGS, found.lags, strict=True):
        expected = (3 - abs(down)) * (3 - abs(right)) / 9
        assert correlation == pytest.approx(expected, abs=0.03)


def test_a_perfect_denoiser_leaves_none(picture: Tensor) -> None:
    """Also one that removes half of the noise."""
    noisy = picture + 0.05 * noise(*picture.shape)
    assert whiteness(noisy, picture).verdict == "white"
    assert whiteness(noisy, (noisy + picture) / 2).verdict == "white"


def test_a_perfect_denoiser_of_clipped_noise_leaves_none() -> None:
    """Noise that is clipped at black and white has a mean, which does not count as structure."""
    from skimage import data

    clean = torch.from_numpy(data.astronaut()).permute(2, 0, 1)[None].float() / 255
    noisy = (clean + 0.08 * noise(*clean.shape)).clamp(0, 1)
    assert float((noisy == 0).float().mean()) > 0.05
    assert whiteness(noisy, clean).verdict == "white"


def test_oversmoothing_removes_detail(picture: Tensor) -> None:
    """A blur removes detail, with noise in the picture and without."""
    assert whiteness(picture, box(picture)).verdict == "detail removed"
    noisy = picture + 0.02 * noise(*picture.shape)
    found = whiteness(noisy, box(box(noisy)))
    assert found.verdict == "detail removed"
    assert found.edges > 0.1
    assert found.detail > 0.3
    assert f"{found.detail:.0%} of the contrast" in found.words


@pytest.mark.parametrize("left", [0.0, 0.5])
def test_coarse_noise_does_not_count_as_detail(picture: Tensor, left: float) -> None:
    """Also if half of it remains in the restored picture."""
    coarse = 0.1 * box(noise(*picture.shape))
    found = whiteness(picture + coarse, picture + left * coarse)
    assert found.verdict == "coarse noise"
    assert found.detail < 0.1


def test_detail_is_found_below_coarse_noise(picture: Tensor) -> None:
    """A blur of a picture with coarse noise removes both."""
    noisy = picture + 0.05 * box(noise(*picture.shape))
    assert whiteness(noisy, box(box(noisy))).verdict == "detail removed"


def test_noise_that_is_stronger_at_edges(picture: Tensor) -> None:
    """As in JPEG files; it does not resemble the edges."""
    edge = (picture - box(picture)).abs() > 0.02
    found = whiteness(picture + 0.02 * noise(*picture.shape) * (1 + 2 * edge), picture)
    assert found.verdict == "uneven noise"
    assert found.detail < 0.1


def test_coarse_noise_that_is_left(picture: Tensor) -> None:
    """If half of the coarse noise remains, the covariance of the residual is negative."""
    white = noise(*picture.shape)
    found = whiteness(picture + 0.05 * white, picture + 0.05 * box(white) / 2)
    assert found.verdict == "noise left"
    # The filter is 1 - 1/18 in the middle and -1/18 around it.
    variance = (17 / 18) ** 2 + 8 / 18**2
    down = (-2 * 17 + 4) / 18**2
    assert found.lags[LAGS.index((1, 0))] == pytest.approx(down / variance, abs=0.01)
    assert "coarse grain" in found.words


def test_noise_that_is_left_at_edges(picture: Tensor) -> None:
    """A denoiser that works in flat areas only removes too little at edges."""
    white = 0.05 * noise(*picture.shape)
    edge = (picture - box(picture)).abs() > 0.02
    found = whiteness(picture + white, picture + white * edge)
    assert found.verdict == "noise left"
    assert "at edges" in found.words


def test_what_is_significant_may_be_too_weak_to_matter() -> None:
    """A correlation of 0.02 in a megapixel is significant, but reported as weak."""
    white = noise(1, 1, 1000, 1000)
    residual = white.clone()
    residual[..., 1:] += 0.02 * white[..., :-1]
    found = whiteness(0.5 + 0.05 * residual, torch.full_like(white, 0.5))
    assert found.verdict == "nearly white"
    assert found.lags[LAGS.index((0, 1))] == pytest.approx(0.02, abs=0.004)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 200), (3, 40), (20, 20)])
def test_any_size(size: tuple[int, int]) -> None:
    """An unchanged image is reported as such, and tiny images give finite numbers."""
    image = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    assert whiteness(image, image).verdict == "none removed"
    found = whiteness(image + 0.01 * noise(*image.shape), image)
    assert all(np.isfinite([*found.lags, found.edges, found.significance]))
    assert found.words


def test_saturated_pictures() -> None:
    """A fully saturated picture gives a verdict too."""
    white = torch.ones(1, 1, 40, 40)
    assert whiteness(white, white - 0.01 * noise(1, 1, 40, 40).abs()).verdict


def test_different_shapes_are_refused() -> None:
    """The message has both."""
    with pytest.raises(InputError, match=r"\(1, 1, 8, 8\) and \(1, 1, 8, 9\)"):
        whiteness(torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 9))
