"""A network by name, file or module, with its card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from restorekit import CheckpointError, Denoiser, create_model, load_model, save_model
from restorekit.components.component_records import Component, Provider
from restorekit.components.kinds import models
from restorekit.evaluate.model_identity import identify_model
from restorekit.networks.loading import load_network, load_with_card


class Halved(torch.nn.Module):
    """A network with a weight that it knows without a file."""

    channels = 3

    def __init__(self, ready: bool = True) -> None:
        super().__init__()
        self.brings_weights = ready
        self.scale = torch.nn.Parameter(torch.tensor(0.5))

    def forward(self, noisy: torch.Tensor) -> torch.Tensor:
        return noisy * self.scale


@pytest.fixture
def halved(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is registered as "halved" during a test."""
    models.names()
    monkeypatch.setattr(models, "_entries", dict(models._entries))
    models.add(Component("halved", Halved), Provider("acme", "1.0"))


def test_the_card_of_a_file_is_what_it_says_of_itself(tmp_path: Path) -> None:
    """With the fields that the run has written."""
    model = create_model("dncnn", depth=3, width=4, batch_norm=False)
    save_model(model, tmp_path / "net.safetensors", {"noise": {"name": "gaussian"}})
    network, card = load_with_card(tmp_path / "net.safetensors")
    assert sum(p.numel() for p in network.parameters()) == card["parameters"]
    assert (card["model"]["name"], card["noise"]) == ("dncnn", {"name": "gaussian"})


def test_the_card_of_a_model_without_weights_is_its_name_and_arguments() -> None:
    """Arguments may follow the name."""
    network: Any
    network, card = load_with_card("median:size=5")
    assert network.size == 5
    assert (card["model"]["name"], card["model"]["arguments"]["size"]) == ("median", 5)


def test_a_module_is_not_touched() -> None:
    """The same object is returned, and its card names its origin."""
    model = create_model("dncnn", depth=3, width=4).double()
    network, card = load_with_card(model)
    assert network is model
    assert card["model"]["arguments"]["depth"] == 3


@torch.no_grad()
def test_a_model_that_brings_its_own_weights_is_used_by_name(halved: None) -> None:
    """Without a file, as those without weights; a benchmark records the digest of its weights."""
    network, card = load_with_card("halved")
    noisy = torch.ones(1, 3, 16, 16)
    assert float(network(noisy).mean()) == 0.5
    assert card == {"model": card["model"]}
    assert card["model"]["name"] == "halved"
    assert float(Denoiser("halved", force=True)(noisy).mean()) == pytest.approx(0.5)
    assert identify_model("halved", load_network("halved", "cpu")).weights
    with pytest.raises(CheckpointError, match="'halved' is a model that brings its own weights"):
        load_model("halved")


@torch.no_grad()
def test_one_that_says_that_it_has_none_needs_a_file(halved: None, tmp_path: Path) -> None:
    """The attribute may depend on the arguments; a file goes before what a model brings."""
    with pytest.raises(CheckpointError, match="weights"):
        load_network("halved:ready=false", "cpu")
    model: Any = create_model("halved")
    model.scale.data.fill_(0.25)
    save_model(model, tmp_path / "halved.safetensors")
    network, card = load_with_card(tmp_path / "halved.safetensors")
    assert float(network(torch.ones(1, 3, 4, 4)).mean()) == 0.25
    assert card["parameters"] == 1
