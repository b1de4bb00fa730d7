"""How far a network is measured to see."""

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
    return lambda x: functional.avg_pool2d(x, side, stride=1, padding=side // 2)


@pytest.mark.parametrize("depth", [2, 5, 9])
def test_reach_of_plain_convolutions(depth: int) -> None:
    """One pixel for each 3x3 layer, as theory has it."""
    reach = Network(restorekit.create_model("dncnn", depth=depth, width=4)).reach
    assert reach is not None
    assert (reach.pixels, reach.coarse, reach.is_global) == (depth, depth, False)


def test_reach_of_a_stride() -> None:
    """Of 8x8 blocks, no pixel sees beyond its own: tiles cut between them need no margin."""

    def blocks(x: Tensor) -> Tensor:
        return functional.interpolate(functional.avg_pool2d(x, 8), scale_factor=8.0)

    reach = Network(Function(blocks, 8)).reach
    assert reach is not None
    assert reach.pixels == 0


@pytest.mark.parametrize("side", [41, 61])
def test_reach_of_a_wide_window(side: int) -> None:
    """A large window of equal weights has to be overlapped whole."""
    reach = Network(Function(averaged(side))).reach
    assert reach is not None
    assert reach.pixels == side // 2


@pytest.mark.parametrize("size", [3, 5, 7])
def test_reach_of_what_acts_on_some_pixels_alone(size: int) -> None:
    """A switching median looks only from the pixels it replaces, and two farther than at first."""
    reach = Network(restorekit.create_model("median", size=size, switching=True)).reach
    assert reach is not None
    assert reach.pixels == size // 2 + 2


@pytest.mark.parametrize(("multiple", "side"), [(256, 17), (192, 101), (256, 101)])
def test_reach_of_a_network_of_large_steps(multiple: int, side: int) -> None:
    """However far apart the places are where it may be cut, with a field small or large."""
    reach = Network(Function(averaged(side), multiple)).reach
    assert reach is not None
    assert reach.pixels == side // 2


@pytest.mark.parametrize("multiple", [0, -8, (8, 8), True])
def test_a_multiple_that_is_none_is_passed_over(multiple: Any) -> None:
    """A plugin's mistake there stops no picture."""
    reach = Network(Function(averaged(9), multiple)).reach
    assert reach is not None
    assert reach.pixels == 4


def test_reach_is_only_as_far_as_it_matters() -> None:
    """A window of 401 pixels, all but the middle 21 of next to no weight, counts as 21."""
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
    """Statistics of the whole image are found out."""
    reach = Network(Function(function)).reach
    assert reach is not None
    assert reach.is_global


def test_reach_is_measured_once() -> None:
    """The second image does not pay for it again."""
    calls: list[int] = []

    def counted(x: Tensor) -> Tensor:
        calls.append(x.shape[-1])
        return x

    denoiser = Denoiser(Function(counted), tile=32, force=True)
    denoiser(torch.rand(3, 40, 40))
    first = len(calls)
    denoiser(torch.rand(3, 40, 40))
    assert len(calls) - first == 4
