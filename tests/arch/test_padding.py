"""Padding a batch to a multiple and cropping it back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from restorekit.arch.padding import check_at_least, crop, pad_to_multiple
from restorekit.errors import ArgumentError

SIZES = st.integers(1, 40)
MULTIPLES = st.sampled_from([1, 2, 3, 8, 16, 64])


@settings(deadline=None, max_examples=50)
@given(height=SIZES, width=SIZES, multiple=MULTIPLES)
def test_pads_like_numpy_for_any_size(height: int, width: int, multiple: int) -> None:
    """The padding is numpy's "reflect" at bottom and right, which takes any size, 1x1 too."""
    x = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(height))
    padded, size = pad_to_multiple(x, multiple)
    below, right = -height % multiple, -width % multiple
    expected = np.pad(x.numpy(), ((0, 0), (0, 0), (0, below), (0, right)), mode="reflect")
    assert size == (height, width)
    assert np.array_equal(padded.numpy(), expected)


@settings(deadline=None, max_examples=50)
@given(height=SIZES, width=SIZES, multiple=MULTIPLES)
def test_crop_undoes_the_padding(height: int, width: int, multiple: int) -> None:
    """Padding followed by cropping gives exactly the same values."""
    x = torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(width))
    assert torch.equal(crop(*pad_to_multiple(x, multiple)), x)


def test_a_fitting_batch_is_not_copied() -> None:
    """Neither padding nor cropping copies memory if there is nothing to do."""
    x = torch.ones(1, 1, 8, 16)
    padded, size = pad_to_multiple(x, 8)
    assert padded is x
    assert crop(padded, size) is x


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_keeps_the_type(dtype: torch.dtype) -> None:
    """Half precision passes through padding and cropping unchanged."""
    padded, size = pad_to_multiple(torch.ones(1, 1, 3, 5, dtype=dtype), 4)
    assert padded.dtype == dtype
    assert crop(padded, size).dtype == dtype


def test_gradient_passes() -> None:
    """Each pixel gets one gradient for itself and one for each of its mirror images."""
    x = torch.zeros(1, 1, 1, 3, requires_grad=True)
    padded, _ = pad_to_multiple(x, 6)  # columns 0 1 2 1 0 1, and six rows
    padded.sum().backward()
    assert x.grad is not None
    assert x.grad.flatten().tolist() == [12.0, 18.0, 6.0]


def test_argument_below_its_minimum_is_named() -> None:
    """The message has the model, the argument, its minimum and the given value."""
    with pytest.raises(ArgumentError, match=r"'unet'.*'depth' must be at least 1, not 0"):
        check_at_least(1, "unet", width=1, depth=0)
