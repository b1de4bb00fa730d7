"""Checkpoints that are refused: pickles, damaged files and unknown layouts."""

from __future__ import annotations

import argparse
import gzip
import json
import os
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from restorekit import CheckpointError, create_model, load_model, save_model
from restorekit.weights import convert
from tests.weights.published_layouts import (
    State,
    deepinv,
    kair_dncnn,
    named,
    saoyan,
    stack,
)


class Module(nn.Module):
    """A network that was pickled as an object."""


def trap(folder: Path) -> Any:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(folder / "sprung"),)

    return Trap()


def refused(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        load_model(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def test_pickles_are_refused_with_the_reason(tmp_path: Path) -> None:
    """A module, a training state with foreign objects, and a harmful one: the message names why."""
    path = tmp_path / "net.pth"
    torch.save(Module(), path)
    assert f"a pickle that contains {__name__}.Module, not only tensors" in refused(path)
    torch.save({"state_dict": kair_dncnn(1)[0], "args": argparse.Namespace()}, path)
    assert "contains argparse.Namespace" in refused(path)
    torch.save(trap(tmp_path), path)
    assert "mkdir" in refused(path)
    path.write_bytes(pickle.dumps(trap(tmp_path)))
    refused(path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_a_torchscript_archive_is_refused(tmp_path: Path) -> None:
    """It is a program, and torch's advice to load it as one is not repeated."""
    torch.jit.trace(nn.Conv2d(1, 1, 3), torch.ones(1, 1, 8, 8)).save(str(tmp_path / "net.pth"))
    message = refused(tmp_path / "net.pth")
    assert "a TorchScript archive, which contains a program" in message
    assert "weights_only" not in message


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ({"a": {"dtype": "XX", "shape": [1], "data_offsets": [0, 4]}}, "unknown type 'XX'"),
        (
            {"a": {"dtype": "F32", "shape": [5], "data_offsets": [0, 4]}},
            "differs from the number of its bytes",
        ),
        (
            {"a": {"dtype": "F32", "shape": [1], "data_offsets": [2, 4]}},
            "differs from the number of its bytes",
        ),
        (
            {"__metadata__": None},
            "not a complete safetensors file (its header is not a JSON object)",
        ),
        ([1], "not a complete safetensors file (its header is not a JSON object)"),
        ({}, "has no tensors"),
    ],
)
def test_damaged_safetensors_are_reported(head: Any, told: str, tmp_path: Path) -> None:
    """Files of the right length whose header is wrong."""
    written = json.dumps(head).encode()
    body = b"0000" if "a" in head else b""
    path = tmp_path / "net.safetensors"
    path.write_bytes(struct.pack("<Q", len(written)) + written + body)
    assert told in refused(path)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ({"name": "dncnn"}, "does not say which architecture"),
        ({"name": None}, "does not say which architecture"),
        ({"name": 7, "arguments": {}}, "does not say which architecture"),
        ({"name": "dncnn", "arguments": [1]}, "does not say which architecture"),
        ({"name": "nobody_s", "arguments": {}}, "'nobody_s' comes from a plugin, which is not"),
        ({"name": "dncnn", "arguments": {"wide": 1}}, "unknown argument 'wide'. Did you mean 'w"),
    ],
)
def test_cards_without_an_architecture(made: Any, told: str, tmp_path: Path) -> None:
    """Of another program or version; the message names the file."""
    card = json.dumps({"format": 1, "model": made})
    save_file({"a": torch.ones(1)}, tmp_path / "a.safetensors", metadata={"restorekit": card})
    assert told in refused(tmp_path / "a.safetensors")


def without(state: Mapping[str, Tensor], key: str) -> State:
    return {k: v for k, v in state.items() if k != key}


def drop(state: Mapping[str, Tensor], *layers: str) -> State:
    return {k: v for k, v in state.items() if not k.startswith(layers)}


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (
            {"conv.weight": torch.ones(4, 1, 3, 3)},
            "its layout is unknown: it has conv.weight (4, 1,",
        ),
        ({"in_conv.weights": torch.ones(1)}, "the nearest known layout is deepinv's DnCNN"),
        (
            named(stack(3, 4, 4, 1), "model"),
            "it has 3 input and 1 output channels; DnCNN has equal",
        ),
        (named(nn.Sequential(nn.Linear(4, 4)), "model"), "it has model.0.weight (4, 4), model.0.b"),
        (
            named(nn.Sequential(nn.PReLU()), "model"),
            "its layout is unknown: it has model.0.weight (1",
        ),
        (
            named(nn.Sequential(nn.Conv2d(1, 1, 5)), "model"),
            "not those of a stack of 3x3 convolutions: (1, 1",
        ),
        (without(deepinv(1)[0], "out_conv.weight"), "nearest known layout is deepinv's DnCNN"),
        (without(saoyan(1)[0], "module.dncnn.3.running_var"), "its layout is unknown"),
        (
            {**named(stack(1, 4, 1), "model"), "model.0.bias": torch.ones(9)},
            "KAIR's DnCNN, but the shape of 'model.0.bias' is (9,), not (4,)",
        ),
        (named(stack(1, 8, 4, 1), "dncnn"), "but its layers have different widths"),
        (named(stack(5, 8, 8, 8), "intermediate_dncnn.itermediate_dncnn"), "FFDNet needs 5"),
        (without(named(stack(1, 4, 4, 1), "model"), "model.2.weight"), "its layout is unknown"),
        (
            drop(named(stack(1, *[4] * 5, 1), "model"), "model.4."),
            "between 'model.2' and 'model.6'",
        ),
        (drop(named(stack(1, *[4] * 5, 1), "model"), "model.0."), "another kind, before 'model.2'"),
        (drop(saoyan(1)[0], "module.dncnn.2.", "module.dncnn.3."), "'dncnn.0' and 'dncnn.5'"),
        (drop(kair_dncnn(1, norm=True)[0], "model.2."), "between 'model.0' and 'model.3'"),
        (drop(kair_dncnn(1, norm=True)[0], "model.3."), "between 'model.2' and 'model.5'"),
        (drop(deepinv(1)[0], "conv_list.0."), "layer 'conv_list.0' is missing"),
        (without(kair_dncnn(1)[0], "model.2.bias"), "have a bias or a batch normalisation"),
        ({k: v.to_sparse() for k, v in kair_dncnn(1)[0].items()}, "has no plain real numbers in"),
        ({k: v.to(torch.int8) for k, v in kair_dncnn(1)[0].items()}, "no plain real numbers in"),
        ({k: v + 0j for k, v in kair_dncnn(1)[0].items()}, "has no plain real numbers in layers.0"),
        ({}, "has no state dict"),
        (torch.ones(3), "has no state dict"),
        ({"epoch": 3}, "has no state dict"),
        ([torch.ones(3)], "has no state dict"),
    ],
)
@pytest.mark.filterwarnings("ignore:Validating sparse tensor")  # torch's own, of a slow file
def test_unknown_layouts_are_reported(held: Any, told: str, tmp_path: Path) -> None:
    """The message states what was found, what is missing, and the nearest known layout."""
    torch.save(held, tmp_path / "net.pth")
    assert told in refused(tmp_path / "net.pth")


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04junk", b"\x80\x02junk"])
def test_damaged_files_are_reported(content: bytes, tmp_path: Path) -> None:
    """The message is one line for any content."""
    (tmp_path / "net.pth").write_bytes(content)
    assert "checkpoint" in refused(tmp_path / "net.pth")


PAGE = b"\n<!DOCTYPE html>\n<html><body>404</body></html>"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is an empty file"),
        (bytes(3000), "it is a file of zeros"),
        (PAGE, "it is a web page saved under this name"),
        (POINTER, "it is a Git LFS pointer; 'git lfs pull'"),
        (gzip.compress(bytes(3000), mtime=0), "it is a gzip archive; unpack it first"),
        (b"Not found: the link has expired.", "it is a text that begins with 'Not found: the lin"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "it is a picture"),
        (b"\x93NUMPY\x01\0v\0{'descr': '<f8'", "it is a NumPy array"),
    ],
)
def test_files_of_other_kinds_are_named(
    content: bytes, told: str, suffix: str, tmp_path: Path
) -> None:
    """Failed downloads and files of other kinds are named."""
    path = tmp_path / f"net.{suffix}"
    path.write_bytes(content)
    assert told in refused(path)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.999])
@pytest.mark.parametrize("form", ["zip", "pickle", "safetensors"])
def test_truncated_files(form: str, share: float, tmp_path: Path) -> None:
    """Wherever a file is cut off, the message says so in words, and advises nothing dangerous."""
    path = tmp_path / ("net.safetensors" if form == "safetensors" else "net.pth")
    if form == "safetensors":
        save_file(kair_dncnn(1)[0], path)
    else:
        torch.save(kair_dncnn(1)[0], path, _use_new_zipfile_serialization=form == "zip")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    message = refused(path)
    words = ("truncated", "ends too early", "cut off", "by its header it should have")
    assert any(each in message for each in words), message
    assert "weights_only" not in message
    assert "()" not in message


def test_archives_of_other_programs(tmp_path: Path) -> None:
    """Torch advises to execute tar files, which it takes for its oldest format."""
    with zipfile.ZipFile(tmp_path / "zip.pth", "w") as archive:
        archive.writestr("readme.txt", "text")
    assert "it is a zip archive that torch.save did not write" in refused(tmp_path / "zip.pth")
    with tarfile.open(tmp_path / "tar.pth", "w") as tar:
        tar.add(tmp_path / "zip.pth", "net.pth")
    assert "it is a tar archive; unpack it first" in refused(tmp_path / "tar.pth")


def test_our_own_weights_need_no_conversion(tmp_path: Path) -> None:
    """The message says so, and no file is written for a bad source."""
    save_model(create_model("dncnn", depth=2, width=4), tmp_path / "own.safetensors")
    with pytest.raises(CheckpointError, match="already a weights file"):
        convert(tmp_path / "own.safetensors", tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()
