"""Attention in windows, compared with the definition at every position."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from restorekit.arch.attention_windows import (
    attend_in_windows,
    from_windows,
    relative_bias,
    to_windows,
)


@pytest.fixture(autouse=True)
def _known_numbers() -> None:
    torch.manual_seed(0)


def by_definition(
    query: Tensor, key: Tensor, value: Tensor, table: Tensor, window: int, shift: int
) -> Tensor:
    """Attention of each position to those in its cell of a grid that begins at `shift`.

    One head; (H, W, C). The cells at the edges of the image are cut off.
    """
    height, width, channels = query.shape
    places = [(y, x) for y in range(height) for x in range(width)]
    cell = {(y, x): ((y - shift) // window, (x - shift) // window) for y, x in places}
    result = torch.empty_like(value)
    for here in places:
        others = [there for there in places if cell[there] == cell[here]]
        scores = torch.stack([query[here] @ key[there] / channels**0.5 for there in others])
        rows = torch.tensor([here[0] - there[0] + window - 1 for there in others])
        columns = torch.tensor([here[1] - there[1] + window - 1 for there in others])
        scores = scores + table[rows * (2 * window - 1) + columns]
        values = torch.stack([value[there] for there in others])
        result[here] = scores.softmax(0) @ values
    return result


@pytest.mark.parametrize("shift", [0, 1, 2])
@pytest.mark.parametrize("size", [(4, 4), (8, 4), (8, 12)])
def test_each_position_attends_to_its_window(size: tuple[int, int], shift: int) -> None:
    """Also in windows that are cut off by the edge, in one row of windows and with two heads."""
    window, heads, channels = 4, 2, 3
    parts = torch.randn(3, 2, *size, heads * channels)
    table = torch.randn((2 * window - 1) ** 2, heads)
    cut = (to_windows(part, window, shift) for part in parts)
    attended = attend_in_windows(*cut, relative_bias(table, window), window, shift)
    image = from_windows(attended, window, shift)
    for sample in range(2):
        for head in range(heads):
            own = slice(head * channels, (head + 1) * channels)
            expected = by_definition(*parts[:, sample, ..., own], table[:, head], window, shift)
            torch.testing.assert_close(image[sample, ..., own], expected)


def test_windows_are_put_together_again() -> None:
    """The two functions are inverses, and a window holds the positions of a square."""
    features = torch.arange(2 * 6 * 9.0).reshape(2, 6, 9, 1)
    assert torch.equal(from_windows(to_windows(features, 3, 1), 3, 1), features)
    assert torch.equal(to_windows(features, 3)[1, 1, 2], features[1, 3:, 6:].reshape(9, 1))
    assert torch.equal(to_windows(features, 3, 1)[0, 0, 0], features[0, 1:4, 1:4].reshape(9, 1))
