"""The option `stabilize` of `Denoiser`, with networks for white noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from restorekit import (
    ArgumentError,
    Denoiser,
    NoiseCurve,
    RestoreWarning,
    SensorNoise,
    denoise,
    denoise_files,
)
from restorekit.data.samples import sample_path

GAIN, READ = 0.02, 2 / 255
CURVE = NoiseCurve(GAIN, READ**2)


def photograph() -> Tensor:
    """A part of a sample photograph, (1, 192, 192), on the [0, 1] scale."""
    pixels = np.array(Image.open(Path(sample_path("camera"))))[60:252, 150:342]
    return torch.from_numpy(pixels.copy())[None].float() / 255


def photons(signal: Tensor, seed: int = 0) -> Tensor:
    """The signal with photon and read noise."""
    generator = torch.Generator().manual_seed(seed)
    noise = READ * torch.randn(signal.shape, generator=generator)
    return torch.poisson(signal / GAIN, generator=generator) * GAIN + noise


def smooth(blocks: int = 6) -> Tensor:
    """Smooth signals from 0.1 to 0.9, (1, 192, 192)."""
    coarse = torch.rand(1, 1, blocks, blocks, generator=torch.Generator().manual_seed(3))
    return 0.1 + 0.8 * functional.interpolate(coarse, size=(192, 192), mode="bilinear")[0]


def error(image: Any, clean: Tensor) -> float:
    """Root mean square difference to the clean image."""
    return float((torch.as_tensor(image).double() - clean).square().mean().sqrt())


class Blur(nn.Module):
    """A mean over 5x5 pixels, which depends a little on sigma and records what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Tensor, Tensor]] = []

    def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
        """Blur the image."""
        self.calls.append((noisy.clone(), sigma.clone()))
        padded = functional.pad(noisy, (2, 2, 2, 2), mode="replicate")
        return functional.avg_pool2d(padded, 5, stride=1) + 1e-6 * sigma


class Blank(nn.Module):
    """Removes everything."""

    def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
        """Return gray."""
        return torch.full_like(noisy, 0.5) + 1e-6 * sigma


class BlindBlur(nn.Module):
    """A mean over 3x3 pixels."""

    def forward(self, noisy: Tensor) -> Tensor:
        """Blur the image."""
        padded = functional.pad(noisy, (1, 1, 1, 1), mode="replicate")
        return functional.avg_pool2d(padded, 3, stride=1)


class TestResult:
    @pytest.mark.parametrize("stabilize", ["auto", "on", CURVE, SensorNoise(GAIN, READ)])
    def test_photon_noise_is_removed_better(self, stabilize: Any) -> None:
        """At least 0.5 dB better than with one noise level for the whole picture."""
        clean = photograph()
        noisy = photons(clean).clamp(0, 1)
        plain = denoise(noisy, "swift-gaussian-gray", stabilize="off")
        stable = denoise(noisy, "swift-gaussian-gray", stabilize=stabilize)
        assert error(stable, clean) < 10 ** (-0.5 / 20) * error(plain, clean)

    def test_the_mean_is_kept(self) -> None:
        """The inverse is unbiased, so dark and bright areas keep their mean."""
        clean = torch.cat([torch.full((1, 96, 192), 0.06), torch.full((1, 96, 192), 0.6)], 1)
        noisy = photons(clean)
        restored = Denoiser(Blur(), stabilize=CURVE, force=True)(noisy)
        for rows in (slice(0, 90), slice(102, 192)):
            assert float(restored[:, rows].mean()) == pytest.approx(
                float(noisy[:, rows].mean()), abs=2e-3
            )

    def test_the_network_gets_constant_noise_of_the_level_that_it_is_given(self) -> None:
        """The level is the same in dark and in bright areas, and within the trained range."""
        clean = torch.cat([torch.full((1, 96, 192), 0.1), torch.full((1, 96, 192), 0.8)], 1)
        network = Blur()
        Denoiser(network, stabilize=CURVE, force=True)(photons(clean))
        given, sigma = network.calls[-1]
        for rows in (slice(0, 90), slice(102, 192)):
            spread = given[..., rows, :].diff(dim=-1).std() / 2**0.5
            assert float(spread) == pytest.approx(float(sigma), rel=0.1)
        assert float(sigma) <= 50 / 255 + 1e-6

    @pytest.mark.parametrize("strength", [0.25, 0.5])
    def test_strength_is_a_share_of_the_change(self, strength: float) -> None:
        """It is applied to the values of the image, not to transformed ones."""
        noisy = photons(smooth())
        full = Denoiser(Blur(), stabilize=CURVE)(noisy)
        part = Denoiser(Blur(), stabilize=CURVE, strength=strength)(noisy)
        assert torch.allclose(part, noisy + strength * (full - noisy), atol=1e-5)

    def test_tiles_equal_the_whole(self) -> None:
        """The scale is that of the image, not of a tile."""
        noisy = photons(smooth())
        whole = Denoiser(Blur(), stabilize=CURVE, tile="off")(noisy)
        tiled = Denoiser(Blur(), stabilize=CURVE, tile=64)(noisy)
        assert torch.allclose(whole, tiled, atol=1e-5)

    def test_coarse_scales_are_not_transformed(self) -> None:
        """The curve is that of the pixels; averages go through the network as they are."""
        noisy, network = photons(smooth()), Blur()
        restored = Denoiser(network, stabilize=CURVE, scales=2, force=True)(noisy)
        coarse = [given for given, _ in network.calls if given.shape[-1] == 96]
        fine = [given for given, _ in network.calls if given.shape[-1] == 192]
        for given in coarse:
            assert float(given.mean()) == pytest.approx(float(noisy.mean()), abs=0.01)
        assert coarse
        assert abs(float(fine[-1].mean() - noisy.mean())) > 0.02
        assert error(restored, smooth()) < 0.4 * error(noisy, smooth())

    def test_an_ensemble_of_a_symmetric_network_changes_nothing(self) -> None:
        """Turned pieces are transformed like others."""
        noisy = photons(smooth())
        one = Denoiser(Blur(), stabilize=CURVE)(noisy)
        eight = Denoiser(Blur(), stabilize=CURVE, ensemble=True)(noisy)
        assert torch.allclose(one, eight, atol=1e-5)

    def test_types_and_alpha(self) -> None:
        """8 and 16 bits and floats give the same result up to rounding; alpha is kept."""
        noisy = (photons(smooth()).clamp(0, 1) * 255).round()[0].numpy()
        alpha = np.arange(192 * 192).reshape(192, 192) % 255 + 1  # no pixel is hidden
        eight = np.dstack([noisy, alpha]).astype(np.uint8)
        denoiser = Denoiser(Blur(), stabilize="on", force=True)
        narrow = denoiser(eight)
        wide = denoiser(eight.astype(np.uint16) * 257)
        floats = denoiser(np.float32(noisy / 255))
        assert np.array_equal(narrow[..., 1], eight[..., 1])
        assert np.abs(wide[..., 0] / 257 - narrow[..., 0]).max() <= 1
        assert np.abs(floats * 255 - narrow[..., 0]).max() <= 1

    def test_colour_channels_have_their_own_curves(self) -> None:
        """Each channel is transformed by its curve."""
        clean = smooth().expand(3, -1, -1) * torch.tensor([0.5, 1.0, 0.8])[:, None, None]
        noisy = photons(clean)
        restored = Denoiser(Blur(), stabilize="on", force=True)(noisy)
        assert error(restored, clean) < 0.4 * error(noisy, clean)

    def test_sensor_noise_in_the_units_of_the_image(self) -> None:
        """Gain, read noise and pedestal of a 12-bit camera give the curve on the [0, 1] scale."""
        noisy = ((photons(smooth()) + 0.02).clamp(0, 1) * 4095).round()
        image = noisy[0].numpy().astype(np.uint16)
        sensor = SensorNoise(gain=4095 * GAIN, read=4095 * READ, pedestal=0.02 * 4095)
        curve = NoiseCurve(GAIN, READ**2 - 0.02 * GAIN)
        by_sensor = denoise(image, Blur(), stabilize=sensor, white=4095)
        by_curve = denoise(image, Blur(), stabilize=curve, white=4095)
        assert np.array_equal(by_sensor, by_curve)


class TestDecision:
    def test_auto_measures_and_says_so(self) -> None:
        """White photon noise is stabilised; noise of a constant level is not."""
        denoiser = Denoiser(Blur(), stabilize="auto")
        assert denoiser.restore(photons(smooth())).stabilized
        constant = smooth() + 0.1 * torch.randn(1, 192, 192)
        assert not denoiser.restore(constant).stabilized

    def test_auto_leaves_correlated_noise_alone(self) -> None:
        """The result is that of "off"."""
        noise = photons(smooth()) - smooth()
        blurred = functional.avg_pool2d(functional.pad(noise, (1, 1, 1, 1), "reflect"), 3, 1)
        noisy = smooth() + 3 * blurred
        outcome = Denoiser(Blur(), stabilize="auto").restore(noisy)
        assert not outcome.stabilized
        assert torch.equal(outcome.image, Denoiser(Blur())(noisy))

    def test_auto_leaves_blind_networks_alone(self) -> None:
        """They were trained with the noise of untransformed pictures; "on" includes them."""
        noisy = photons(smooth())
        assert not Denoiser(BlindBlur(), stabilize="auto").restore(noisy).stabilized
        assert Denoiser(BlindBlur(), stabilize="on").restore(noisy).stabilized

    def test_images_of_a_batch_are_decided_one_by_one(self) -> None:
        """A batch tensor, and images restored together, equal images restored alone."""
        images = [photons(smooth()), smooth() + 0.1 * torch.randn(1, 192, 192)]
        denoiser = Denoiser(Blur(), stabilize="auto", force=True)
        alone = [denoiser(image) for image in images]
        batch = denoiser(torch.stack(images))
        together = [outcome.image for outcome in denoiser.restore_all(images)]
        for one, in_batch, with_others in zip(alone, batch, together, strict=True):
            assert torch.allclose(one, in_batch, atol=1e-5)
            assert isinstance(with_others, Tensor)
            assert torch.allclose(one, with_others, atol=1e-5)

    def test_on_without_a_curve(self) -> None:
        """A picture without noise has none; the network gets it as it is."""
        with pytest.warns(RestoreWarning, match="no noise curve could be measured"):
            outcome = Denoiser(BlindBlur(), stabilize="on", force=True).restore(smooth() * 0 + 0.5)
        assert not outcome.stabilized

    def test_a_network_that_removes_everything_is_limited(self) -> None:
        """With a trustworthy curve, no region changes by more than its noise explains."""
        clean = 0.1 + 0.4 * smooth()
        noisy = photons(clean)
        restored = Denoiser(Blank(), stabilize="auto")(noisy)
        assert error(restored, noisy) < 1.2 * error(noisy, clean)

    def test_a_faint_picture(self) -> None:
        """The noise is compared with the range of the picture, not with that of its type."""
        clean, scale, pedestal = smooth(), 800, 500
        image = (photons(clean) * scale + pedestal).round().clamp(0)[0].numpy().astype(np.uint16)
        image[0, 0] = 65535  # so that white is the largest value of the type
        # `impulses` is off, because the one white pixel would be filled.
        plain = Denoiser(Blur(), stabilize="off", impulses="off").restore(image)
        stable = Denoiser(Blur(), stabilize="auto", impulses="off").restore(image)
        assert plain.left_alone == "faint"
        assert (stable.left_alone, stable.stabilized, stable.already_clean) == (None, True, False)
        found, noisy = (
            (torch.from_numpy(x / 1.0) - pedestal) / scale for x in (stable.image, image)
        )
        assert error(found[1:], clean[0, 1:]) < 0.4 * error(noisy[1:], clean[0, 1:])

    def test_a_file_reports_it(self, tmp_path: Path) -> None:
        """`summarize`, as for `--json`, and the outcome of the page."""
        values = (photons(smooth()).clamp(0, 1)[0] * 255).round().byte().numpy()
        Image.fromarray(values).save(tmp_path / "a.png")
        files = denoise_files(tmp_path / "a.png", model=Blur(), stabilize="auto", summarize=True)
        (result,) = files.results
        assert result.pages[0].stabilized
        assert result.summaries[0]["stabilized"] is True

    def test_a_page_stays_as_it_is(self) -> None:
        """Also if a curve is given."""
        page = np.zeros((64, 64), np.uint8)
        page[10:20, 5:50] = 255
        outcome = Denoiser(Blur(), stabilize=CURVE).restore(page)
        assert (outcome.left_alone, outcome.stabilized) == ("two-valued", False)


class TestOptions:
    @pytest.mark.parametrize("value", ["yes", True, 0.1, None])
    def test_other_values_are_refused(self, value: Any) -> None:
        """The message names those that are possible."""
        with pytest.raises(ArgumentError, match="stabilize is auto, on, off"):
            Denoiser(Blur(), stabilize=value)

    @pytest.mark.parametrize("gain", [0.0, -0.1, float("nan"), float("inf")])
    def test_a_gain_is_above_0(self, gain: float) -> None:
        """For a curve and for a sensor."""
        with pytest.raises(ArgumentError, match="gain of a noise curve is above 0"):
            Denoiser(Blur(), stabilize=NoiseCurve(gain, 0.1))
        with pytest.raises(ArgumentError, match="gain of a sensor is above 0"):
            SensorNoise(gain)

    @pytest.mark.parametrize("read", [-1.0, float("nan")])
    def test_read_noise_is_at_least_0(self, read: float) -> None:
        """It is a standard deviation."""
        with pytest.raises(ArgumentError, match="read noise is at least 0"):
            SensorNoise(1.0, read)

    @pytest.mark.parametrize("stabilize", ["on", CURVE])
    @pytest.mark.parametrize("level", [{"sigma": 0.1}, {"noise_map": True}])
    def test_a_curve_replaces_the_level(self, stabilize: Any, level: Any) -> None:
        """Both at once contradict each other."""
        with pytest.raises(ArgumentError, match="leave out sigma and noise_map"):
            Denoiser(Blur(), stabilize=stabilize, **level)

    @pytest.mark.parametrize("level", [{"sigma": 0.1}, {"noise_map": True}])
    def test_auto_means_off_with_a_given_level(self, level: Any) -> None:
        """The level of the user counts."""
        noisy = photons(smooth())
        outcome = Denoiser(Blur(), stabilize="auto", **level).restore(noisy)
        assert not outcome.stabilized
        assert torch.equal(outcome.image, Denoiser(Blur(), **level)(noisy))
