"""PSNR and SSIM against scikit-image and kornia."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kornia.metrics import ssim as ssim_map
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from restorekit.errors import InputError
from restorekit.metric.image_quality import psnr, psnr_y, ssim


@pytest.fixture
def noisy(batch, generator) -> torch.Tensor:
    """The batch with more noise in the second image than in the first; it leaves [0, 1]."""
    noise = torch.randn(batch.shape, generator=generator)
    return batch + noise * torch.tensor([0.05, 0.2]).view(2, 1, 1, 1)


def with_scikit_image(metric, restored, target, **arguments) -> list[float]:
    """A scikit-image metric of each clamped image, in float64."""
    pairs = zip(
        restored.double().clamp(0, 1).numpy(),
        target.double().numpy(),
        strict=True,
    )
    return [metric(t, r, data_range=1.0, **arguments) for r, t in pairs]


def test_psnr_is_scikit_image_s(noisy, batch):
    """One value an image, over all its channels, the restored image clamped."""
    values = psnr(noisy, batch)
    assert values.shape == (2,)
    np.testing.assert_allclose(
        values, with_scikit_image(peak_signal_noise_ratio, noisy, batch), rtol=1e-5
    )


def test_ssim_is_scikit_image_s(noisy, batch):
    """Equal where scikit-image uses the paper's Gaussian window; it too leaves the border out."""
    values = ssim(noisy, batch)
    assert values.shape == (2,)
    expected = with_scikit_image(
        structural_similarity,
        noisy,
        batch,
        channel_axis=0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    np.testing.assert_allclose(values, expected, atol=1e-5)


def test_ssim_is_the_mean_of_kornia_s_map(noisy, batch):
    """A second opinion: its map of windows wholly inside the image, averaged over the channels."""
    expected = ssim_map(noisy.clamp(0, 1), batch, window_size=11, padding="valid").mean((1, 2, 3))
    torch.testing.assert_close(ssim(noisy, batch), expected, rtol=0, atol=1e-5)


def test_psnr_y_is_that_of_scikit_image_s_luma(noisy, batch):
    """The Y of YCbCr, from 16 to 235, is compared with a peak of 255."""
    expected = [
        peak_signal_noise_ratio(
            *(rgb2ycbcr(i.double().clamp(0, 1).movedim(0, -1).numpy())[..., 0] for i in (t, r)),
            data_range=255,
        )
        for t, r in zip(batch, noisy, strict=True)
    ]
    np.testing.assert_allclose(psnr_y(noisy, batch), expected, rtol=1e-4)


def test_psnr_y_of_gray_images_is_the_psnr(noisy, batch):
    """They are their own luma; images of two or four channels have none."""
    assert torch.equal(psnr_y(noisy[:, :1], batch[:, :1]), psnr(noisy[:, :1], batch[:, :1]))
    with pytest.raises(InputError, match="one or three channels, got 4"):
        psnr_y(*[torch.rand(1, 4, 8, 8)] * 2)


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-4, 0.5))
def test_psnr_of_a_constant_error(error):
    """An error of d everywhere is -20 log10 d decibels."""
    target = torch.full((1, 3, 4, 4), 0.5, dtype=torch.float64)
    assert psnr(target - error, target).item() == pytest.approx(-20 * math.log10(error), rel=1e-9)


def test_equal_images(batch):
    """The PSNR is infinite and the SSIM 1, image by image."""
    other = torch.cat([batch[:1], 1 - batch[1:]])
    assert psnr(other, batch)[0] == math.inf
    assert psnr(other, batch)[1].isfinite()
    assert ssim(other, batch)[0].item() == pytest.approx(1, abs=1e-6)
    assert ssim(other, batch)[1] < 0.5


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_the_restored_image_is_clamped(metric, batch):
    """Values outside [0, 1] count as what a file would hold."""
    black_and_white = batch.round()
    beyond = black_and_white * 3 - 1
    torch.testing.assert_close(metric(beyond, black_and_white), metric(*[black_and_white] * 2))


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_half_precision_is_measured_in_float32(metric, noisy, batch):
    """bfloat16 images, and autocast, give what their float32 copies give without it."""
    half = noisy.bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        inside = metric(half, batch)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, metric(half.float(), batch))


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_float64_stays_float64(metric, noisy, batch):
    """Nothing is lost where more digits are given."""
    values = metric(noisy.double(), batch.double())
    assert values.dtype == torch.float64
    torch.testing.assert_close(values.float(), metric(noisy, batch), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("metric", [psnr, ssim])
@pytest.mark.parametrize("shapes", [((3, 24, 24),) * 2, ((1, 3, 24, 24), (1, 1, 24, 24))])
def test_shapes_are_checked(metric, shapes):
    """A picture without a batch axis, and gray against colour, are refused."""
    with pytest.raises(InputError, match="two batches of one shape"):
        metric(*map(torch.zeros, shapes))


def test_ssim_needs_11_pixels():
    """The window must fit: 11 pixels a side do, 10 do not."""
    assert ssim(*[torch.rand(1, 1, 11, 11)] * 2).item() == pytest.approx(1, abs=1e-6)
    with pytest.raises(InputError, match="at least 11x11 pixels, got 10x40"):
        ssim(*[torch.rand(1, 1, 10, 40)] * 2)
