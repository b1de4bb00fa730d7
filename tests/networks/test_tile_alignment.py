"""The grid of tiles of networks that do not declare `size_multiple` is measured."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import restorekit
from restorekit.networks.network import Network


class Coarse(nn.Module):
    """Adds the block means of the image: its grid is the side of the blocks."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side
        self.weight = nn.Parameter(torch.tensor(0.5))

    def forward(self, noisy: Tensor) -> Tensor:
        height, width = noisy.shape[-2:]
        padded = functional.pad(noisy, (0, -width % self.side, 0, -height % self.side), "replicate")
        means = functional.avg_pool2d(padded, self.side).repeat_interleave(self.side, -1)
        means = means.repeat_interleave(self.side, -2)[..., :height, :width]
        return noisy + self.weight * (means - noisy)


@pytest.mark.parametrize(("side", "grid"), [(1, 16), (8, 16), (32, 32), (7, 112), (64, 64)])
def test_the_grid_is_measured(side: int, grid: int) -> None:
    """The smallest multiple of 16 pixels that is one of the network's too."""
    assert Network(Coarse(side)).alignment == grid


def test_a_declared_grid_is_not_measured() -> None:
    """The network is not called for it."""
    model = Coarse(8)
    model.size_multiple = 24  # type: ignore[assignment]
    model.register_forward_hook(lambda *_: pytest.fail("it was called"))
    assert Network(model).alignment == 48


def test_a_network_without_a_grid_has_the_default() -> None:
    """One that uses the mean of the whole image, and one that accepts one size only."""

    class Global(nn.Module):
        def forward(self, noisy: Tensor) -> Tensor:
            return noisy - noisy.mean()

    class Fixed(nn.Module):
        def forward(self, noisy: Tensor) -> Tensor:
            return noisy.reshape(1, 3, 20, 20)

    assert Network(Global()).alignment == Network(Fixed()).alignment == 16


def test_tiles_of_an_undeclared_network_equal_the_whole(generator: torch.Generator) -> None:
    """With the default grid of 16 pixels they would differ by more than 0.1."""
    image = torch.rand(3, 150, 170, generator=generator)
    model = Coarse(32)
    whole, tiled = (
        restorekit.Denoiser(model, tile=tile, force=True, precision="float32")(image)
        for tile in (None, 40)
    )
    torch.testing.assert_close(tiled, whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_network_that_changes_its_input_does_not_change_the_image(
    channels: int, generator: torch.Generator
) -> None:
    """It gets a copy, since the image is used again to limit and blend the change."""

    class InPlace(nn.Module):
        def forward(self, noisy: Tensor) -> Tensor:
            return noisy.mul_(0.5)

    batch = torch.rand(2, channels, 16, 16, generator=generator)
    before = batch.clone()
    torch.testing.assert_close(Network(InPlace())(batch), before / 2)
    assert torch.equal(batch, before)
