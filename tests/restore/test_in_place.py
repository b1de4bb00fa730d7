"""Restoring an array in place gives the same result in the same memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from restorekit.errors import InputError
from restorekit.restore.denoiser import Denoiser


class Blur(nn.Module):
    """Two 5x5 means, so that a row that is written too early affects others."""

    def forward(self, noisy: Tensor) -> Tensor:
        for _ in range(2):
            noisy = nn.functional.avg_pool2d(noisy, 5, 1, 2, count_include_pad=False)
        return noisy


class Failing(nn.Module):
    """Runs out of memory at the n-th picture after `begin`."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.left, self.begun = n, False

    def forward(self, noisy: Tensor) -> Tensor:
        if self.begun:
            self.left -= 1
            if self.left == 0:
                raise torch.OutOfMemoryError
        return noisy * 0.5


def array(height: int, width: int, channels: int, dtype: str) -> np.ndarray:
    values = np.random.default_rng(height).random((height, width, channels))
    largest = 1.0 if dtype == "float32" else np.iinfo(dtype).max
    return (values * largest).astype(dtype)


@given(
    height=st.integers(30, 150),
    channels=st.sampled_from([1, 3, 4]),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
    tile=st.sampled_from([16, 32, 64, "off"]),
    strength=st.sampled_from([0.0, 0.5, 1.0]),
    ensemble=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_the_result_is_that_of_another_array(
    height: int, channels: int, dtype: str, tile: int | str, strength: float, ensemble: bool
) -> None:
    """Bit for bit, for every kind of tiles."""
    given_ = array(height, 40, channels, dtype)
    kept = given_.copy()
    denoiser = Denoiser(Blur(), tile=tile, strength=strength, ensemble=ensemble)
    beside = denoiser.restore(given_).image
    assert np.array_equal(given_, kept)
    within = denoiser.restore(given_, in_place=True).image
    assert np.shares_memory(within, given_)
    assert np.array_equal(within, beside)


def test_some_arrays_are_not_overwritten() -> None:
    """A read-only array, and one that keep_detail still needs."""
    given_ = array(64, 64, 3, "uint8")
    kept = given_.copy()
    Denoiser(Blur(), keep_detail=0.5).restore(given_, in_place=True)
    assert np.array_equal(given_, kept)
    given_.flags.writeable = False
    restored = Denoiser(Blur()).restore(given_, in_place=True).image
    assert np.array_equal(given_, kept)
    assert not np.array_equal(restored, kept)


def test_memory_that_runs_out_before_anything_is_written() -> None:
    """Smaller tiles are tried as usual."""
    module = Failing(1)
    denoiser = Denoiser(module, tile=128)
    image = array(256, 64, 3, "float32")
    expected = image * 0.5
    denoiser.restore(image.copy())
    module.begun = True
    restored = denoiser.restore(image, in_place=True).image
    np.testing.assert_allclose(restored, expected, rtol=1e-6)


def test_memory_that_runs_out_half_way() -> None:
    """The image is lost in part, so restoring cannot be repeated, and the message says so."""
    module = Failing(3)
    denoiser = Denoiser(module, tile=32)
    image = array(256, 32, 3, "float32")
    denoiser.restore(image.copy())
    module.begun = True
    with pytest.raises(InputError, match=r"not enough memory .* restored in place"):
        denoiser.restore(image, in_place=True)
