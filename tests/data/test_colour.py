"""Colour at half resolution, against libjpeg and the definition of luma."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from restorekit.data.colour import halve_colour
from restorekit.data.samples import sample_path
from restorekit.errors import InputError
from restorekit.pictures.tensors import read_tensor, to_float

LUMA = torch.tensor([0.299, 0.587, 0.114])  # ITU-R BT.601


def picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.rand((3, height, width), generator=torch.Generator().manual_seed(seed))


@settings(deadline=None)
@given(
    height=st.integers(1, 9), width=st.integers(1, 9), top=st.integers(0, 1), left=st.integers(0, 1)
)
def test_brightness_stays(height, width, top, left):
    image = picture(height, width)
    halved = halve_colour(image, top, left)
    assert halved.shape == image.shape
    expected = torch.tensordot(LUMA, image, 1)
    torch.testing.assert_close(torch.tensordot(LUMA, halved, 1), expected, rtol=0, atol=1e-5)


@settings(deadline=None)
@given(
    height=st.integers(1, 9), width=st.integers(1, 9), top=st.integers(0, 1), left=st.integers(0, 1)
)
def test_gray_and_plain_colour_stay(height, width, top, left):
    gray = picture(height, width)[:1].expand(3, -1, -1)
    plain = torch.tensor([0.9, 0.1, 0.4]).view(3, 1, 1).expand(3, height, width)
    for image in (gray, plain):
        torch.testing.assert_close(halve_colour(image, top, left), image, rtol=0, atol=1e-5)


def test_as_libjpeg_does():
    """The change equals that of 4:2:0 in a photograph, up to rounding to whole levels."""
    image = to_float(read_tensor(sample_path("astronaut"), 3))
    levels = (image * 255).byte().movedim(0, 2).numpy()
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "JPEG", quality=100, subsampling="4:2:0")
    stored = to_float(torch.from_numpy(np.array(Image.open(file))).movedim(2, 0))
    changed = (stored - image).square().mean()
    left_over = (stored - halve_colour(image).clamp(0, 1)).square().mean()
    assert left_over < changed / 8
    assert left_over.sqrt() < 1 / 255


@pytest.mark.parametrize(("top", "left"), [(0, 1), (1, 0), (1, 1)])
def test_cells_may_begin_before_the_image(top, left):
    image = picture(20, 22)
    whole = halve_colour(image)[:, top:, left:]
    cut = halve_colour(image[:, top:, left:], top, left)
    inside = (slice(None), slice(2, -2), slice(2, -2))
    torch.testing.assert_close(cut[inside], whole[inside])


@pytest.mark.parametrize(
    "image",
    [torch.rand(1, 4, 4), torch.rand(1, 2, 3, 4, 4), torch.zeros(3, 4, 4, dtype=torch.uint8)],
)
def test_what_has_no_colour_is_refused(image):
    with pytest.raises(InputError, match="takes a float image"):
        halve_colour(image)


def test_a_batch_is_changed_as_its_images_are():
    batch = torch.stack([picture(9, 12, seed) for seed in range(3)])
    halved = halve_colour(batch, 1, 0)
    assert torch.equal(halved, torch.stack([halve_colour(image, 1, 0) for image in batch]))
