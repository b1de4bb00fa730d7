"""Pixels at every depth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from restorekit.errors import InputError
from restorekit.pictures.picture import (
    MAX_PIXELS,
    Metadata,
    Picture,
    PictureError,
    check_size,
    depth_for,
    separate_alpha,
)
from restorekit.pictures.pixel_values import rescale, white_of

U8, U16, F32 = np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32)


@pytest.mark.parametrize("deep", [U16, F32])
def test_deeper_and_back_is_exact(deep: np.dtype[Any]) -> None:
    """Every 8-bit level survives 16 bits and floats; white stays white."""
    levels = np.arange(256, dtype=np.uint8)
    lifted = rescale(levels, deep)
    assert lifted.dtype == deep
    assert lifted[-1] == (65535 if deep == U16 else 1)
    assert np.array_equal(rescale(lifted, U8), levels)


def test_16_bits_to_8_is_the_nearest_level() -> None:
    """For every 16-bit value, in integer arithmetic: (255 v + 32767) // 65535."""
    values = np.arange(65536, dtype=np.uint16)
    expected = (255 * values.astype(np.int64) + 32767) // 65535
    assert np.array_equal(rescale(values, U8), expected)
    assert np.array_equal(rescale(rescale(values, F32), U16), values)


@given(arrays(np.float32, 7, elements=st.floats(-2, 3, width=32)), st.sampled_from([U8, U16]))
def test_floats_are_clamped_and_rounded(values: Any, dtype: np.dtype[Any]) -> None:
    """Each value becomes the nearest that integers can represent."""
    top = np.iinfo(dtype).max
    error = np.abs(rescale(values, dtype) - np.clip(values.astype(float), 0, 1) * top)
    assert error.max() <= 0.5 + 1e-2


@pytest.mark.parametrize(
    ("pixels", "alpha"),
    [
        (np.zeros((2, 2), np.uint8), None),
        (np.zeros((2, 2, 4), np.uint8), None),
        (np.zeros((0, 2, 3), np.uint8), None),
        (np.zeros((2, 2, 3), np.complex64), None),
        (np.zeros((2, 2, 3), np.int64), None),
        (np.zeros((2, 2, 3), np.uint8), np.zeros((2, 3), np.uint8)),
        (np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.uint16)),
    ],
)
def test_arrays_of_a_wrong_shape_are_refused(pixels: Any, alpha: Any) -> None:
    """Shapes and types of pixels and alpha are checked."""
    with pytest.raises(InputError):
        Picture(pixels, alpha)


def test_another_depth_converts_alpha_too() -> None:
    """Pixels and alpha are converted together; the original is unchanged."""
    picture = Picture(np.full((2, 3, 3), 51, np.uint8), np.full((2, 3), 255, np.uint8))
    deep = picture.astype(U16)
    assert (deep.pixels[0, 0, 0], deep.alpha[0, 0]) == (51 * 257, 65535)  # type: ignore[index]
    assert (picture.is_opaque, deep.is_opaque, picture.nbytes, deep.nbytes) == (True, True, 24, 48)
    assert picture.astype(U8) is picture


def test_channels_are_as_in_files() -> None:
    """Gray is (H, W), alpha the last channel."""
    gray = np.zeros((2, 3, 1), np.uint8)
    assert Picture(gray).channels().shape == (2, 3)
    assert Picture(gray, gray[..., 0]).channels().shape == (2, 3, 2)
    assert Picture(np.repeat(gray, 3, 2), gray[..., 0]).channels().shape == (2, 3, 4)


def test_colour_is_separated_from_its_alpha() -> None:
    """A premultiplied 100 at half opacity is 200; fully transparent pixels are black."""
    pixels = np.array([[[100] * 3, [70] * 3]], np.uint8)
    alpha = np.array([[127.5, 0]]).round().astype(np.uint8)
    picture = separate_alpha(Picture(pixels, alpha, Metadata(alpha="associated")))
    assert picture.pixels[0, :, 0].tolist() == [round(100 * 255 / 128), 0]
    assert picture.metadata.alpha == "unassociated"
    assert separate_alpha(picture) is picture


def test_sizes() -> None:
    """The limit itself is accepted; one more row and an empty picture are refused."""
    check_size(10_000, 10_000)
    check_size(MAX_PIXELS // 1000, 1000)
    with pytest.raises(PictureError, match=r"400\.4 megapixels; at most 400"):
        check_size(MAX_PIXELS // 1000, 1001)
    with pytest.raises(PictureError, match="no pixels"):
        check_size(0, 5)


@pytest.mark.parametrize(
    ("dtype", "depths", "depth", "expected"),
    [
        (U8, (8, 16, "float"), None, U8),
        (U16, (8, 16), None, U16),
        (F32, (8, 16), None, U16),
        (F32, (8,), None, U8),
        (U16, (8,), None, U8),
        (U16, (8, 16), 8, U8),
        (U8, (8, 16, "float"), "float", F32),
    ],
)
def test_depth_is_like_the_input_unless_given(
    dtype: np.dtype[Any], depths: Any, depth: Any, expected: np.dtype[Any]
) -> None:
    """A format that cannot hold the input's depth gets its deepest, unless one is given."""
    assert depth_for(dtype, depths, depth) == expected


def test_depth_that_a_format_has_not() -> None:
    """The message for an impossible depth states which depths the format has."""
    with pytest.raises(PictureError, match="holds 8-bit or 16-bit channels, not float"):
        depth_for(U8, (8, 16), "float")


@pytest.mark.parametrize(
    ("highest", "white"), [(0, 255), (255, 255), (900, 1023), (4000, 4095), (16384, 65535)]
)
def test_white_of_a_camera_s_few_bits(highest: int, white: int) -> None:
    """It is the next power of two minus one, if that is well below 16 bits."""
    assert white_of(np.array([0, highest], np.uint16)) == white


def test_white_of_a_whole_range() -> None:
    """For 8 bits and floats, it does not depend on the values."""
    assert white_of(np.zeros((2, 2), np.uint8)) == 255
    assert white_of(np.full((2, 2), 0.1, np.float32)) == 1


def test_white_stays_white_at_another_depth() -> None:
    """For 12 bits in 16, pixels are relative to 4095 and alpha to 65535."""
    pixels = np.array([0, 2048, 4095], np.uint16).reshape(1, 3, 1)
    picture = Picture(pixels, np.array([[0, 32768, 65535]], np.uint16), white=4095)
    for dtype, top in ((U8, 255), (F32, 1)):
        shallow = picture.astype(dtype)
        assert np.allclose(
            shallow.pixels.ravel(), [0, 2048 / 4095 * top, top], atol=0.5 * (top > 1)
        )
        assert np.allclose(shallow.alpha, [[0, 0.5 * top, top]], atol=0.01 * top)  # type: ignore[arg-type]
        assert shallow.white is None
    assert picture.astype(U16) is picture
