"""Layouts of plugins: they make checkpoints of other projects readable, and cannot break others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

import restorekit
from restorekit import RecognisedCheckpoint
from restorekit.cli.main import main
from restorekit.components.component_records import Component, Provider
from restorekit.components.kinds import layouts
from restorekit.errors import CheckpointError, PluginError
from tests.weights.published_layouts import kair_dncnn

ACME = Provider("acme", "1.0")
SIZE = {"channels": 1, "depth": 2, "width": 4, "batch_norm": False}


class Acme:
    """Our DnCNN with other names: "acme.0.w" for "layers.0.weight"."""

    keys = "acme.0.w, acme.0.b"

    def __call__(self, state: Mapping[str, Tensor]) -> RecognisedCheckpoint | None:
        if not all(key.startswith("acme.") for key in state):
            return None
        words = {"w": "weight", "b": "bias"}
        tensors = {}
        for key, tensor in state.items():
            _, number, word = key.split(".")
            tensors[f"layers.{number}.{words[word]}"] = tensor
        return RecognisedCheckpoint("dncnn", SIZE, tensors)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint of that layout, wrapped as trainers do; layouts of a test are forgotten."""
    torch.manual_seed(0)
    layouts.names()
    monkeypatch.setattr(layouts, "_entries", dict(layouts._entries))
    monkeypatch.chdir(tmp_path)
    state = {
        key.replace("layers", "net.acme").replace("weight", "w").replace("bias", "b"): tensor
        for key, tensor in restorekit.create_model("dncnn", **SIZE).state_dict().items()
    }
    torch.save({"state_dict": state}, tmp_path / "x.pth")
    return tmp_path / "x.pth"


def add(target: object, name: str = "acme") -> None:
    layouts.add(Component(name, target, "Acme's DnCNN"), ACME)  # type: ignore[arg-type]


@torch.no_grad()
def test_a_plugin_makes_a_checkpoint_readable(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For `load_model`, `denoise -m` and `convert`; its card names the layout."""
    with pytest.raises(CheckpointError, match=r"layout is unknown: it has net\.acme\.0\.w"):
        restorekit.load_model(file)
    add(Acme)
    torch.manual_seed(0)
    original, noisy = restorekit.create_model("dncnn", **SIZE).eval(), torch.rand(1, 1, 12, 12)
    assert torch.equal(restorekit.load_model(file)(noisy), original(noisy))
    assert restorekit.denoise(noisy, file).shape == noisy.shape
    assert main(["convert", "x.pth", "x.safetensors", "--license", "MIT"]) == 0
    assert "from Acme's DnCNN" in capsys.readouterr().out
    assert restorekit.read_card("x.safetensors")["source"]["layout"] == "Acme's DnCNN"


def test_an_unknown_layout_names_the_nearest(file: Path) -> None:
    """Those of plugins too, in one line, with the keys that were found."""
    add(Acme)
    torch.save({"acne.0.w": torch.ones(1), "other": torch.ones(2, 3)}, file)
    with pytest.raises(CheckpointError) as caught:
        restorekit.load_model(file)
    message = str(caught.value)
    assert "it has acne.0.w (1,), other (2, 3)" in message
    assert "the nearest known layout is Acme's DnCNN (acme.0.w, acme.0.b, ..), then " in message


def test_built_in_layouts_go_first(file: Path) -> None:
    """A plugin that takes any keys does not change what is recognised without it."""
    add(lambda: lambda state: RecognisedCheckpoint("unet", {}, state), "greedy")
    torch.save(kair_dncnn(1)[0], file)
    assert restorekit.read_card(file)["model"]["name"] == "dncnn"


def test_faults_of_a_layout_name_its_plugin(file: Path) -> None:
    """One that cannot be created is passed over; one that fails or returns nonsense is an error."""

    def fail(state: Mapping[str, Tensor]) -> None:
        raise KeyError("w")

    add("no_such_module:Layout", "a_broken_one")
    add(Acme)
    restorekit.load_model(file)
    layouts.add(Component("acme", lambda: fail), ACME, override=True)
    with pytest.raises(PluginError, match=r"x\.pth: layout 'acme' of acme 1\.0 raised KeyError"):
        restorekit.load_model(file)
    layouts.add(Component("acme", lambda: lambda state: 7), ACME, override=True)
    with pytest.raises(PluginError, match="returned 7, not a RecognisedCheckpoint"):
        restorekit.load_model(file)
    layouts.add(Component("acme", lambda: lambda state: None), ACME, override=True)
    with pytest.raises(
        CheckpointError, match=r"\(failed: layout 'a_broken_one' of acme 1\.0 cannot"
    ):
        restorekit.load_model(file)


def test_a_pickle_is_refused_before_any_layout(file: Path) -> None:
    """Layouts only get tensors, never objects."""
    add(lambda: lambda state: pytest.fail("called"), "spy")
    torch.save(torch.nn.Identity(), file)
    with pytest.raises(CheckpointError, match=r"a pickle that contains torch\.nn"):
        restorekit.load_model(file)
