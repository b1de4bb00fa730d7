"""The eight symmetries of the square."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from restorekit.symmetry import ALL_SYMMETRIES, IDENTITY, Symmetry

IMAGE = torch.arange(2 * 3 * 3).reshape(2, 3, 3)


def test_they_are_the_flips_and_quarter_turns() -> None:
    """They are numpy's four rotations, plain and mirrored, once each."""
    turned = [np.rot90(IMAGE.numpy(), quarters, (1, 2)) for quarters in range(4)]
    expected = {a.tobytes() for t in turned for a in (t, t[:, :, ::-1])}
    assert len(expected) == 8
    ours = {turn.apply(IMAGE).contiguous().numpy().tobytes() for turn in ALL_SYMMETRIES}
    assert ours == expected


@pytest.mark.parametrize("turn", ALL_SYMMETRIES)
def test_each_is_undone(turn: Symmetry) -> None:
    """Also for an image that is not square, and for a batch."""
    batch = torch.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    assert torch.equal(turn.undo(turn.apply(batch)), batch)


def test_the_first_four_keep_the_shape() -> None:
    """Only these are used for images that are not square; the first one is the identity."""
    image = torch.arange(6).reshape(1, 2, 3)
    assert [turn.apply(image).shape == image.shape for turn in ALL_SYMMETRIES] == [True] * 4 + [
        False
    ] * 4
    assert torch.equal(IDENTITY[0].apply(image), image)
    assert ALL_SYMMETRIES[0] == IDENTITY[0]
