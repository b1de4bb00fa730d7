"""Gray pictures stored as colour whose channels differ by noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data

from restorekit import Denoiser
from restorekit.restore.image_types import open_image
from restorekit.restore.neutral import differs_by_noise


def in_three_channels(gray: np.ndarray, sigma: float) -> np.ndarray:
    """A gray picture as colour, with independent noise in 8-bit levels."""
    noise = np.random.default_rng(0).standard_normal((*gray.shape, 3))
    return np.clip(np.rint(gray[..., None] + sigma * noise), 0, 255).astype(np.uint8)


def error(image: np.ndarray, gray: np.ndarray) -> float:
    """The mean square difference in square levels."""
    return float(np.square(image.astype(float) - gray[..., None]).mean())


@pytest.fixture(scope="module")
def gray() -> np.ndarray:
    return np.ascontiguousarray(data.camera()[:160, 100:260])


@pytest.fixture(scope="module")
def automatic() -> Denoiser:
    return Denoiser("auto")


def is_recognised(image: np.ndarray) -> bool:
    return differs_by_noise(open_image(image, None).canvas)


@pytest.mark.parametrize("sigma", [1, 5, 30])
def test_independent_noise_is_recognised(gray: np.ndarray, sigma: float) -> None:
    assert is_recognised(in_three_channels(gray, sigma))


def test_colour_is_not_taken_for_noise(gray: np.ndarray) -> None:
    """Colour photographs, a tint, a small coloured area, and chroma that is coarse."""
    photograph = data.astronaut()[:160, :160].astype(float)
    noise = 10 * np.random.default_rng(0).standard_normal(photograph.shape)
    assert not is_recognised(np.clip(photograph + noise, 0, 255).astype(np.uint8))
    noisy = in_three_channels(gray, 10)
    tinted = np.clip(noisy + np.array([4.0, 0.0, -4.0]), 0, 255).astype(np.uint8)
    assert not is_recognised(tinted)
    spot = noisy.copy()
    spot[80:88, 80:88] = [200, 60, 60]
    assert not is_recognised(spot)
    coarse = in_three_channels(gray[::2, ::2], 10).repeat(2, 0).repeat(2, 1)
    assert not is_recognised(coarse)


@pytest.mark.parametrize("shape", [(515, 70), (1026, 70), (70, 203), (70, 515)])
@pytest.mark.parametrize("axis", [0, 1])
def test_colour_at_the_border_is_seen(shape: tuple[int, int], axis: int) -> None:
    """Also in the last rows and columns, which fill no square of their own."""
    noisy = in_three_channels(np.full(shape, 90.0), 10)
    assert is_recognised(noisy)
    last = (slice(-3, None), slice(None)) if axis == 0 else (slice(None), slice(-3, None))
    noisy[last] = [200, 30, 30]
    assert not is_recognised(noisy)


@pytest.mark.parametrize("shape", [(3, 200), (200, 3), (2, 2)])
def test_pictures_too_small_to_judge_keep_their_colour(shape: tuple[int, int]) -> None:
    """A gradient from red to blue."""
    ramp = np.linspace(0, 255, shape[0] * shape[1]).reshape(shape)
    gradient = np.stack([255 - ramp, 0 * ramp, ramp], 2).astype(np.uint8)
    assert not is_recognised(gradient)


def test_equal_channels_and_rounding_do_not_count(gray: np.ndarray) -> None:
    """Such pictures are left as they are."""
    assert not is_recognised(in_three_channels(gray, 0))
    assert not is_recognised(in_three_channels(gray, 0.2))


def test_the_mean_of_weak_noise_is_the_result(automatic: Denoiser, gray: np.ndarray) -> None:
    """A third of the variance is left, besides that of rounding."""
    given = in_three_channels(gray, 1)
    outcome = automatic.restore(given)
    assert outcome.left_alone is None
    assert not outcome.already_clean
    assert outcome.choice is not None
    assert "mean of the three channels" in outcome.choice.words
    assert np.array_equal(outcome.image, outcome.image[..., :1].repeat(3, 2))
    assert error(outcome.image, gray) < 1.2 * (1 / 3 + 1 / 12)
    assert np.array_equal(automatic.restore(given.copy(), in_place=True).image, outcome.image)


def test_strong_noise_is_removed_and_the_result_is_gray(
    automatic: Denoiser, gray: np.ndarray
) -> None:
    """It is nearer to the truth than what the colour network makes without averaging."""
    given = in_three_channels(gray, 15)
    outcome = automatic.restore(given)
    assert outcome.choice is not None
    assert "gray in three channels" in outcome.choice.words
    assert np.array_equal(outcome.image, outcome.image[..., :1].repeat(3, 2))
    assert error(outcome.image, gray) < error(Denoiser(outcome.model)(given), gray)


def test_batches_and_no_strength(automatic: Denoiser, gray: np.ndarray) -> None:
    """Each image of a batch is treated as it is alone; without strength nothing changes."""
    given = [in_three_channels(gray, sigma) for sigma in (1, 15)]
    batch = torch.from_numpy(np.stack(given)).movedim(3, 1)
    results = automatic(batch).movedim(1, 3).numpy()
    for image, result in zip(given, results, strict=True):
        assert np.abs(automatic(image).astype(int) - result).max() <= 1
    assert np.array_equal(Denoiser("auto", strength=0.0)(given[0]), given[0])
