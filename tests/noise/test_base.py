"""The base class of noises."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from restorekit.components.kinds import noises
from restorekit.errors import InputError
from restorekit.noise.base import Noise
from restorekit.noise.parameters import Draws
from restorekit.records import Degraded


class Shift(Noise):
    """Adds a different constant to each sample."""

    def __init__(self, by: tuple[float, float] = (0.2, 0.8), clip: bool = False) -> None:
        super().__init__()
        self.by, self.clip = by, clip

    def corrupt(self, clean: Tensor, draw: Draws) -> Degraded:
        """The shift is also what it reports as sigma."""
        by = draw.parameter(self.by)
        return Degraded(clean + by, by)


class GrayOnly(Noise):
    """A tensor is enough where sigma is unknown."""

    takes_channels = (1,)

    def corrupt(self, clean: Tensor, draw: Draws) -> Tensor:
        """Does nothing."""
        return clean


def generator() -> torch.Generator:
    """A generator of a fixed seed."""
    return torch.Generator().manual_seed(3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_result_has_the_type_of_the_batch(dtype: torch.dtype) -> None:
    """Also if it is computed in float32."""
    degraded = Shift()(torch.zeros(4, 3, 2, 2, dtype=dtype), generator())
    assert degraded.noisy.dtype == dtype
    assert degraded.sigma is not None
    assert degraded.sigma.dtype == dtype
    assert degraded.sigma.shape == (4, 1, 1, 1)
    assert torch.equal(degraded.noisy, degraded.sigma.expand(4, 3, 2, 2))
    assert len(degraded.sigma.unique()) == 4


def test_clip_limits_the_values_and_not_the_sigma() -> None:
    """Sigma is that of the noise before clipping."""
    clean = torch.full((4, 1, 2, 2), 0.9)
    clipped, free = Shift(clip=True)(clean, generator()), Shift()(clean, generator())
    assert torch.equal(clipped.noisy, free.noisy.clamp(0, 1))
    assert clipped.sigma is not None
    assert free.sigma is not None
    assert torch.equal(clipped.sigma, free.sigma)


def test_what_it_prints_are_its_arguments() -> None:
    """By name, in the order of the constructor."""
    assert repr(Shift((0.1, 0.2), clip=True)) == "Shift(by=(0.1, 0.2), clip=True)"
    assert repr(GrayOnly()) == "GrayOnly()"


def test_unsuitable_batches_are_refused() -> None:
    """Batches of a wrong shape, type or number of channels."""
    with pytest.raises(InputError, match=r"GrayOnly noise is for 1 channels, got 3"):
        GrayOnly()(torch.zeros(1, 3, 4, 4))
    with pytest.raises(InputError, match=r"needs a batch"):
        GrayOnly()(torch.zeros(3, 4, 4))
    with pytest.raises(InputError, match=r"floating point"):
        GrayOnly()(torch.zeros(1, 1, 4, 4, dtype=torch.uint8))
    assert GrayOnly()(torch.zeros(1, 1, 4, 4)).sigma is None


def test_noises_without_the_base_class_can_be_mixed_with_it() -> None:
    """A module of a plugin, with any return type, in a chain and a mixture."""

    class Foreign(torch.nn.Module):
        def forward(self, clean: Tensor) -> Tensor:
            return clean + 0.25

    for made in (
        noises.create("chain", noises=[Foreign(), Shift()]),
        noises.create("one_of", noises=[Foreign(), Shift()]),
        noises.create("luminance", noise=Foreign()),
    ):
        noisy = made(torch.zeros(8, 3, 2, 2), generator()).noisy
        assert noisy.shape == (8, 3, 2, 2)
        assert bool((noisy > 0.1).all())
