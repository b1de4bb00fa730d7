"""Finding black and white of an image from its values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from skimage import data

from restorekit.errors import ArgumentError
from restorekit.pictures.value_ranges import check_range, range_of

RANDOM = np.random.default_rng(0)
PHOTO = data.camera()[100:300, 100:300] / 255


def noisy(sigma: float) -> Any:
    return PHOTO + RANDOM.normal(0, sigma / 255, PHOTO.shape)


@pytest.mark.parametrize("sigma", [0, 5, 25, 75])
def test_noise_on_the_unit_scale_changes_no_range(sigma: float) -> None:
    """Values outside [0, 1] due to noise do not change the scale, also in a dark picture."""
    for values in (noisy(sigma), noisy(sigma) - PHOTO, noisy(sigma) / 2):
        found = range_of(values.astype(np.float32))
        assert (found.black, found.white, found.is_guessed) == (0, 1, False)


def test_a_few_bright_or_broken_values_change_no_range() -> None:
    """For example a lamp, a hot pixel, or a pixel without a value."""
    values = noisy(10)
    values[:5, :20], values[50, 50], values[60] = 4, 1e6, np.nan
    assert range_of(values).white == 1
    assert range_of(np.full((4, 4), np.nan)).white == 1
    assert range_of(np.zeros((4, 4))).white == 1


@pytest.mark.parametrize("sigma", [0, 25, 50])
@pytest.mark.parametrize(("black", "white"), [(-1, 1), (0, 255), (0, 65535)])
def test_common_ranges_are_recognised(sigma: float, black: float, white: float) -> None:
    """Also with noise, and they are marked as a guess."""
    found = range_of((black + noisy(sigma) * (white - black)).astype(np.float32))
    assert (found.black, found.white, found.is_guessed) == (black, white, True)
    assert f"black {black:g} and white {white:g}" in found.words


@pytest.mark.parametrize(("black", "white"), [(-1024, 3071), (5e-4, 2e-3), (30000, 31000)])
def test_other_units_are_measured(black: float, white: float) -> None:
    """The range of the values, within a tenth and without hot pixels."""
    values = black + PHOTO * (white - black)
    values[3, 4] = 1e9
    found = range_of(values)
    assert found.black == pytest.approx(black, abs=0.1 * (white - black))
    assert found.white == pytest.approx(white, abs=0.1 * (white - black))


def test_integers_without_a_convention() -> None:
    """White of counts is a power of two minus one; signed values have their own range."""
    assert range_of(np.array([[0, 3000]], np.int16)).white == 4095
    assert range_of(np.array([[0, 70000]], np.uint32)).white == 131071
    signed = range_of(np.linspace(-500, 1500, 10000).astype(np.int32).reshape(100, 100))
    assert (signed.black, signed.white) == pytest.approx((-500, 1500), abs=20)


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 4095)])
def test_unsigned_integers_of_8_and_16_bits_are_not_guessed(dtype: Any, white: int) -> None:
    """Their convention applies."""
    found = range_of(np.array([[20, 200 if dtype is np.uint8 else 4000]], dtype))
    assert (found.black, found.white, found.is_guessed) == (0, white, False)


def test_one_end_may_be_given() -> None:
    """The other one is found."""
    assert range_of(np.array([[0, 3000]], np.uint16), white=10000).black == 0
    found = range_of(np.array([[500, 3000]], np.uint16), black=500)
    assert (found.black, found.white) == (500, 4095)
    with pytest.raises(ArgumentError, match="leave no range"):
        range_of(np.zeros((2, 2), np.uint8), black=300)


@pytest.mark.parametrize(
    ("black", "white", "fault"),
    [
        (1, 0, "white must be greater than black"),
        (5, 5, "white must be greater than black"),
        ("auto", "bright", "white is a number or 'auto', not 'bright'"),
        (float("nan"), 1, "black is a number or 'auto', not nan"),
        (True, "auto", "black is a number"),
    ],
)
def test_wrong_ranges_are_refused(black: Any, white: Any, fault: str) -> None:
    """They are refused before anything is read."""
    with pytest.raises(ArgumentError, match=fault):
        check_range(black, white)
