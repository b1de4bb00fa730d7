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
