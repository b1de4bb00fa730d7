"""SSIM and MS-SSIM losses against scikit-image and against the papers' formulas in scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage.metrics import structural_similarity

from restorekit.errors import InputError
from restorekit.loss.structure import MSSSIM, SSIM
from restorekit.records import Restoration


def pair(shape: tuple[int, ...], noise: float = 0.1) -> tuple[torch.Tensor, torch.Tensor]:
    """A smooth batch and the same with noise, slightly outside [0, 1]."""
    generator = torch.Generator().manual_seed(3)
    rough = torch.rand(*shape[:2], shape[2] // 4 + 1, shape[3] // 4 + 1, generator=generator)
    target = torch.nn.functional.interpolate(rough, size=shape[2:], mode="bilinear")
    return target + noise * torch.randn(shape, generator=generator), target


def ms_ssim_of_the_paper(x: np.ndarray, y: np.ndarray, size: int) -> float:
    """MS-SSIM of two planes, written with scipy in float64."""

    def blur(image: np.ndarray) -> np.ndarray:
        inside = slice(size // 2, -(size // 2))
        return ndimage.gaussian_filter(image, 1.5, radius=size // 2)[inside, inside]

    product = 1.0
    weights = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
    for scale, weight in enumerate(weights):
        mean_x, mean_y = blur(x), blur(y)
        variances = blur(x * x) - mean_x**2 + blur(y * y) - mean_y**2
        structure = (2 * (blur(x * y) - mean_x * mean_y) + 0.03**2) / (variances + 0.03**2)
        luminance = (2 * mean_x * mean_y + 0.01**2) / (mean_x**2 + mean_y**2 + 0.01**2)
        last = scale == len(weights) - 1
        product *= (structure * luminance if last else structure).mean() ** weight
        if not last:
            x, y = (image.reshape(len(image) // 2, 2, -1, 2).mean((1, 3)) for image in (x, y))
    return product


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("window_sigma", [1.0, 1.5])
def test_ssim_is_scikit_image_s(channels, window_sigma):
    """1 - the mean over the batch of scikit-image's index with the same Gaussian window."""
    restored, target = pair((2, channels, 40, 52))
    window_size = 2 * int(3.5 * window_sigma + 0.5) + 1  # where scikit-image cuts the Gaussian off
    expected = [
        structural_similarity(
            r.double().numpy(),
            t.double().numpy(),
            channel_axis=0,
            data_range=1.0,
            gaussian_weights=True,
            sigma=window_sigma,
            use_sample_covariance=False,
        )
        for r, t in zip(restored, target, strict=True)
    ]
    value = SSIM(window_size, window_sigma)(Restoration(restored), target)
    assert value.item() == pytest.approx(1 - np.mean(expected), abs=1e-5)


@pytest.mark.parametrize(("size", "side"), [(11, 176), (5, 80), (3, 48)])
@pytest.mark.parametrize("channels", [1, 3])
def test_ms_ssim_is_the_paper_s(size, side, channels):
    """1 - the mean over channels and batch of the paper's product over five scales."""
    restored, target = pair((2, channels, side, side))
    planes = zip(
        restored.double().flatten(0, 1).numpy(),
        target.double().flatten(0, 1).numpy(),
        strict=True,
    )
    expected = 1 - np.mean([ms_ssim_of_the_paper(r, t, size) for r, t in planes])
    value = MSSSIM(size)(Restoration(restored), target)
    assert value.item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("loss", [SSIM(), MSSSIM()])
def test_equal_images_lose_nothing_and_noisier_ones_more(loss):
    """0 for equal images, growing with the noise."""
    values = [loss(*wrapped(pair((1, 3, 168, 168), noise))).item() for noise in (0, 0.05, 0.2)]
    assert values[0] == pytest.approx(0, abs=1e-6)
    assert values[0] < values[1] < values[2] < 1


def wrapped(images: tuple[torch.Tensor, torch.Tensor]) -> tuple[Restoration, torch.Tensor]:
    """The arguments of a loss."""
    return Restoration(images[0]), images[1]


def test_ms_ssim_of_opposite_images_has_a_finite_gradient():
    """Negative correlation counts as 0; a power of 0 must not turn the gradient into NaN."""
    target = pair((1, 1, 48, 48))[1]
    restored = (1 - target).requires_grad_()
    value = MSSSIM(3)(Restoration(restored), target)
    value.backward()
    assert value == 1
    assert restored.grad.isfinite().all()


@pytest.mark.parametrize(
    ("make", "side", "fits"),
    [
        (SSIM, 10, 9),
        (SSIM, 3, 3),
        (MSSSIM, 160, 9),
        (MSSSIM, 128, 7),
        (MSSSIM, 65, 5),
        (MSSSIM, 33, 3),
    ],
)
def test_the_message_for_small_images_states_which_window_fits(make, side, fits):
    """The suggested window works, and no larger one does."""
    images = wrapped(pair((1, 1, side, side + 8)))
    advice = f"got {side}x{side + 8}; use window_size {fits} or larger patches"
    for too_large in range(fits + 2, 13, 2):
        with pytest.raises(InputError, match=advice):
            make(too_large)(*images)
    assert make(fits)(*images).isfinite()


@pytest.mark.parametrize(("make", "side"), [(SSIM, 2), (MSSSIM, 32)])
def test_images_too_small_for_any_window(make, side):
    """No window is suggested where none fits."""
    with pytest.raises(InputError, match=f"got {side}x{side}; use larger patches"):
        make(3)(*wrapped(pair((1, 1, side, side))))


@pytest.mark.parametrize(("make", "least"), [(SSIM, 11), (MSSSIM, 161)])
def test_the_least_side_is_exact(make, least):
    """Images of the least side work, a pixel less is refused."""
    assert make()(*wrapped(pair((1, 1, least, least)))).isfinite()
    with pytest.raises(InputError, match=f"at least {least}x{least} pixels, got {least - 1}x200"):
        make()(*wrapped(pair((1, 1, least - 1, 200))))


@pytest.mark.parametrize("make", [SSIM, MSSSIM])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window_size": 10}, "window_size must be odd and at least 3, not 10"),
        ({"window_size": 1}, "window_size must be odd and at least 3, not 1"),
        ({"window_sigma": 0.0}, "window_sigma must be from 0.1 to 1000 pixels, not 0.0"),
        ({"window_sigma": 1e300}, "window_sigma must be from 0.1 to 1000 pixels, not 1e"),
        ({"window_sigma": 1e-300}, "window_sigma must be from 0.1 to 1000 pixels, not 1e-300"),
    ],
)
def test_windows_that_cannot_be_are_refused(make, arguments, message):
    """Even and single-pixel windows, and those without or beyond any width."""
    with pytest.raises(ValueError, match=message):
        make(**arguments)


@pytest.mark.parametrize("make", [SSIM, MSSSIM])
def test_one_module_takes_any_number_of_channels(make):
    """The same loss serves gray, colour and validation inside inference_mode, in any order."""
    loss = make(3)
    with torch.inference_mode():
        loss(*wrapped(pair((1, 3, 48, 48))))
    for channels in (1, 4, 3):
        restored, target = pair((1, channels, 48, 48))
        restored.requires_grad_()
        loss(Restoration(restored), target).backward()
        assert restored.grad.abs().sum() > 0
    assert not loss.state_dict()
