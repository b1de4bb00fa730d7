"""Filters of batches, compared with scipy's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from restorekit.noise.filters import blur, constant
from tests.noise.correlations import seeded


def test_each_sample_is_blurred_by_its_radius():
    """As by scipy's Gaussian filter, which also mirrors about the border pixel."""
    batch = torch.rand(3, 2, 20, 31, generator=seeded(), dtype=torch.float64)
    radius = torch.tensor([0.0, 0.7, 2.0], dtype=torch.float64)
    made = blur(batch, radius.view(3, 1, 1, 1), 6)
    for image, r, result in zip(batch, radius.tolist(), made, strict=True):
        expected = [
            ndimage.gaussian_filter(plane.numpy(), r, mode="mirror", radius=6) if r else plane
            for plane in image
        ]
        np.testing.assert_allclose(result.numpy(), np.stack(expected), atol=1e-6)


def test_constants_can_be_used_in_training():
    """A tensor that was first needed in inference mode is a normal one all the same."""
    like = torch.zeros((), dtype=torch.float64)
    with torch.inference_mode():
        kept = constant((0.25, 0.75), like)
    weight = torch.ones(2, dtype=torch.float64, requires_grad=True)
    (kept * weight).sum().backward()
    assert weight.grad.tolist() == [0.25, 0.75]
    assert constant((0.25, 0.75), like) is kept


@pytest.mark.parametrize("size", [(1, 1), (3, 30)])
def test_small_images_are_blurred_too(size):
    batch = torch.rand(1, 1, *size, generator=seeded())
    made = blur(batch, torch.full((1, 1, 1, 1), 2.0), 5)
    assert made.shape == batch.shape
    assert batch.min() <= made.min() <= made.max() <= batch.max()
