"""Weights that describe themselves, and files that are refused."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from restorekit import CheckpointError, create_model, load_model, models, save_model
from restorekit.testing.subject import small_arguments
from restorekit.weights import read_card


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Weights of a small network."""
    path = tmp_path / "small.safetensors"
    save_model(create_model("dncnn", depth=3, width=4), path, {"noise": {"name": "gaussian"}})
    return path


# Those without weights have none to save.
NETWORKS = [n for n in models.names() if "classical" not in models.entry(n).component.tags]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_model_round_trips(name: str, tmp_path: Path) -> None:
    """The loaded network has the same class and gives the same results."""
    model = create_model(name, channels=1, **small_arguments(models, name)).eval()
    save_model(model, tmp_path / "w.safetensors")
    loaded = load_model(tmp_path / "w.safetensors")
    image = torch.rand(1, 1, 17, 20)
    sigma = torch.full((1, 1, 1, 1), 0.1)
    ours, theirs = model(image, sigma=sigma), loaded(image, sigma=sigma)
    assert type(loaded) is type(model)
    assert not loaded.training
    assert torch.equal(getattr(ours, "image", ours), getattr(theirs, "image", theirs))


def test_tensors_that_share_memory_are_not_written(tmp_path: Path) -> None:
    """The message names some of them, in one line."""
    layer = nn.Linear(3, 3)
    with pytest.raises(CheckpointError) as caught:
        save_model(nn.Sequential(layer, layer), tmp_path / "w.safetensors")
    message = str(caught.value)
    assert "not written, Some tensors share memory" in message
    assert "weight'" in message
    assert "\n" not in message


def test_the_card_describes_the_network(saved: Path) -> None:
    """It is one JSON string in the metadata, which every reader of safetensors can read."""
    with safe_open(saved, "pt") as file:
        card = json.loads(file.metadata()["restorekit"])
    assert card["model"] == {
        "name": "dncnn",
        "arguments": {"channels": 3, "depth": 3, "width": 4, "batch_norm": True},
        "provider": "restorekit",
        "version": card["restorekit"],
    }
    assert card["noise"] == {"name": "gaussian"}
    count = sum(p.numel() for p in load_model(saved).state_dict().values())
    assert read_card(saved)["parameters"] == count


def test_saved_files_follow_the_umask(saved: Path) -> None:
    """They have the permissions of any new file."""
    mask = os.umask(0)
    os.umask(mask)
    assert saved.stat().st_mode & 0o777 == 0o666 & ~mask


def test_weights_that_are_not_finite_are_never_written(saved: Path) -> None:
    """The existing file is unchanged."""
    before = saved.read_bytes()
    model = create_model("dncnn", depth=3, width=4)
    nn.init.constant_(next(model.parameters()), float("nan"))
    with pytest.raises(CheckpointError, match="is not finite"):
        save_model(model, saved)
    assert saved.read_bytes() == before
    assert [p.name for p in saved.parent.iterdir()] == [saved.name]


@pytest.mark.filterwarnings("ignore:`torch.jit")  # torch 2.10, of code of its own
def test_a_compiled_model_saves_as_itself(tmp_path: Path) -> None:
    """Wrappers do not change the names of the weights."""
    model = create_model("dncnn", depth=3, width=4)
    save_model(torch.compile(model), tmp_path / "w.safetensors")
    loaded = load_model(tmp_path / "w.safetensors")
    assert loaded.state_dict().keys() == model.state_dict().keys()


def test_a_pickle_is_never_executed(tmp_path: Path) -> None:
    """Neither with its own suffix nor with a false one."""

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    for name in ("weights.pth", "weights.pt", "weights.safetensors"):
        (tmp_path / name).write_bytes(pickle.dumps(Trap()))
        with pytest.raises(CheckpointError):
            load_model(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


def damaged(kind: str, saved: Path) -> Path:
    content, path = saved.read_bytes(), saved.with_name("damaged.safetensors")
    if kind == "foreign":
        save_file({"weight": torch.ones(2)}, path)
    elif kind == "no card":
        save_file({"weight": torch.ones(2)}, path, metadata={"restorekit": "not json"})
    elif kind == "newer":
        card = {"format": 99, "restorekit": "9.0", "model": {}}
        save_file({"weight": torch.ones(2)}, path, metadata={"restorekit": json.dumps(card)})
    elif kind == "plugin":
        made = {"name": "gone", "arguments": {}, "provider": "gone-plugin", "version": "1.2"}
        card = {"format": 1, "restorekit": "1", "model": made}
        save_file({"weight": torch.ones(2)}, path, metadata={"restorekit": json.dumps(card)})
    elif kind == "misfit":
        tensors = {k: v[:1].clone() for k, v in load_model(saved).state_dict().items() if v.ndim}
        with safe_open(saved, "pt") as file:
            save_file(tensors, path, metadata=file.metadata())
    elif kind == "flipped":
        path.write_bytes(content[:-50] + bytes([content[-50] ^ 1]) + content[-49:])
    elif kind == "truncated":
        path.write_bytes(content[:-50])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "folder":
        path = saved.parent / "nothing"
        path.mkdir()
    elif kind == "missing":
        pass
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("foreign", "not written by restorekit"),
        ("no card", "not written by restorekit"),
        ("newer", "written by a newer restorekit"),
        ("plugin", "'gone' comes from gone-plugin 1.2, which is not installed"),
        ("misfit", "does not fit the architecture"),
        ("flipped", "damaged, its weights differ from its checksum"),
        ("truncated", "not a complete safetensors file"),
        ("empty", "not a complete safetensors file"),
        ("folder", "no best.safetensors or last.safetensors"),
        ("missing", "no such weights file"),
    ],
)
def test_files_that_cannot_be_loaded(kind: str, message: str, saved: Path) -> None:
    """The message has the file and the cause."""
    path = damaged(kind, saved)
    with pytest.raises(CheckpointError) as caught:
        load_model(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_means_its_best_weights(saved: Path) -> None:
    """The best weights are preferred to the last."""
    last = saved.rename(saved.with_name("last.safetensors"))
    assert read_card(saved.parent)["model"]["arguments"]["depth"] == 3
    save_model(create_model("dncnn", depth=5, width=4), last.with_name("best.safetensors"))
    assert read_card(saved.parent)["model"]["arguments"]["depth"] == 5
