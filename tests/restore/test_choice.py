"""The choice of a network for each image by model "auto"."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage import data

from restorekit import Denoiser, analyze, create_noise
from restorekit.restore.analysis import Analysis
from restorekit.restore.choice import choose
from restorekit.restore.image_job import ImageJob
from restorekit.restore.image_types import open_image
from restorekit.restore.safeguard.guard import Guard, Verdict


def noisy(clean: np.ndarray, sigma: float) -> np.ndarray:
    """Add white Gaussian noise of that standard deviation in 8-bit levels, and clip to 8 bits."""
    noise = np.random.default_rng(0).standard_normal(clean.shape)
    return np.clip(np.rint(clean + sigma * noise), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def automatic() -> Denoiser:
    return Denoiser("auto")


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[:256, :256])


def test_white_noise_goes_to_the_network_for_it(
    automatic: Denoiser, photograph: np.ndarray
) -> None:
    """The result is that of the named network."""
    given = noisy(photograph, 25)
    outcome = automatic.restore(given)
    assert outcome.choice is not None
    assert (outcome.model, outcome.choice.model) == ("swift-gaussian", "swift-gaussian")
    assert "white noise" in outcome.choice.words
    level = outcome.choice.level
    assert level == pytest.approx([25 / 255] * 3, rel=0.1)
    named = Denoiser("swift-gaussian", sigma=level)(given)
    assert np.abs(outcome.image.astype(int) - named).max() <= 1


def test_gray_is_recognised_in_three_channels(automatic: Denoiser, photograph: np.ndarray) -> None:
    """A gray picture stored as colour goes to the gray network, and stays gray."""
    gray = noisy(photograph[..., 1], 25)
    outcome = automatic.restore(np.repeat(gray[..., None], 3, 2))
    assert outcome.model == "swift-gaussian-gray"
    assert np.array_equal(outcome.image[..., 0], outcome.image[..., 2])


def test_each_image_of_a_batch_has_its_network(automatic: Denoiser, photograph: np.ndarray) -> None:
    """The results are those of the images alone."""
    colour = noisy(photograph, 25)
    gray = np.repeat(noisy(photograph[..., :1], 25), 3, 2)
    batch = torch.from_numpy(np.stack([colour, gray])).movedim(3, 1)
    outcome = automatic.restore(batch)
    assert (outcome.model, outcome.choice) == ("auto", None)
    for image, alone in zip(outcome.image, batch, strict=True):
        assert (image.int() - automatic(alone).int()).abs().max() <= 1


def test_a_given_level_is_used(automatic: Denoiser, photograph: np.ndarray) -> None:
    """The choice completes what the user leaves open."""
    given = noisy(photograph, 25)
    told = automatic.with_sigma(40 / 255)(given)
    assert np.array_equal(told, Denoiser("swift-gaussian", sigma=40 / 255)(given))


def coarse(clean: np.ndarray, sigma: float, radius: float) -> np.ndarray:
    """Add Gaussian noise that is blurred by that many pixels and brought back to its level."""
    white = np.random.default_rng(0).standard_normal(clean.shape)
    noise = gaussian_filter(white, (radius, radius, 0)[: clean.ndim])
    return np.clip(np.rint(clean + sigma * noise / noise.std()), 0, 255).astype(np.uint8)


def error(image: np.ndarray, clean: np.ndarray) -> float:
    """The mean squared error."""
    return float(np.square(image.astype(float) - clean).mean())


def test_coarse_noise_is_removed_at_several_scales(
    automatic: Denoiser, photograph: np.ndarray
) -> None:
    """Several scales are better than one, and than a network for white noise."""
    given = coarse(photograph, 15, 2)
    outcome = automatic.restore(given)
    assert outcome.choice is not None
    assert (outcome.model, outcome.choice.level) == ("swift-photo", None)
    assert outcome.scales > 1
    after = error(outcome.image, photograph)
    assert after < error(given, photograph) / 2
    assert after < error(Denoiser("swift-photo")(given), photograph)
    assert after < error(Denoiser("swift-gaussian", scales=outcome.scales)(given), photograph)


def test_coarse_noise_in_gray_comes_with_its_level(automatic: Denoiser) -> None:
    """Without a level, the network for photographs leaves most of it."""
    rows, columns = np.mgrid[:192, :192] / 192
    clean = 100 + 60 * np.sin(3 * rows) * np.cos(4 * columns)
    given = coarse(clean, 20, 1)
    outcome = automatic.restore(given)
    assert outcome.choice is not None
    assert outcome.model == "swift-photo"
    assert outcome.choice.level == pytest.approx([20 / 255], rel=0.25)
    assert error(outcome.image, clean) < error(Denoiser("swift-photo")(given), clean) / 2


@pytest.mark.parametrize("demosaicing", ["none", "bilinear"])
def test_camera_noise_goes_to_the_network_for_photographs(
    automatic: Denoiser, photograph: np.ndarray, demosaicing: str
) -> None:
    """Also if it is white, because it differs between channels; both others are worse."""
    camera = create_noise("camera", shot=0.01, smooth=0.3, demosaicing=demosaicing)
    clean = torch.from_numpy(photograph).movedim(2, 0)[None] / 255
    noisy_batch = camera(clean, torch.Generator().manual_seed(2)).noisy
    given = (noisy_batch[0].movedim(0, 2) * 255).round().byte().numpy()
    outcome = automatic.restore(given)
    assert outcome.model == "swift-photo"
    named = Denoiser("swift-gaussian", scales="auto")(given)
    assert error(outcome.image, photograph) < error(named, photograph)


def test_weak_noise_goes_to_the_network_for_photographs(
    automatic: Denoiser, photograph: np.ndarray
) -> None:
    """Its level is hidden by texture, so the network is not given one."""
    noise = gaussian_filter(np.random.default_rng(0).standard_normal(photograph.shape), (1, 1, 0))
    given = np.clip(photograph + 4 * noise / noise.std(), 0, 255).astype(np.uint8)
    outcome = automatic.restore(given)
    assert outcome.choice is not None
    assert (outcome.choice.model, outcome.choice.level) == ("swift-photo", None)


@pytest.mark.parametrize("share", [0.001, 0.05])
def test_impulses_are_removed_and_the_rest_of_a_clean_photograph_is_left(
    automatic: Denoiser, photograph: np.ndarray, share: float
) -> None:
    """A clean photograph has none, and is left unchanged."""
    given = photograph.copy()
    hit = np.random.default_rng(0).random(given.shape[:2]) < share
    given[hit] = 255
    outcome = automatic.restore(given)
    assert outcome.choice is not None
    assert outcome.choice.words.startswith("impulses removed")
    assert outcome.impulses == pytest.approx(share, rel=0.25)
    assert outcome.left_alone is None
    before, after = (np.square(x.astype(float) - photograph).mean() for x in (given, outcome.image))
    assert after < min(20, before / 10)
    assert automatic.restore(photograph).left_alone == "clean"


def test_impulses_in_texture_lose_nothing(automatic: Denoiser) -> None:
    """Texture looks like strong noise there, but the network for impulses still fills them."""
    clean = data.coffee()[192:320, :128]
    given, chance = clean.copy(), np.random.default_rng(0).random((128, 128))
    given[chance < 0.1] = 0
    given[chance < 0.05] = 255
    alone = Denoiser("swift-impulse", force=True, impulses="off")(given)
    assert error(automatic(given), clean) < 1.05 * error(alone, clean)


def test_noise_under_impulses_goes_to_the_network_for_it(
    automatic: Denoiser, photograph: np.ndarray
) -> None:
    """Its level is measured without the impulses, and hardly any quality is lost to them."""
    without = noisy(photograph, 25)
    given = without.copy()
    given[np.random.default_rng(1).random(given.shape[:2]) < 0.05] = 0
    outcome = automatic.restore(given)
    assert outcome.model == "swift-gaussian"
    assert outcome.choice is not None
    assert outcome.choice.level == pytest.approx([25 / 255] * 3, rel=0.15)
    after, possible = (
        np.square(x.astype(float) - photograph).mean() for x in (outcome.image, automatic(without))
    )
    assert after < 1.5 * possible


def test_a_dithered_picture_is_left_alone(automatic: Denoiser, photograph: np.ndarray) -> None:
    """A network would flatten an ordered dither to gray. `force` restores it."""
    bayer = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) * 16 + 8
    gray = photograph.mean(2)
    dots = np.where(gray > np.tile(bayer, (64, 64)), 230, 25).astype(np.uint8)
    soft = np.clip(dots + np.random.default_rng(0).normal(0, 3, dots.shape), 0, 255)
    outcome = automatic.restore(soft.astype(np.uint8))
    assert outcome.left_alone == "halftone"
    assert np.array_equal(outcome.image, soft.astype(np.uint8))


@pytest.mark.parametrize("model", ["auto", "swift-photo"])
def test_stabilised_images_among_others(model: str, photograph: np.ndarray) -> None:
    """One image has photon noise, which is stabilised, the other one has coarse noise.

    Together they are restored as each one alone, also as a batch, whose outcome reports it.
    """
    rng = np.random.default_rng(0)
    photons = np.clip(rng.poisson(photograph / 255 * 40) / 40 * 255, 0, 255).astype(np.uint8)
    noise = gaussian_filter(rng.standard_normal(photograph.shape), (1, 1, 0))
    coarse = np.clip(photograph + 4 * noise / noise.std(), 0, 255).astype(np.uint8)
    denoiser = Denoiser(model)
    alone = [denoiser.restore(image) for image in (photons, coarse)]
    together = denoiser.restore_all([photons, coarse])
    assert [outcome.stabilized for outcome in alone] == [True, False]
    assert [outcome.stabilized for outcome in together] == [True, False]
    batch = denoiser.restore(torch.from_numpy(np.stack([photons, coarse])).movedim(3, 1))
    assert batch.stabilized
    for index, (one, other) in enumerate(zip(alone, together, strict=True)):
        assert np.abs(one.image.astype(int) - other.image).max() <= 1
        assert np.abs(one.image.astype(int) - batch.image[index].movedim(0, 2).numpy()).max() <= 1


@pytest.mark.parametrize("sigma", [0, 3])
@pytest.mark.parametrize("is_colour", [False, True])
def test_texture_is_not_taken_for_coarse_noise(
    automatic: Denoiser, sigma: int, is_colour: bool
) -> None:
    """Gravel fills the picture and has the spectrum of coarse noise. It is not removed."""
    gravel = data.gravel()[:256, :256]
    clean = np.repeat(gravel[..., None], 3, 2) if is_colour else gravel
    given = noisy(clean, sigma)
    outcome = automatic.restore(given)
    assert outcome.scales == 1
    before, after = (np.square(x.astype(float) - clean).mean() for x in (given, outcome.image))
    assert after <= before + 0.01


@pytest.mark.parametrize(("ratio", "expected"), [(1.0, "swift-gaussian"), (1.5, "swift-photo")])
def test_a_given_noise_curve_needs_no_evidence(
    photograph: np.ndarray, ratio: float, expected: str
) -> None:
    """Texture hides the curve of an image, but correlated noise is not white with any curve."""
    found = analyze(photograph)
    curve = replace(found.noise_curve, is_trustworthy=False, correlation=ratio)
    correlation = replace(found.correlation, luma=(0.6, 0.6))
    measured = {**found.measured, "noise_curve": curve, "correlation": correlation}
    found = Analysis(found.size, found.channels, measured)
    assert choose(found).model == "swift-photo"
    assert choose(found, curve_is_given=True).model == expected


@pytest.mark.parametrize(("level", "expected"), [(1, "clean"), (12, "unclear")])
def test_coarse_noise_that_is_left_is_not_called_clean(
    photograph: np.ndarray, level: int, expected: str
) -> None:
    """Even if it may be texture."""
    job = ImageJob(open_image(photograph.copy(), None), "float32", analysis=analyze(photograph))
    assert job.analysis is not None
    scales = job.analysis.noise_scales
    coarse = replace(scales, channels=((level / 255, 0.95 * level / 255, 0.0, 0.0),) * 3)
    measured = {**job.analysis.measured, "noise_scales": coarse}
    job.analysis = Analysis(job.analysis.size, 3, measured)
    job.guard = Guard(torch.zeros(1, 3), [Verdict("clean")])
    job.finish_verdict()
    assert job.reason == expected
