"""A loaded network as a function."""

from __future__ import annotations

import pytest
import torch

import restorekit
from restorekit.networks.network import Network


@pytest.mark.parametrize(("name", "blind"), [("unet", True), ("dncnn", True), ("swift", False)])
def test_blindness(name: str, blind: bool) -> None:
    """Most networks accept sigma and ignore it."""
    assert Network(restorekit.create_model(name)).is_blind == blind


def test_channels_that_are_not_declared_are_found_out() -> None:
    """A gray picture is three equal channels, and a colour picture three gray ones."""
    gray, colour = torch.rand(2, 1, 16, 16), torch.rand(2, 3, 16, 16)
    of_colour, of_gray = torch.nn.Conv2d(3, 3, 3, padding=1), torch.nn.Conv2d(1, 1, 3, padding=1)
    network = Network(of_colour)
    with torch.no_grad():
        expected = of_colour(gray.expand(-1, 3, -1, -1)).mean(1, keepdim=True)
        torch.testing.assert_close(network(gray), expected)
        assert network.channels == 3
        torch.testing.assert_close(network(colour), of_colour(colour))
        alone = torch.cat([of_gray(colour[:, i : i + 1]) for i in range(3)], 1)
        torch.testing.assert_close(Network(of_gray)(colour), alone)


def test_a_gray_network_is_measured_with_gray_images() -> None:
    """Also if it does not declare its channels; the number is found once."""

    class Gray(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(1, 1, 5, padding=2)
            self.calls: list[int] = []

        def forward(self, noisy: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
            self.calls.append(noisy.shape[1])
            coarse = torch.nn.functional.avg_pool2d(noisy, 32).repeat_interleave(32, -1)
            coarse = coarse.repeat_interleave(32, -2)
            return (
                noisy
                + self.conv(noisy)
                + sigma
                * torch.nn.functional.pad(
                    coarse, (0, noisy.shape[-1] % 32, 0, noisy.shape[-2] % 32)
                )
            )

    model = Gray()
    network = Network(model)
    assert network.alignment == 32
    assert network.reach is not None
    assert not network.is_blind
    assert network.bytes_per_pixel > 0
    assert model.calls.count(3) == 1


def test_another_failure_of_a_network_is_raised() -> None:
    """One that has nothing to do with the channels, which stay as they are."""

    class Picky(torch.nn.Module):
        def forward(self, noisy: torch.Tensor) -> torch.Tensor:
            if noisy.shape[-1] != 64:
                raise ValueError("64 pixels only")
            return noisy

    network = Network(Picky())
    with pytest.raises(ValueError, match="64 pixels only"):
        network(torch.rand(1, 3, 16, 16))
    assert network.channels is None


def test_an_optional_level() -> None:
    """A session of another runtime always has the input, so it receives the level 0."""
    received: list[torch.Tensor] = []

    def session(noisy: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        received.append(sigma)
        return noisy

    model = restorekit.create_model("swift", size="small", optional_sigma=True)
    network = Network(model, lambda: session)
    assert network.sigma_is_optional
    assert not network.is_blind
    batch = torch.rand(2, 3, 16, 16)
    network(batch)
    network(batch, torch.full((2, 1, 1, 1), 0.1))
    assert [float(sigma.max()) for sigma in received] == pytest.approx([0.0, 0.1])
    assert not Network(restorekit.create_model("swift", size="small")).sigma_is_optional
    assert not Network(restorekit.create_model("unet", width=4)).sigma_is_optional
