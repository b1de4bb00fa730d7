"""STL-10 and CIFAR-100, on miniature archives in the real file formats."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import struct
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.datasets as published

from restorekit.components.kinds import datasets
from restorekit.data.torchvision_sets import CIFAR100, STL10
from restorekit.errors import ArgumentError, DataError

STL10_COUNTS = {"train": 3, "test": 2, "unlabeled": 4}


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


class Python2Pickler(pickle._Pickler):  # type: ignore[name-defined, misc]
    """Writes strings and bytes as byte strings of Python 2, like the real files."""

    dispatch = dict(pickle._Pickler.dispatch)  # type: ignore[attr-defined]  # noqa: RUF012

    def save_string(self, text: str | bytes) -> None:
        content = text.encode("latin1") if isinstance(text, str) else text
        self.write(b"T" + struct.pack("<i", len(content)) + content)

    dispatch[str] = dispatch[bytes] = save_string


def python2_pickle(thing: object) -> bytes:
    """A pickle as written by Python 2 and numpy 1."""
    file = io.BytesIO()
    Python2Pickler(file, protocol=2).dump(thing)
    return file.getvalue().replace(b"numpy._core.", b"numpy.core.")


def resum(monkeypatch: pytest.MonkeyPatch, source: Any, folder: Path) -> None:
    """Replace torchvision's published checksums by those of the files in a folder."""
    for attribute in ("train_list", "test_list"):
        sums = [
            [name, md5((folder / name).read_bytes())]
            if (folder / name).exists()
            else [name, md5(b"")]
            for name, _ in getattr(source, attribute)
        ]
        monkeypatch.setattr(source, attribute, sums)


@pytest.fixture
def stl10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray[Any, Any]]:
    """A few STL-10 pictures on disk as `root`, and in memory as (N, H, W, C) by split."""
    folder = tmp_path / "stl10_binary"
    folder.mkdir()
    pictures = {}
    for seed, (part, count) in enumerate(STL10_COUNTS.items()):
        random = np.random.default_rng(seed)
        pictures[part] = random.integers(0, 256, (count, 96, 96, 3), np.uint8)
        # The format: channel by channel, in each of them column by column.
        (folder / f"{part}_X.bin").write_bytes(pictures[part].transpose(0, 3, 2, 1).tobytes())
        if part != "unlabeled":
            (folder / f"{part}_y.bin").write_bytes(bytes(range(1, count + 1)))
    (folder / "fold_indices.txt").write_text("0 1\n" * 10)
    resum(monkeypatch, published.STL10, folder)
    return pictures


@pytest.fixture
def cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray[Any, Any]]:
    """A few CIFAR-100 pictures on disk as `root`, and in memory as (N, H, W, C) by split."""
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    pictures = {}
    for seed, (part, count) in enumerate({"train": 3, "test": 2}.items()):
        random = np.random.default_rng(seed)
        pictures[part] = random.integers(0, 256, (count, 32, 32, 3), np.uint8)
        batch = {
            "data": pictures[part].transpose(0, 3, 1, 2).reshape(count, 3072),
            "fine_labels": list(range(count)),
            "coarse_labels": [0] * count,
            "filenames": [f"{i}.png" for i in range(count)],
            "batch_label": f"{part}ing batch 1 of 1",
        }
        (folder / part).write_bytes(python2_pickle(batch))
    meta = python2_pickle({"fine_label_names": ["a", "b", "c"]})
    (folder / "meta").write_bytes(meta)
    monkeypatch.setattr(published.CIFAR100, "meta", published.CIFAR100.meta | {"md5": md5(meta)})
    resum(monkeypatch, published.CIFAR100, folder)
    return pictures


@pytest.mark.parametrize("split", ["train", "test", "unlabeled", "train+unlabeled"])
def test_stl10_gives_its_pictures(
    tmp_path: Path, stl10: dict[str, np.ndarray[Any, Any]], split: Any
) -> None:
    """Every picture of the split, upright, in [0, 1], in the order of torchvision's own class."""
    dataset = STL10(str(tmp_path), split)
    expected = np.concatenate([stl10[part] for part in split.split("+")])
    reference = published.STL10(tmp_path, split)
    assert len(dataset) == len(expected) == len(reference)
    for ours, theirs, written in zip(dataset, reference, expected, strict=True):
        assert ours.dtype == torch.float32
        assert torch.equal((ours * 255).round().byte().movedim(0, 2), torch.from_numpy(written))
        assert np.array_equal(np.asarray(theirs[0]), written)


@pytest.mark.parametrize("split", ["train", "test"])
def test_cifar100_gives_its_pictures(
    tmp_path: Path, cifar: dict[str, np.ndarray[Any, Any]], split: Any
) -> None:
    """Every picture of the split, in [0, 1], in the order of torchvision's own class."""
    dataset = CIFAR100(str(tmp_path), split)
    reference = published.CIFAR100(tmp_path, train=split == "train")
    assert len(dataset) == len(cifar[split]) == len(reference)
    for ours, theirs, written in zip(dataset, reference, cifar[split], strict=True):
        assert ours.dtype == torch.float32
        assert torch.equal((ours * 255).round().byte().movedim(0, 2), torch.from_numpy(written))
        assert np.array_equal(np.asarray(theirs[0]), written)


def test_index_past_the_end(tmp_path: Path, cifar: object) -> None:
    """An index past the end is an IndexError, and -1 is the last picture."""
    dataset = CIFAR100(str(tmp_path))
    with pytest.raises(IndexError):
        dataset[3]
    assert torch.equal(dataset[-1], dataset[2])


def test_sample_mirrors_in_half_of_the_cases(tmp_path: Path, cifar: object) -> None:
    """A sample is the picture or its mirror image, drawn from the generator."""
    dataset, generator = CIFAR100(str(tmp_path)), torch.Generator().manual_seed(0)
    picture, mirrored = dataset[0], torch.fliplr(dataset[0].movedim(0, 2)).movedim(2, 0)
    drawn = [dataset.sample(0, generator) for _ in range(200)]
    turned = sum(torch.equal(image, mirrored) for image in drawn)
    assert turned + sum(torch.equal(image, picture) for image in drawn) == 200
    assert 70 < turned < 130
    one, other = (dataset.sample(1, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(one, other)


def test_size_resizes_and_keeps_the_mean(tmp_path: Path, stl10: object) -> None:
    """A smaller size is an average: the mean stays, and the variance decreases."""
    small, full = STL10(str(tmp_path), size=32)[0], STL10(str(tmp_path))[0]
    assert small.shape == (3, 32, 32)
    assert torch.allclose(small.mean((1, 2)), full.mean((1, 2)), atol=0.01)
    assert small.std() < 0.6 * full.std()
    with pytest.raises(ArgumentError, match="size"):
        datasets.create("stl10", root=str(tmp_path), size=0)


def test_missing_files_say_where_and_how(tmp_path: Path) -> None:
    """The message says where the files were expected and how to get them; nothing is downloaded."""
    for name, folder in (("stl10", "stl10_binary"), ("cifar100", "cifar-100-python")):
        with pytest.raises(DataError, match=r"'train\S*' is missing in .*download=true") as caught:
            datasets.create(name, root=str(tmp_path))
        assert str(tmp_path / folder) in str(caught.value)
        assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_only_the_chosen_split_is_needed(tmp_path: Path, stl10: object) -> None:
    """Training on the labelled part does not need the 2.8 GB of the unlabelled one."""
    (tmp_path / "stl10_binary" / "unlabeled_X.bin").unlink()
    assert len(STL10(str(tmp_path), "train")) == 3
    with pytest.raises(DataError, match=r"'unlabeled_X\.bin' is missing"):
        STL10(str(tmp_path), "train+unlabeled")


def test_damaged_file_is_named(tmp_path: Path, stl10: object) -> None:
    """A file with a wrong checksum is not read."""
    path = tmp_path / "stl10_binary" / "test_X.bin"
    path.write_bytes(b"\x00" + path.read_bytes()[1:])
    with pytest.raises(DataError, match=r"'test_X\.bin' is damaged"):
        STL10(str(tmp_path), "test")


def test_cifar_pickle_is_never_executed(
    tmp_path: Path, cifar: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pickle that calls anything but the constructor of an array is refused."""

    class Attack:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "executed"),)

    folder = tmp_path / "cifar-100-python"
    (folder / "train").write_bytes(pickle.dumps({"data": Attack()}))
    resum(monkeypatch, published.CIFAR100, folder)
    with pytest.raises(DataError, match=r"\w+\.mkdir"):
        CIFAR100(str(tmp_path))
    assert not (tmp_path / "executed").exists()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder, and the local address of a server for it."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None:
            """Print nothing."""

    folder = tmp_path / "server"
    folder.mkdir()
    monkeypatch.setenv("no_proxy", "*")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


@pytest.mark.filterwarnings("ignore:Python 3.14 will:DeprecationWarning")  # torchvision's tarfile
def test_download_unpacks_the_archive(
    tmp_path: Path,
    cifar: dict[str, np.ndarray[Any, Any]],
    server: tuple[Path, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With download=true the archive is downloaded, verified and unpacked."""
    folder, address = server
    served = folder / "cifar-100-python.tar.gz"
    with tarfile.open(served, mode="w:gz") as tar:
        tar.add(tmp_path / "cifar-100-python", "cifar-100-python")
    monkeypatch.setattr(published.CIFAR100, "url", f"{address}/{served.name}")
    root = tmp_path / "new"
    with pytest.raises(DataError, match="could not be downloaded from http:"):
        CIFAR100(str(root), download=True)  # not the published archive
    monkeypatch.setattr(published.CIFAR100, "tgz_md5", md5(served.read_bytes()))
    dataset = CIFAR100(str(root), "test", download=True)
    assert torch.equal(
        (dataset[1] * 255).round().byte().movedim(0, 2), torch.from_numpy(cifar["test"][1])
    )
    served.unlink()
    assert len(CIFAR100(str(root), download=True)) == 3  # there already: not fetched again


def test_download_that_fails_is_one_line(
    tmp_path: Path, server: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message for a missing archive is one line with its address."""
    monkeypatch.setattr(published.STL10, "url", f"{server[1]}/gone.tar.gz")
    with pytest.raises(
        DataError, match=r"could not be downloaded from http:.*gone\.tar\.gz: .*404"
    ):
        STL10(str(tmp_path / "new"), download=True)
