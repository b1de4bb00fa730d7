"""Axes continued by mirror images, compared with numpy's padding."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from restorekit.mirroring import continued, mirrored_indices


@given(
    length=st.integers(1, 9),
    count=st.integers(0, 60),
    before=st.integers(0, 25),
    repeat_border=st.booleans(),
)
def test_indices_are_those_of_numpy(
    length: int, count: int, before: int, repeat_border: bool
) -> None:
    """Of its modes "symmetric" and "reflect", however often the axis is mirrored at either end."""
    mode: Literal["symmetric", "reflect"] = "symmetric" if repeat_border else "reflect"
    expected = np.pad(np.arange(length), (before, max(count - length, 0)), mode=mode)[:count]
    found = mirrored_indices(length, count, repeat_border=repeat_border, start=-before)
    assert found.dtype == torch.int64
    assert found.tolist() == expected.tolist()


def test_a_long_axis_stays() -> None:
    """What is long enough is handed back without a copy; the other axis is not touched."""
    image = torch.arange(12).reshape(1, 3, 4)
    assert continued(image, 2, 4) is image
    assert continued(image, 1, 2) is image
    assert continued(image, 1, 5)[0, :, 0].tolist() == [0, 4, 8, 8, 4]
