"""Colour under alpha 0 has no influence on the result, and is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from restorekit.operations.restoring import Restoring
from restorekit.pictures.picture import Picture
from restorekit.pictures.processing.one_file import PagePlace
from restorekit.restore.denoiser import Denoiser

PLACE = PagePlace(0, Path("a.png"), Path("b.png"))


class Blur(nn.Module):
    """The mean of 5x5 pixels."""

    def forward(self, noisy: Tensor) -> Tensor:
        weight = noisy.new_full((noisy.shape[1], 1, 5, 5), 1 / 25)
        padded = functional.pad(noisy, (2, 2, 2, 2), "reflect")
        return functional.conv2d(padded, weight, groups=noisy.shape[1])


def cut_out(colour: int, dtype: Any) -> Any:
    """A noisy disc (24, 30, 4), with one colour in the transparent part."""
    top = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    levels = np.random.default_rng(0).normal(0.6, 0.1, (24, 30, 4)).clip(0, 1)
    y, x = np.mgrid[:24, :30]
    outside = (y - 12) ** 2 + (x - 14) ** 2 > 81
    levels[..., 3] = 1
    levels[outside] = (colour, colour, colour, 0)
    return (levels * top).astype(dtype)


@pytest.fixture
def denoiser() -> Denoiser:
    return Denoiser(Blur().eval())


def through_array(denoiser: Denoiser, image: Any) -> Any:
    return denoiser(image)


def through_tensor(denoiser: Denoiser, image: Any) -> Any:
    return denoiser(torch.from_numpy(image).movedim(2, 0)).movedim(0, 2).numpy()


def through_picture(denoiser: Denoiser, image: Any) -> Any:
    colour, alpha = image[..., :3].copy(), image[..., 3].copy()
    (restored,) = Restoring(denoiser, {}, False)([Picture(colour, alpha)], [PLACE])
    return restored.channels()


@pytest.mark.parametrize("through", [through_array, through_tensor, through_picture])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_hidden_colour_does_not_bleed(denoiser: Denoiser, through: Any, dtype: Any) -> None:
    """The visible part does not depend on the hidden colour, and its edge changes little."""
    black, white = (cut_out(colour, dtype) for colour in (0, 1))
    hidden = black[..., 3] == 0
    first, second = through(denoiser, black), through(denoiser, white)
    assert np.array_equal(first[~hidden], second[~hidden])
    assert np.array_equal(first[hidden], black[hidden])
    assert np.array_equal(second[hidden], white[hidden])
    error = first[..., :3][~hidden].astype(float) / black[..., 3].max() - 0.6
    assert np.abs(error).max() < 0.15  # black behind the edge makes it 0.3


def test_a_fully_transparent_picture_is_unchanged(denoiser: Denoiser) -> None:
    """There are no visible pixels to fill it from."""
    image = cut_out(0, np.uint8)
    image[..., 3] = 0
    assert np.array_equal(denoiser(image), image)


def test_read_only_arrays_are_accepted_without_a_warning(denoiser: Denoiser) -> None:
    """Arrays of PIL images are read-only; they are not modified."""
    image = cut_out(0, np.uint16)
    before = image.copy()
    expected = denoiser(image)
    for given in (image, image[:, ::2]):
        given.flags.writeable = False
    assert np.array_equal(denoiser(image), expected)
    assert denoiser(image[:, ::2]).shape == (24, 15, 4)
    assert np.array_equal(image, before)
    assert np.asarray(denoiser(Image.fromarray(cut_out(0, np.uint8)))).shape == (24, 30, 4)
