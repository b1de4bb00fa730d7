"""Models with trained weights by the name of their architecture."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import restorekit
from restorekit.components.component_records import Component, Provider
from restorekit.components.kinds import models, weights
from restorekit.components.pretrained_weights import PretrainedWeights
from restorekit.errors import ArgumentError, CheckpointError, UnknownNameError

ACME = Provider("acme", "1.0")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder; what a test declares is forgotten after it."""
    for each in (models, weights):
        each.names()
        monkeypatch.setattr(each, "_entries", dict(each._entries))
    return tmp_path


def declare(folder: Path, name: str, channels: int = 3, *, default: bool = False) -> Path:
    file = folder / f"{name}.safetensors"
    model = restorekit.create_model("dncnn", channels=channels, depth=2, width=4)
    restorekit.save_model(model, file)
    weights.add(PretrainedWeights(name, file, default=default), ACME)
    return file


@pytest.mark.parametrize("pretrained", [True, "swift-photo"])
def test_a_bundled_network_by_its_architecture(pretrained: bool | str) -> None:
    """It has the weights of the file, and is ready for use."""
    model = restorekit.create_model("swift", pretrained=pretrained)
    stored = load_file(restorekit.find_weights("swift-photo"))
    state = model.state_dict()
    assert state.keys() == stored.keys()
    assert all(torch.equal(state[key], stored[key].to(state[key])) for key in stored)
    assert not model.training


def test_any_weights_can_be_given(folder: Path) -> None:
    """A file, a folder by its scheme, or a name; False gives a new network."""
    file = declare(folder, "acme-gray", channels=1)
    for given in (str(file), f"local-dir:{folder}", "acme-gray"):
        assert restorekit.create_model("dncnn", pretrained=given).channels == 1
    assert restorekit.create_model("dncnn", pretrained=False, depth=3, width=4).training


def test_the_default_of_an_architecture(folder: Path) -> None:
    """The only weights, or the declared default; otherwise all are named."""
    with pytest.raises(CheckpointError, match=r"no trained weights\. Models that have: "):
        restorekit.create_model("dncnn", pretrained=True)
    declare(folder, "acme-gray", channels=1)
    assert restorekit.create_model("dncnn", pretrained=True).channels == 1
    declare(folder, "acme-colour")
    with pytest.raises(CheckpointError, match="name one: acme-colour, acme-gray"):
        restorekit.create_model("dncnn", pretrained=True)
    declare(folder, "acme-best", default=True)
    assert restorekit.create_model("dncnn", pretrained=True).channels == 3


def test_a_wrong_declaration_blocks_no_other_architecture(folder: Path) -> None:
    """It is an error only if it is chosen."""
    declare(folder, "acme-gone", default=True).unlink()
    assert restorekit.create_model("swift", pretrained=True).channels == 3
    declare(folder, "acme-gray", channels=1)
    assert restorekit.create_model("dncnn", pretrained=True).channels == 1
    changed = PretrainedWeights("acme-changed", folder / "acme-gray.safetensors", size=7)
    weights.add(replace(changed, default=True), ACME)
    with pytest.raises(CheckpointError, match=r"'acme-changed' of acme 1\.0: .* bytes, not 7"):
        restorekit.create_model("dncnn", pretrained=True)
    with pytest.raises(CheckpointError, match=r"'acme-gone' of acme 1\.0: .* is missing"):
        restorekit.create_model("dncnn", pretrained="acme-gone")


def test_arguments_must_agree_with_the_weights(folder: Path) -> None:
    """The same value is accepted; another one, or an unknown argument, is not."""
    declare(folder, "acme-gray", channels=1)
    create = restorekit.create_model
    assert create("dncnn", pretrained="acme-gray", channels=1, depth=2).channels == 1
    with pytest.raises(ArgumentError, match="weights 'acme-gray' have channels=1, not 3"):
        create("dncnn", pretrained="acme-gray", channels=3)
    with pytest.raises(ArgumentError, match=r"argument 'chanels'\. Did you mean"):
        create("dncnn", pretrained="acme-gray", chanels=1)
    with pytest.raises(ArgumentError, match="weights 'acme-gray' are of 'dncnn'"):
        create("unet", pretrained="acme-gray")
    with pytest.raises(UnknownNameError, match="Did you mean 'dncnn'"):
        create("dncn", pretrained="acme-gray")


def test_an_argument_of_the_model_goes_first(folder: Path) -> None:
    """A model with an argument `pretrained` of its own gets it."""

    class Own(torch.nn.Identity):
        def __init__(self, pretrained: str = "") -> None:
            super().__init__()
            self.given = pretrained

    models.add(Component("own", Own), ACME)
    assert restorekit.create_model("own", pretrained="download").given == "download"
    assert restorekit.create_model("own").given == ""


def test_a_card_cannot_load_another_file(folder: Path) -> None:
    """`pretrained` in the arguments of a card is an unknown argument, like any other."""
    card = {"format": 1, "model": {"name": "dncnn", "arguments": {"pretrained": "swift-photo"}}}
    metadata = {"restorekit": json.dumps(card)}
    save_file({"a": torch.ones(1)}, folder / "a.safetensors", metadata=metadata)
    with pytest.raises(CheckpointError, match="unknown argument 'pretrained'"):
        restorekit.load_model(folder / "a.safetensors")


def test_models_with_trained_weights_are_listed(folder: Path) -> None:
    """Also by pattern and tag, which limit the list further."""
    assert restorekit.list_models(pretrained=True) == ["swift"]
    declare(folder, "acme-gray", channels=1)
    assert restorekit.list_models(pretrained=True) == ["dncnn", "swift"]
    assert restorekit.list_models("*net", pretrained=True) == []
    assert restorekit.list_models(tag="multiscale", pretrained=True) == ["swift"]
    assert restorekit.list_models("une*", tag="multiscale") == ["unet"]
