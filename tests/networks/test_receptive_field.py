"""Measuring the receptive field of a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import restorekit
from restorekit.networks.network import Network
from restorekit.restore.denoiser import Denoiser


class Function(nn.Module):
    """A function as a network."""

    def __init__(self, function: Callable[[Tensor], Tensor], multiple: int = 1) -> None:
        super().__init__()
        self.function, self.size_multiple = function, multiple

    def forward(self, noisy: Tensor) -> Tensor:
        return self.function(noisy)


def averaged(side: int) -> Callable[[Tensor], Tensor]:
    """The mean over a window, along rows and then along columns, which is much faster."""

    def average(x: Tensor) -> Tensor:
        across = functional.avg_pool2d(x, (1, side), stride=1, padding=(0, side // 2))
        return functional.avg_pool2d(across, (side, 1), stride=1, padding=(side // 2, 0))

    return average


@pytest.mark.parametrize("depth", [2, 5, 9])
def test_reach_of_plain_convolutions(depth: int) -> None:
    """One pixel for each 3x3 layer, as in theory."""
    reach = Network(restorekit.create_model("dncnn", depth=depth, width=4)).reach
    assert reach is not None
    assert (reach.pixels, reach.coarse, reach.is_global) == (depth, depth, False)


def test_reach_of_a_stride() -> None:
    """With separate 8x8 blocks, tiles that are cut between blocks need no margin."""

    def blocks(x: Tensor) -> Tensor:
        return functional.interpolate(functional.avg_pool2d(x, 8), scale_factor=8.0)

    reach = Network(Function(blocks, 8)).reach
    assert reach is not None
    assert reach.pixels == 0


@pytest.mark.parametrize("side", [41, 61])
def test_reach_of_a_wide_window(side: int) -> None:
    """A large window of equal weights needs an overlap of its whole size."""
    reach = Network(Function(averaged(side))).reach
    assert reach is not None
    assert reach.pixels == side // 2


@pytest.mark.parametrize("size", [3, 5, 7])
def test_reach_of_a_network_that_changes_some_pixels_only(size: int) -> None:
    """A switching median depends on neighbours only at the pixels that it replaces."""
    reach = Network(restorekit.create_model("median", size=size, switching=True)).reach
    assert reach is not None
    assert reach.pixels == size // 2 + 2


@pytest.mark.parametrize(("multiple", "side"), [(256, 17), (192, 101), (256, 101)])
def test_reach_of_a_network_of_large_steps(multiple: int, side: int) -> None:
    """For any distance between valid cuts, and small or large receptive fields."""
    reach = Network(Function(averaged(side), multiple)).reach
    assert reach is not None
    assert reach.pixels == side // 2


@pytest.mark.parametrize("multiple", [0, -8, (8, 8), True])
def test_an_invalid_size_multiple_is_ignored(multiple: Any) -> None:
    """Such a mistake of a plugin does not prevent restoring."""
    reach = Network(Function(averaged(9), multiple)).reach
    assert reach is not None
    assert reach.pixels == 4


def test_reach_is_only_as_far_as_it_matters() -> None:
    """A window of 401 pixels with negligible weights outside of the central 21 counts as 21."""
    weight = torch.full((401,), 1e-12)
    weight[190:211] = 1 / 21
    kernel = weight.expand(3, 1, 1, 401)

    def filtered(x: Tensor) -> Tensor:
        across = functional.conv2d(x, kernel, padding=(0, 200), groups=3)
        return functional.conv2d(across, kernel.mT, padding=(200, 0), groups=3)

    reach = Network(Function(filtered)).reach
    assert reach is not None
    assert not reach.is_global
    assert 10 <= reach.pixels <= 15


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x - x.mean(dim=(2, 3), keepdim=True),
        lambda x: functional.instance_norm(x),
        lambda x: x.flatten(2).sort(dim=2).values.view_as(x),
    ],
)
def test_reach_without_end(function: Callable[[Tensor], Tensor]) -> None:
    """Statistics of the whole image are detected."""
    reach = Network(Function(function)).reach
    assert reach is not None
    assert reach.is_global


def test_reach_is_measured_once() -> None:
    """The second image needs no measurement."""
    calls: list[int] = []

    def counted(x: Tensor) -> Tensor:
        calls.append(x.shape[-1])
        return x

    denoiser = Denoiser(Function(counted), tile=32, force=True)
    denoiser(torch.rand(3, 40, 40))
    first = len(calls)
    denoiser(torch.rand(3, 40, 40))
    assert len(calls) - first == 4
