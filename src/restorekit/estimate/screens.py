"""Halftone screens and dither, in the spectra of blocks.

A screen concentrates its energy at one frequency, the same all over the picture. Error diffusion
has most of its energy at high frequencies; photographs and letters do not.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

_SIDE = 64  # of a block, in pixels
_BLOCKS = 500  # about, evenly spread
_CONTRAST = 2 / 255  # standard deviation; blocks with less are ignored
_LOWEST = 0.11  # frequency, for periods up to 9 pixels
_HIGH = 0.25  # frequencies above it are high; 3/4 of white noise


class Screen(NamedTuple):
    """What the spectra of blocks show.

    Attributes:
        strength: share of the contrast that has the frequencies of one screen.
        period: number of pixels after which it repeats along rows or columns.
        roughness: share of the contrast with high frequencies, in most blocks.
    """

    strength: float = 0.0
    period: float = 0.0
    roughness: float = 0.0


def find_screen(pieces: Tensor) -> Screen:
    """Measure the screen of a picture.

    Args:
        pieces: (N, C, h, w), floats on the [0, 1] scale.
    """
    blocks = _blocks(pieces.mean(1))
    if not len(blocks):
        return Screen()
    side = blocks.shape[-1]
    window = torch.hann_window(side, periodic=False)
    power = torch.fft.rfft2(blocks * (window[:, None] * window)).abs().square()
    power[..., 1:-1] *= 2  # the other half of the spectrum
    power /= power.sum((1, 2), keepdim=True)
    down, across = torch.fft.fftfreq(side)[:, None], torch.fft.rfftfreq(side)[None]
    highest = torch.maximum(down.abs(), across)
    roughness = float((power * (highest > _HIGH)).sum((1, 2)).median())
    shared = power.mean(0) * (torch.hypot(down, across) >= _LOWEST)
    first, place = _peak(shared)
    second, _ = _peak(_without(shared, place))
    return Screen(first + second, 1 / float(highest[place]), roughness)


def _blocks(gray: Tensor) -> Tensor:
    """Blocks with contrast, without their mean, (n, side, side)."""
    side = min(_SIDE, *(length // 2 * 2 for length in gray.shape[-2:]))
    if side < _SIDE // 4:
        return gray.new_empty(0, 2, 2)
    blocks = gray.unfold(1, side, side // 2).unfold(2, side, side // 2).reshape(-1, side, side)
    blocks = blocks[:: max(1, round(len(blocks) / _BLOCKS))]
    blocks = blocks - blocks.mean((1, 2), keepdim=True)
    return blocks[blocks.square().mean((1, 2)) > _CONTRAST**2]


def _peak(power: Tensor) -> tuple[float, tuple[int, int]]:
    """The place of the largest value, and the sum over the 3x3 frequencies around it."""
    row, column = divmod(int(power.argmax()), power.shape[1])
    rows = torch.arange(row - 1, row + 2) % len(power)  # vertical frequencies are periodic
    return float(power[rows, max(0, column - 1) : column + 2].sum()), (row, column)


def _without(power: Tensor, place: tuple[int, int]) -> Tensor:
    """The spectrum without the frequencies next to a peak."""
    kept = power.clone()
    rows = torch.arange(place[0] - 2, place[0] + 3) % len(power)
    kept[rows, max(0, place[1] - 2) : place[1] + 3] = 0
    return kept
