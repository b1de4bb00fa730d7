"""Blur of the picture, compared with scipy's filters."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from restorekit.noise.blurring import Blur, MotionBlur
from restorekit.records import as_degraded
from tests.noise.correlations import seeded


def test_blur_is_scipy_s_gaussian_filter() -> None:
    """Which also mirrors about the border pixel, and takes four radii by default."""
    batch = torch.rand(2, 3, 30, 41, generator=seeded())
    blurred = Blur(1.5)(batch).noisy
    expected = ndimage.gaussian_filter(batch.double().numpy(), (0, 0, 1.5, 1.5), mode="mirror")
    np.testing.assert_allclose(blurred, expected, atol=1e-6)


@pytest.mark.parametrize(("length", "angle"), [(7, 0), (6, 90), (9.5, 30), (4, 135), (1, 200)])
def test_motion_blur_is_the_mean_of_shifted_pictures(length: float, angle: float) -> None:
    """Shifted along the line by scipy's bilinear interpolation, in 400 steps."""
    batch = torch.rand(1, 2, 24, 31, generator=seeded())
    blurred = MotionBlur(length, angle)(batch).noisy[0]
    steps = length * ((np.arange(400) + 0.5) / 400 - 0.5)
    down, right = -np.sin(np.deg2rad(angle)), np.cos(np.deg2rad(angle))
    for channel, result in zip(batch[0].double().numpy(), blurred, strict=True):
        shifted = [
            ndimage.shift(channel, (s * down, s * right), order=1, mode="mirror") for s in steps
        ]
        np.testing.assert_allclose(result, np.mean(shifted, 0), atol=1e-3)


def test_motion_blur_turns_anticlockwise() -> None:
    """At 45 degrees a point becomes a line from the lower left to the upper right."""
    point = torch.zeros(1, 1, 15, 15)
    point[..., 7, 7] = 1.0
    blurred = MotionBlur(8, 45)(point).noisy[0, 0]
    assert blurred[5, 9] > 0.05
    assert blurred[9, 5] > 0.05
    assert blurred[5, 5] == 0


@pytest.mark.parametrize("noise", [Blur((0.3, 4.0)), MotionBlur((1.0, 15.0))])
@pytest.mark.parametrize("size", [(1, 1), (3, 40), (16, 9)])
def test_a_flat_picture_stays_flat_at_any_size(noise, size) -> None:
    """The weights add up to 1 for each sample, up to the border."""
    flat = torch.full((3, 2, *size), 0.7)
    torch.testing.assert_close(noise(flat, seeded()).noisy, flat)


@pytest.mark.parametrize("noise", [Blur((0.3, 4.0)), MotionBlur((1.0, 15.0))])
def test_each_sample_has_its_own_blur(noise) -> None:
    """A sample does not depend on the other samples; equal ones become different."""
    picture = torch.rand(1, 3, 24, 24, generator=seeded())
    noisy = noise(picture.expand(6, -1, -1, -1), seeded()).noisy
    assert len({sample.numpy().tobytes() for sample in noisy}) == 6


def test_nothing_is_changed_by_no_blur() -> None:
    picture = torch.rand(1, 3, 24, 24, generator=seeded())
    torch.testing.assert_close(Blur(0.0)(picture).noisy, picture)
    torch.testing.assert_close(MotionBlur(0.0)(picture).noisy, picture)
    assert as_degraded(Blur()(picture)).sigma is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Blur(17), "radius must be between 0 and 16"),
        (lambda: Blur((2, 1)), "swap them"),
        (lambda: MotionBlur(65), "length must be between 0 and 64"),
        (lambda: MotionBlur(9, 361), "angle must be between -360 and 360"),
    ],
)
def test_values_out_of_range_are_refused(make, message) -> None:
    with pytest.raises(ValueError, match=message):
        make()
