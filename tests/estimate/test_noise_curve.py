"""The noise curve of pictures, against noise of known gain and read noise."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

import restorekit
from restorekit.data.samples import sample_path
from restorekit.estimate.image_sample import ImageSample
from restorekit.estimate.noise_curve import NoiseCurve, NoiseCurveFit

PHOTOGRAPHS = ("astronaut", "camera", "chelsea", "coffee")


def photograph(name: str) -> Tensor:
    """A sample photograph, (C, H, W), at most 512 pixels to a side."""
    pixels = np.atleast_3d(np.array(Image.open(Path(sample_path(name)))))[:512, :512]
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255


def ramp(low: float, high: float, channels: int = 1) -> Tensor:
    """A smooth ramp of signals, (C, 320, 320)."""
    return torch.linspace(low, high, 320).expand(channels, 320, 320)


def photons(signal: Tensor, gain: float | Tensor, read: float = 0.0, seed: int = 0) -> Tensor:
    """The signal with Poisson noise of a gain and Gaussian read noise."""
    generator = torch.Generator().manual_seed(seed)
    counts = torch.poisson((signal / gain).expand_as(signal), generator=generator)
    return counts * gain + read * torch.randn(signal.shape, generator=generator)


def in_8_bits(image: Tensor) -> Tensor:
    """The image rounded and clipped to 8 bits."""
    return (image * 255).round().clamp(0, 255) / 255


def measured(image: Tensor) -> NoiseCurveFit:
    """The noise curve of an image (C, H, W)."""
    fit = restorekit.create_measurement("noise_curve")(ImageSample.of(image))
    assert isinstance(fit, NoiseCurveFit)
    return fit


class TestPhotographs:
    @pytest.mark.parametrize("name", PHOTOGRAPHS)
    @pytest.mark.parametrize(
        ("gain", "read"), [(0.002, 1 / 255), (0.005, 2 / 255), (0.01, 0.0), (0.02, 2 / 255)]
    )
    def test_gain_and_level_of_8_bit_photographs(self, name: str, gain: float, read: float) -> None:
        """The gain is within 15 %, the level of the noise at middle gray within 5 %."""
        fit = measured(in_8_bits(photons(photograph(name), gain, read)))
        assert fit.is_trustworthy
        assert fit.curve.gain == pytest.approx(gain, rel=0.15)
        assert fit.curve.sigma(0.5) == pytest.approx((0.5 * gain + read**2) ** 0.5, rel=0.05)

    @pytest.mark.parametrize("name", PHOTOGRAPHS)
    def test_noise_without_a_gain(self, name: str) -> None:
        """A constant level gives no trustworthy gain."""
        noisy = photograph(name) + 10 / 255 * torch.randn(photograph(name).shape)
        fit = measured(noisy)
        assert not fit.is_trustworthy
        assert fit.curve.sigma(0.5) == pytest.approx(10 / 255, rel=0.1)

    @pytest.mark.parametrize("name", PHOTOGRAPHS)
    def test_clean_photographs(self, name: str) -> None:
        """Texture is not taken for a noise curve."""
        assert not measured(photograph(name)).is_trustworthy

    def test_an_overexposed_photograph(self) -> None:
        """A fifth of it is white, so few intervals have many blocks."""
        fit = measured(in_8_bits(photons(1.2 * photograph("camera"), 0.005, 0.005)))
        assert fit.is_trustworthy
        assert fit.curve.gain == pytest.approx(0.005, rel=0.15)

    @pytest.mark.parametrize("gain", [0.00125, 0.005])
    def test_a_few_cells_on_a_dark_background(self, gain: float) -> None:
        """Most blocks have one brightness."""
        y, x = torch.meshgrid(torch.arange(384.0), torch.arange(384.0), indexing="ij")
        clean = torch.full((1, 384, 384), 0.06)
        for number in range(5):
            distance = (y - 60 - 60 * number) ** 2 + (x - 320 + 65 * number) ** 2
            clean += 0.6 * (-distance / (2 * 22**2)).exp()
        fit = measured(photons(clean, gain, 0.005))
        assert fit.is_trustworthy
        assert fit.curve.gain == pytest.approx(gain, rel=0.15)

    def test_a_screen_on_a_part_of_a_page(self) -> None:
        """Its dots look like white noise that grows with the signal; the paper has none of it."""
        generator = torch.Generator().manual_seed(0)
        box = torch.linspace(0.22, 0.27, 320).expand(320, 320)
        dots = (box - 0.22).sqrt() * torch.randn(320, 320, generator=generator) / 6
        grain = torch.randn(1, 1, 320, 320, generator=generator)
        coarse = functional.avg_pool2d(grain, 3, 1, 1, count_include_pad=False)[0, 0] / 100
        page = torch.cat([box + dots, torch.linspace(0.65, 0.75, 320) + coarse], 1)[None]
        fit = measured(in_8_bits(page))
        assert not fit.is_trustworthy

    @pytest.mark.parametrize("name", PHOTOGRAPHS)
    @pytest.mark.parametrize("width", [0.6, 1.0, 2.0])
    def test_correlated_noise_is_recognised(self, name: str, width: float) -> None:
        """The high frequencies of blurred noise are too weak, so its curve is not trustworthy."""
        clean = photograph(name)
        noise = photons(clean, 0.01) - clean
        places = torch.arange(-6, 7.0)
        kernel = torch.exp(-(places**2) / (2 * width**2))
        kernel /= kernel.sum()
        planes = functional.pad(noise[:, None], (6, 6, 6, 6), mode="reflect")
        blurred = functional.conv2d(
            functional.conv2d(planes, kernel[None, None, None]), kernel[None, None, :, None]
        )
        fit = measured(clean + blurred[:, 0])
        assert not fit.is_trustworthy
        assert fit.correlation > 1.25 or width == 2.0  # then even the middle frequencies are empty

    @pytest.mark.parametrize("quality", [50, 75, 92])
    def test_jpeg_is_recognised(self, quality: int) -> None:
        """Compression removes the high frequencies of the noise."""
        noisy = in_8_bits(photons(photograph("astronaut"), 0.005))
        file = io.BytesIO()
        pixels = (noisy * 255).round().byte().permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(file, "jpeg", quality=quality)
        decoded = torch.from_numpy(np.array(Image.open(file)).copy()).permute(2, 0, 1).float() / 255
        assert not measured(decoded).is_trustworthy


class TestModel:
    def test_a_pedestal_lowers_the_variance_at_0(self) -> None:
        """With a pedestal the line crosses 0 near it: variance = read^2 - gain * pedestal."""
        pedestal, gain, read = 0.05, 0.01, 0.004
        fit = measured(pedestal + photons(ramp(0.02, 0.7), gain, read))
        assert fit.is_trustworthy
        assert fit.curve.gain == pytest.approx(gain, rel=0.1)
        assert fit.curve.variance == pytest.approx(read**2 - gain * pedestal, rel=0.15)
        assert fit.curve.sigma(0.0) == 0.0

    def test_clipped_ends_are_excluded(self) -> None:
        """Clipping narrows the noise of dark and bright signals, but does not change the gain."""
        noisy = photons(ramp(0.0, 1.0), 0.005, 0.02)
        assert measured(noisy.clamp(0, 1)).curve.gain == pytest.approx(0.005, rel=0.1)

    def test_each_channel_has_its_own_curve(self) -> None:
        """Channels may differ in their gain."""
        gains = torch.tensor([0.004, 0.01, 0.02])[:, None, None]
        fit = measured(photons(ramp(0.1, 0.8, 3), gains))
        found = [curve.gain for curve in fit.channels]
        assert found == pytest.approx([0.004, 0.01, 0.02], rel=0.1)

    def test_variance_that_is_not_linear(self) -> None:
        """Noise proportional to the signal does not fit a line, so it is not trustworthy."""
        signal = ramp(0.05, 0.95)
        fit = measured(signal + 0.1 * signal * torch.randn(signal.shape))
        assert not fit.is_trustworthy

    def test_float_pictures_of_any_sign(self) -> None:
        """Values outside the range of black and white are clipped ends, not an error."""
        fit = measured(photons(ramp(0.1, 0.8), 0.01) - 0.3)
        assert np.isfinite(fit.curve.gain)

    def test_crops_measure_like_the_whole(self) -> None:
        """The pieces of a large picture give the same curve."""
        noisy = photons(ramp(0.1, 0.8), 0.01)
        pieces = torch.stack([noisy[:, :160, :160], noisy[:, 160:, 160:]])
        fit = restorekit.create_measurement("noise_curve")(ImageSample(pieces, (320, 320)))
        assert fit.curve.gain == pytest.approx(0.01, rel=0.15)

    @pytest.mark.parametrize("size", [(1, 1), (4, 40), (8, 8), (9, 30), (40, 40)])
    @pytest.mark.parametrize("channels", [1, 3, 5])
    def test_tiny_pictures(self, size: tuple[int, int], channels: int) -> None:
        """They give a record without confidence."""
        fit = measured(0.5 + 0.1 * torch.randn(channels, *size))
        assert len(fit.channels) == channels
        assert not fit.is_trustworthy

    @pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
    def test_constant_pictures(self, value: float) -> None:
        """Without noise there is no curve."""
        fit = measured(torch.full((3, 64, 64), value))
        assert (fit.curve, fit.confidence) == (NoiseCurve(0.0, 0.0), 0.0)
        assert fit.words == "no noise curve could be measured"


def test_the_measurement_is_part_of_an_analysis() -> None:
    """`restorekit.analyze` returns the curve, and says it in words."""
    noisy = (in_8_bits(photons(ramp(0.1, 0.8), 0.01)) * 255).round().byte()
    analysis = restorekit.analyze(noisy)
    assert analysis.noise_curve.curve.gain == pytest.approx(0.01, rel=0.1)
    assert "trustworthy" in analysis.words["noise curve"]
    assert analysis.to_dict()["noise_curve"]["is_trustworthy"] is True
