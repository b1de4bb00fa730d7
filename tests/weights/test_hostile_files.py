"""Hostile weights files give one line each, and take no memory."""

from __future__ import annotations

import json
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from restorekit import create_model, load_model, save_model
from restorekit.errors import CheckpointError
from restorekit.weights import read_card
from restorekit.weights.safetensors_header import KEY, read_header

Entry = dict[str, Any]


def write(path: Path, header: Any, body: bytes = b"") -> Path:
    """A safetensors file with the given header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return path


def entry(kind: Any = "F32", shape: Any = (1,), offsets: Any = (0, 4)) -> dict[str, Entry]:
    """A header of one tensor."""
    return {"a": {"dtype": kind, "shape": shape, "data_offsets": offsets}}


@pytest.fixture
def refused(tmp_path: Path) -> Callable[[Path], str]:
    """The message of every function that reads the file."""

    def refused(path: Path) -> str:
        lines = []
        for read in (read_card, load_model):
            with pytest.raises(CheckpointError) as caught:
                read(path)
            lines.append(str(caught.value))
        assert all(len(line) <= 1000 and line.startswith(str(path)) for line in lines)
        return lines[0]

    return refused


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (entry(offsets=[]), "not lists of whole numbers"),
        (entry(offsets=[4]), "not lists of whole numbers"),
        (entry(offsets=[4, 0]), "differs from the number of its bytes"),
        (entry(offsets=[-4, 0]), "not lists of whole numbers"),
        (entry(offsets=[0, 4.0]), "not lists of whole numbers"),
        (entry(offsets=[False, 4]), "not lists of whole numbers"),
        (entry(offsets=["0", "4"]), "not lists of whole numbers"),
        (entry(offsets={"0": 0, "1": 4}), "not lists of whole numbers"),
        (entry(offsets=None), "not lists of whole numbers"),
        (entry(offsets=[0, 10**30]), "64 bits"),
        (entry(shape=3), "not lists of whole numbers"),
        (entry(shape=[-1]), "not lists of whole numbers"),
        (entry(shape=[10**18, 10**18]), "differs from the number of its bytes"),
        (entry(shape=[None]), "not lists of whole numbers"),
        (entry(kind="XX"), "unknown type 'XX'"),
        (entry(kind=None), "unknown type None"),
        (entry(kind=["F32"]), "unknown type"),
        ({"a": 3}, "no dtype, shape and data_offsets"),
        ({"a": {"dtype": "F32"}}, "no dtype, shape and data_offsets"),
        ({**entry(), "b": entry()["a"]}, "overlap"),
        ({"a" * 200_000: 3}, "no dtype"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": ' + b"9" * 5000 + b"}", "digits"),
        (b"[" * 100_000, "nested"),
        (b"\xff\xfe{\0}\0", "utf-8"),
        ({"__metadata__": [1]}, "not a JSON object"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "",
)
def test_headers(tmp_path: Path, refused: Callable[[Path], str], header: Any, message: str) -> None:
    """Wrong types in place of a number, a list or an object."""
    assert message in refused(write(tmp_path / "net.safetensors", header, b"0000"))


def test_valid_headers(tmp_path: Path) -> None:
    """No tensors, empty tensors, scalars, and other metadata."""
    header = {
        "__metadata__": {"format": "pt", "odd": 3},
        "none": {"dtype": "F16", "shape": [0, 5], "data_offsets": [0, 0]},
        "one": {"dtype": "BF16", "shape": [], "data_offsets": [0, 2]},
    }
    found = read_header(write(tmp_path / "net.safetensors", header, b"00"))
    assert found.shapes == {"none": (0, 5), "one": ()}
    assert found.metadata == {"format": "pt"}


@pytest.fixture
def claiming(tmp_path: Path) -> Callable[..., Path]:
    """A small file whose card names a larger network."""

    def claiming(model: Any) -> Path:
        path = tmp_path / "net.safetensors"
        save_model(create_model("dncnn", depth=2, width=4), path, {"model": model})
        return path

    return claiming


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("dncnn", {"width": 10**9}),
        ("dncnn", {"width": 10**30}),
        ("dncnn", {"depth": 10**4}),
        ("dncnn", {"depth": 10**9, "width": 1}),
        ("dncnn", {"channels": 2**62}),
        ("unet", {"depth": 2000}),
        ("unet", {"depth": 16, "width": 1}),
        ("vae", {"depth": 10**12}),
        ("vae", {"latent_channels": 10**12}),
        ("ffdnet", {"width": 30_000}),
        ("swift", {"channels": 10**8}),
    ],
)
def test_a_card_that_claims_more_than_the_file_holds(
    claiming: Callable[..., Path], name: str, arguments: Any
) -> None:
    """It is refused before the network is built."""
    path = claiming({"name": name, "arguments": arguments})
    tracemalloc.start()
    with pytest.raises(CheckpointError, match=r"net\.safetensors: .*"):
        load_model(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6


@pytest.mark.parametrize(
    "model",
    [
        None, 3, [], {}, {"name": 3}, {"name": "dncnn"}, {"name": "dncnn", "arguments": []},
        {"name": None}, {"name": "dncnn", "arguments": {"depth": [[[1]]]}},
        {"name": "dncnn", "arguments": {"self": 1}}, {"name": "x" * 200_000, "arguments": {}},
        {"name": "median", "arguments": {}}, {"name": "dncnn", "arguments": {"depth": "deep"}},
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_unusable_cards(claiming: Callable[..., Path], model: Any) -> None:
    """Wrong types in place of the architecture."""
    with pytest.raises(CheckpointError, match=r"net\.safetensors: ") as caught:
        load_model(claiming(model))
    assert len(str(caught.value)) <= 1000


@pytest.mark.parametrize("card", ["[" * 100_000, '{"format": 1e999}', '{"model": ' + "9" * 5000])
def test_cards_that_are_hard_to_read(
    tmp_path: Path, refused: Callable[[Path], str], card: str
) -> None:
    """Deep, endless or not JSON."""
    refused(write(tmp_path / "net.safetensors", {"__metadata__": {KEY: card}}))


def test_a_card_with_a_loss_that_was_not_finite(tmp_path: Path) -> None:
    """Python writes NaN and infinity, which JSON lacks; older cards may contain them."""
    path = tmp_path / "net.safetensors"
    card = {"metrics": {"psnr": float("inf"), "loss": float("nan")}}
    save_model(create_model("dncnn", depth=2, width=1), path, card)
    assert read_card(path)["metrics"]["psnr"] == float("inf")


def repeated() -> torch.Tensor:
    """One number that is expanded to 10^12."""
    return torch.ones(1).expand(10**12)


@pytest.mark.filterwarnings("ignore:.*sparse")  # torch warns that it checks them
@pytest.mark.parametrize(
    "tensor",
    [repeated(), torch.ones(2, device="meta"), torch.ones(2).to_sparse()],
    ids=["repeated", "meta", "sparse"],
)
def test_tensors_without_numbers(
    tmp_path: Path, refused: Callable[[Path], str], tensor: torch.Tensor
) -> None:
    """They take no space in the file, but would take it in memory."""
    torch.save({"model.0.weight": tensor}, tmp_path / "net.pth")
    assert "has no plain real numbers in model.0.weight" in refused(tmp_path / "net.pth")


@pytest.mark.filterwarnings("ignore:Detected pickle protocol 4")
@pytest.mark.parametrize("zipped", [True, False])
def test_another_protocol(tmp_path: Path, refused: Callable[[Path], str], zipped: bool) -> None:
    """torch's safe reader supports only protocol 2; the file is not reported as damaged."""
    path = tmp_path / "net.pth"
    state = {"model.0.weight": torch.zeros(2)}
    torch.save(state, path, pickle_protocol=4, _use_new_zipfile_serialization=zipped)
    assert "a pickle of a newer protocol" in refused(path)


def test_a_zip_bomb(tmp_path: Path, refused: Callable[[Path], str]) -> None:
    """It is not unpacked."""
    torch.save({"model.0.weight": torch.zeros(15_000_000)}, tmp_path / "whole.pth")
    with (
        zipfile.ZipFile(tmp_path / "whole.pth") as whole,
        zipfile.ZipFile(tmp_path / "net.pth", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in whole.namelist():
            packed.writestr(name, whole.read(name))
    assert "would unpack to 60 MB" in refused(tmp_path / "net.pth")


def nested_pickle(depth: int) -> bytes:
    """Deeply nested lists, made without recursion."""
    return b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b"."


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x02.",
        b"PK\x03\x04",
        nested_pickle(100_000),
        pickle.dumps({"model.0.weight": [1, 2]}),
        pickle.dumps(10**5000),
        b"\x80\x02X\xff\xff\xff\x7f.",
        b"\x80\x04\x8e" + b"\xff" * 8 + b".",
    ],
)
def test_pickles(tmp_path: Path, refused: Callable[[Path], str], content: bytes) -> None:
    """Empty, truncated, deep, or with a length beyond the file."""
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    refused(path)
