"""Demosaicing: noise of a sensor that measures one colour a pixel, interpolated to all pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from restorekit.noise.filters import constant, convolved, padded
from restorekit.noise.parameters import Draws

Demosaicing = Literal["bilinear", "malvar", "nearest", "none"]

_BILINEAR_GREEN = ((0.0, 0.25, 0.0), (0.25, 1.0, 0.25), (0.0, 0.25, 0.0))
_BILINEAR_OTHER = ((0.25, 0.5, 0.25), (0.5, 1.0, 0.5), (0.25, 0.5, 0.25))
# Malvar, He and Cutler, ICASSP 2004, in eighths: green at red and blue, red or blue at green of
# their row, and red at blue or blue at red. Red or blue at green of their column is the transpose.
_MALVAR_GREEN = (
    (0.0, 0.0, -1.0, 0.0, 0.0),
    (0.0, 0.0, 2.0, 0.0, 0.0),
    (-1.0, 2.0, 4.0, 2.0, -1.0),
    (0.0, 0.0, 2.0, 0.0, 0.0),
    (0.0, 0.0, -1.0, 0.0, 0.0),
)
_MALVAR_ROW = (
    (0.0, 0.0, 0.5, 0.0, 0.0),
    (0.0, -1.0, 0.0, -1.0, 0.0),
    (-1.0, 4.0, 5.0, 4.0, -1.0),
    (0.0, -1.0, 0.0, -1.0, 0.0),
    (0.0, 0.0, 0.5, 0.0, 0.0),
)
_MALVAR_CROSS = (
    (0.0, 0.0, -1.5, 0.0, 0.0),
    (0.0, 2.0, 0.0, 2.0, 0.0),
    (-1.5, 0.0, 6.0, 0.0, -1.5),
    (0.0, 2.0, 0.0, 2.0, 0.0),
    (0.0, 0.0, -1.5, 0.0, 0.0),
)
# Of the measurements of red, green and blue in a window of 2x2 pixels.
_SHARES = (((1.0,),), ((0.5,),), ((1.0,),))


class Mosaic(NamedTuple):
    """The places of a Bayer mosaic: bool masks that are broadcast to (B, 1, H, W).

    Attributes:
        odd_row: rows of green and blue; the others are of red and green.
        odd_column: columns of green and blue.
    """

    odd_row: Tensor
    odd_column: Tensor

    @property
    def red(self) -> Tensor:
        """Where red is measured."""
        return ~(self.odd_row | self.odd_column)

    @property
    def blue(self) -> Tensor:
        """Where blue is measured."""
        return self.odd_row & self.odd_column

    @property
    def green(self) -> Tensor:
        """Where green is measured."""
        return self.odd_row ^ self.odd_column


def random_mosaic(size: tuple[int, int], draw: Draws) -> Mosaic:
    """A mosaic that starts at any of its four places, since patches are cut at random places."""
    odd = (draw.uniform(draw.count, 2, 1, 1) < 0.5).split(1, 1)
    rows, columns = (torch.arange(length, device=draw.device) % 2 == 1 for length in size)
    return Mosaic(odd[0] ^ rows[:, None], odd[1] ^ columns)


def demosaiced(noise: Tensor, weights: Mapping[Demosaicing, float], draw: Draws) -> Tensor:
    """The noise after demosaicing, by a random method for each sample.

    Args:
        noise: (B, 3, H, W), as a sensor would have it that measures all colours in each pixel.
        weights: how often each method is used relative to the others.
        draw: source of the random numbers.
    """
    height, width = noise.shape[-2:]
    mosaic = random_mosaic((height, width), draw)
    total, passed = sum(weights.values()), 0.0
    chance = draw.uniform(draw.count, 1, 1, 1) * total
    result = noise
    # Each method is applied to the whole batch, because selecting samples would wait for a GPU.
    for place, (method, weight) in enumerate(weights.items()):
        made = demosaic(noise, mosaic, method)
        result = torch.where(chance < passed, result, made) if place else made
        passed += weight
    return result


def demosaic(noise: Tensor, mosaic: Mosaic, method: Demosaicing) -> Tensor:
    """The noise (B, 3, H, W) after demosaicing by one method."""
    if method == "none":
        return noise
    measured = noise * torch.cat((mosaic.red, mosaic.green, mosaic.blue), 1)
    if method == "malvar":
        return _malvar(measured.sum(1, keepdim=True), mosaic)
    if method == "nearest":
        # The window of 2x2 pixels that starts at a pixel has one red, one blue and two greens.
        extended = padded(measured, 1)[..., 1:, 1:]
        rows = extended[..., :-1] + extended[..., 1:]
        return (rows[..., :-1, :] + rows[..., 1:, :]) * constant(_SHARES, noise)
    kernels = constant((_BILINEAR_OTHER, _BILINEAR_GREEN, _BILINEAR_OTHER), noise)[:, None]
    return convolved(measured, kernels, groups=3)


def _malvar(plane: Tensor, mosaic: Mosaic) -> Tensor:
    """Interpolate a mosaic (B, 1, H, W) linearly, with corrections from the other colours."""
    row = constant(_MALVAR_ROW, plane)
    green, cross = constant(_MALVAR_GREEN, plane), constant(_MALVAR_CROSS, plane)
    kernels = torch.stack((green, row, row.T, cross))[:, None] / 8
    at_green, along, across, cross = convolved(plane, kernels).split(1, 1)
    red = torch.where(mosaic.odd_row, across, along)
    red = torch.where(mosaic.red, plane, torch.where(mosaic.blue, cross, red))
    blue = torch.where(mosaic.odd_row, along, across)
    blue = torch.where(mosaic.blue, plane, torch.where(mosaic.red, cross, blue))
    return torch.cat((red, torch.where(mosaic.green, plane, at_green), blue), 1)
