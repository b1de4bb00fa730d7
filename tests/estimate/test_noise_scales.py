"""Levels at several scales and the correlation length, against noise of known level and blur."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage import data
from torch import Tensor
from torch.nn import functional

from restorekit import create_measurement
from restorekit.estimate.correlation import Correlation
from restorekit.estimate.image_sample import ImageSample
from restorekit.estimate.noise_scales import NoiseScales

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")


def photograph(name: str) -> Tensor:
    """A photograph of skimage, (3, H, W)."""
    pixels: np.ndarray = getattr(data, name)()
    return torch.from_numpy(pixels).movedim(2, 0).float() / 255


def coarse_noise(shape: tuple[int, ...], blur: float | tuple[float, float], level: float) -> Tensor:
    """White noise blurred by a Gaussian, channel by channel, with this standard deviation."""
    widths = (0.0, *(blur if isinstance(blur, tuple) else (blur, blur)))
    noise = gaussian_filter(np.random.default_rng(0).standard_normal(shape), widths, mode="wrap")
    return torch.from_numpy(noise * level / noise.std()).float()


def in_8_bits(image: Tensor) -> ImageSample:
    """The sample of an image that is clipped and rounded as a file is."""
    return ImageSample.of((image.clamp(0, 1) * 255).round() / 255, 255)


def measure_scales(image: Tensor) -> NoiseScales:
    """The levels of an image of 8 bits."""
    found: NoiseScales = create_measurement("noise_scales")(in_8_bits(image))
    return found


def measure_correlation(image: Tensor) -> Correlation:
    """The correlation of an image of 8 bits."""
    found: Correlation = create_measurement("correlation")(in_8_bits(image))
    return found


def mean_length(lengths: tuple[float, float] | None) -> float:
    """The geometric mean of both axes."""
    assert lengths is not None
    return math.sqrt(math.prod(lengths))


@pytest.mark.parametrize("level", [5, 25, 50])
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_white_noise_on_photographs(name: str, level: float) -> None:
    """The level at 1x is within 10 %, and each coarser scale has half of it.

    Weaker noise adds to that of the photographs themselves, of 1 to 2 of 255.
    """
    clean = photograph(name)
    found = measure_scales(clean + coarse_noise(clean.shape, 0, level / 255))
    expected = math.hypot(level, 12**-0.5) / 255  # with the rounding
    assert found.overall[0] == pytest.approx(expected, rel=0.1)
    assert np.allclose(np.divide(found.overall[:-1], found.overall[1:]), 2, rtol=0.02)
    assert found.chroma[0] == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("blur", [1, 2, 3])
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_coarse_noise_on_photographs(name: str, blur: float) -> None:
    """Levels at all scales are those of the noise itself after averaging."""
    clean = photograph(name)
    noise = coarse_noise(clean.shape, blur, 20 / 255)
    found = measure_scales(clean + noise)
    expected = [float(functional.avg_pool2d(noise, scale).std()) for scale in (1, 2, 4, 8)]
    assert np.allclose(found.chroma, expected, rtol=0.2)
    assert np.allclose(found.overall, expected, rtol=0.25)


@pytest.mark.parametrize("blur", [0.5, 1, 2, 4])
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_correlation_on_photographs(name: str, blur: float) -> None:
    """The length is the width of the Gaussian that blurred white noise, within 25 %.

    Texture may hide that of luma, whose confidence is then low.
    """
    clean = photograph(name)
    found = measure_correlation(clean + coarse_noise(clean.shape, blur, 20 / 255))
    is_near = mean_length(found.luma) == pytest.approx(blur, rel=0.25)
    assert is_near or found.confidence < 0.4
    assert mean_length(found.chroma) == pytest.approx(blur, rel=0.25)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_white_noise_has_no_correlation(name: str) -> None:
    """White noise has length 0."""
    clean = photograph(name)
    assert measure_correlation(clean + coarse_noise(clean.shape, 0, 20 / 255)).is_white


def test_each_axis_has_its_length() -> None:
    """Noise along rows, as of a scanner, is long along one axis."""
    clean = photograph("astronaut")
    found = measure_correlation(clean + coarse_noise(clean.shape, (0.7, 2.0), 20 / 255))
    for lengths in (found.luma, found.chroma):
        assert lengths is not None
        assert lengths == pytest.approx((0.7, 2.0), rel=0.25)


def test_luma_and_chroma_apart() -> None:
    """Fine grain in all channels alike, and coarse blotches of colour."""
    clean = photograph("coffee")
    grain = coarse_noise((1, *clean.shape[1:]), 0, 10 / 255)
    blotches = coarse_noise(clean.shape, 3, 10 / 255)
    noisy = clean + grain + blotches - blotches.mean(0)
    scales, correlation = measure_scales(noisy), measure_correlation(noisy)
    assert scales.luma[0] == pytest.approx(10 / 255 * math.sqrt(3), rel=0.1)
    assert scales.chroma[0] == pytest.approx(10 / 255, rel=0.15)
    assert mean_length(correlation.luma) < 0.6
    assert mean_length(correlation.chroma) == pytest.approx(3, rel=0.25)


def test_noise_that_channels_share() -> None:
    """Film grain over weak noise of each channel; the luma of three equal channels is sqrt(3)."""
    y, x = torch.meshgrid(*(torch.linspace(0, 1, 192) for _ in "yx"), indexing="ij")
    image = torch.stack([0.4 + 0.2 * y, 0.5 + 0.1 * x, 0.7 - 0.2 * y])
    image = torch.where(y * x > 0.2, image, 0.5 + 0.3 * torch.sin(40 * x) * torch.sin(30 * y))
    shared, each = coarse_noise((1, 192, 192), 0.8, 8 / 255), coarse_noise(image.shape, 0.0, 0.0016)
    found = measure_scales(image + shared + each)
    assert found.luma[0] == pytest.approx(math.sqrt(3) * 8 / 255, rel=0.1)
    assert found.chroma[0] < 1 / 255
    assert found.overall[0] == pytest.approx(8 / 255, rel=0.1)


def test_channels_keep_their_proportion() -> None:
    """Noise that is stronger in one channel is reported so."""
    clean = photograph("coffee")
    factors = torch.tensor([2.0, 1.0, 1.0])[:, None, None]
    found = measure_scales(clean + factors * coarse_noise(clean.shape, 0, 8 / 255))
    red, green, blue = (255 * levels[0] for levels in found.channels)
    assert red == pytest.approx(16, rel=0.15)
    assert (green, blue) == pytest.approx((8, 8), rel=0.15)


@pytest.mark.parametrize(("blur", "white"), [(0, True), (2, False)])
def test_gray_pictures(blur: float, white: bool) -> None:
    """A gray picture has luma only."""
    clean = torch.from_numpy(data.camera())[None].float() / 255
    noisy = clean + coarse_noise(clean.shape, blur, 20 / 255)
    scales, correlation = measure_scales(noisy), measure_correlation(noisy)
    assert scales.luma == scales.channels[0]
    assert scales.luma[0] == pytest.approx(20 / 255, rel=0.25)
    assert scales.chroma == ()
    assert correlation.chroma is None
    assert correlation.is_white == white
    assert mean_length(correlation.luma) == pytest.approx(blur, rel=0.25)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_texture_has_little_confidence(name: str) -> None:
    """The confidence in noise is greater than that in the texture of a clean picture."""
    clean = photograph(name)
    noisy = clean + coarse_noise(clean.shape, 0, 20 / 255)
    assert measure_scales(noisy).confidence > measure_scales(clean).confidence


@pytest.mark.parametrize(
    "image",
    [torch.full((3, 64, 64), 0.5), torch.zeros(1, 100, 80), torch.rand(3, 4, 50)],
    ids=["constant", "black", "smaller than a block"],
)
def test_pictures_without_measurable_noise(image: Tensor) -> None:
    """They have no confidence, and no correlation is claimed."""
    found = create_measurement("noise_scales")(ImageSample.of(image))
    assert found.confidence == 0
    assert all(math.isfinite(level) for levels in found.channels for level in levels)
    assert create_measurement("correlation")(ImageSample.of(image)).is_white


@pytest.mark.parametrize("convert", [lambda x: x, lambda x: 1 - x], ids=["same", "negative"])
def test_a_large_picture_is_measured_in_pieces(convert: Callable[[Tensor], Tensor]) -> None:
    """Noise in crops is that of the whole picture."""
    image = convert(0.5 + coarse_noise((1, 2000, 1600), 1.5, 10 / 255))
    sample = ImageSample.of(image)
    assert len(sample.pieces) > 1
    found = create_measurement("correlation")(sample)
    assert found.luma == pytest.approx((1.5, 1.5), rel=0.1)
    level = create_measurement("noise_scales")(sample).luma[0]
    assert level == pytest.approx(10 / 255, rel=0.1)


def test_two_and_five_channels() -> None:
    """Pictures of other numbers of channels have the noise of the mean, and no chroma."""
    for channels in (2, 5):
        image = 0.5 + coarse_noise((channels, 128, 128), 0, 10 / 255)
        found = create_measurement("noise_scales")(ImageSample.of(image))
        assert len(found.channels) == channels
        assert found.luma[0] == pytest.approx(10 / 255, rel=0.15)
        assert found.chroma == ()


@pytest.mark.parametrize("level", [1.5, 3])
@pytest.mark.parametrize("name", ["camera", "astronaut", "coffee"])
def test_weak_white_noise_of_gray_photographs(name: str, level: float) -> None:
    """Texture is not added. The photographs are halved, so they have hardly any noise."""
    gray = np.atleast_3d(getattr(data, name)()[:300, :400]).mean(2)
    clean = torch.from_numpy(gray.reshape(150, 2, 200, 2).mean((1, 3)))[None].float() / 255
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    found = measure_scales(clean + level / 255 * noise)
    assert 255 * found.channels[0][0] == pytest.approx(level, rel=0.15)


def test_coarse_noise_of_gray_photographs_is_not_taken_for_rounding() -> None:
    """The high frequencies of coarse noise have nothing else."""
    clean = photograph("chelsea").mean(0, keepdim=True)
    found = measure_scales(clean + coarse_noise(tuple(clean.shape), 2.0, 12 / 255))
    assert 255 * found.channels[0][0] == pytest.approx(12, rel=0.25)


@pytest.mark.parametrize("blur", [1.0, 2.0, 3.0])
def test_each_channel_of_coarse_noise_has_its_level(blur: float) -> None:
    """Also where its high frequencies are too weak to be measured."""
    clean = photograph("coffee")
    levels = torch.tensor([12.0, 8.0, 16.0])
    noise = coarse_noise(tuple(clean.shape), blur, 1.0) * levels[:, None, None] / 255
    found = torch.tensor([each[0] for each in measure_scales(clean + noise).channels])
    shares = found / found.square().mean().sqrt()
    assert (shares / (levels / levels.square().mean().sqrt())).tolist() == pytest.approx(
        [1.0] * 3, abs=0.12
    )


def test_texture_that_hides_the_noise_is_mentioned() -> None:
    """Of letters, which have the contrast of strong noise; not of noise alone."""
    letters = torch.from_numpy(data.page() > 120).float()[None]
    noise = 0.5 + 0.05 * torch.randn(1, 160, 160, generator=torch.Generator().manual_seed(0))
    measure = create_measurement("noise_scales")
    assert "texture hides the noise" in measure(ImageSample.of(letters, 255)).words
    assert "texture" not in measure(ImageSample.of(noise)).words
