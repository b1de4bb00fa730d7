"""Patches: positions, flips and rotations, and small pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from restorekit.data.patches import (
    center_patch,
    mirror_to,
    random_crop,
    random_patch,
    random_symmetry,
)
from restorekit.errors import InputError

sizes = st.integers(1, 12)


def numbered(height: int, width: int, channels: int = 1) -> Tensor:
    """An image whose values are all different, so that the origin of a pixel is known."""
    return torch.arange(channels * height * width).reshape(channels, height, width)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_random_patches_reach_all_symmetries_and_all_places() -> None:
    """Many draws give each of the 8 symmetries at each position about equally often."""
    image, generator = numbered(3, 4), seeded(0)
    counts: dict[tuple[int, ...], int] = {}
    for _ in range(4800):
        patch = tuple(random_patch(image, 2, generator).flatten().tolist())
        counts[patch] = counts.get(patch, 0) + 1
    assert len(counts) == 8 * 2 * 3
    assert 50 < min(counts.values()) <= max(counts.values()) < 160  # 100 expected, sigma 10


@given(sizes, sizes, sizes, st.integers(0, 2**32))
def test_same_generator_gives_the_same_patch(h: int, w: int, size: int, seed: int) -> None:
    """A patch is a function of the image, the size and the generator's state."""
    image = numbered(h, w, 3)
    patch = random_patch(image, size, seeded(seed))
    assert patch.shape == (3, size, size)
    assert torch.equal(patch, random_patch(image, size, seeded(seed)))


def test_another_generator_gives_another_patch() -> None:
    """Two seeds give different patches of a large image."""
    image = numbered(100, 100)
    assert not torch.equal(random_patch(image, 8, seeded(1)), random_patch(image, 8, seeded(2)))


@given(st.integers(4, 12), st.integers(4, 12), st.integers(0, 2**32))
def test_crop_is_a_window_of_the_image(height: int, width: int, seed: int) -> None:
    """Every pixel of a crop has the same neighbours as in the image, in all channels."""
    image = numbered(height, width, 2)
    patch = random_crop(image, 4, seeded(seed))
    top, left = divmod(int(patch[0, 0, 0]), width)
    assert torch.equal(patch, image[:, top : top + 4, left : left + 4])


def test_random_symmetry_keeps_the_shape() -> None:
    """An image that is not square is mirrored but never rotated by 90 degrees."""
    image, generator = numbered(2, 3), seeded(0)
    drawn = {
        tuple(random_symmetry(image, generator).reshape(2, 3).flatten().tolist()) for _ in range(99)
    }
    assert drawn == {tuple(image.flip(axes).flatten().tolist()) for axes in ([], [1], [2], [1, 2])}


def test_center_patch_is_in_the_middle() -> None:
    """The margins on opposite sides differ by one pixel at most."""
    image = numbered(9, 6)
    assert torch.equal(center_patch(image, 3), image[:, 3:6, 1:4])
    assert torch.equal(center_patch(image, 6), image[:, 1:7, :])


@given(sizes, sizes, st.integers(1, 40))
def test_small_image_is_continued_by_mirroring(height: int, width: int, size: int) -> None:
    """Padding at the right and bottom equals numpy's symmetric mode, for any size."""
    image = numbered(height, width)
    pads = ((0, 0), (0, max(size - height, 0)), (0, max(size - width, 0)))
    expected = np.pad(image.numpy(), pads, mode="symmetric")
    assert np.array_equal(mirror_to(image, size).numpy(), expected)


@pytest.mark.parametrize("shape", [(4, 4), (1, 0, 4), (1, 1, 4, 4)])
def test_arrays_of_a_wrong_shape_are_refused(shape: tuple[int, ...]) -> None:
    """Patches need a (C, H, W) image that is not empty."""
    with pytest.raises(InputError, match=r"\(C, H, W\)"):
        center_patch(torch.zeros(shape), 2)
