"""A network by name, file or module, with its card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from restorekit import create_model, save_model
from restorekit.networks.loading import load_with_card


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
