"""Stacks of micrographs in HDF5 files and Zarr stores."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
import torch
import zarr

from restorekit import ArgumentError, DataError, create_dataset
from restorekit.data.hdf5_stacks import HDF5Stacks
from restorekit.data.zarr_stacks import ZarrStacks
from restorekit.seeding import derive_generator

FRAMES = np.random.default_rng(0).integers(100, 4000, (2, 3, 24, 20)).astype(np.uint16)


def write(folder: Path, kind: str, arrays: dict[str, Any], name: str = "a") -> Path:
    """A file of that kind with arrays by name."""
    if kind == "hdf5":
        path = folder / f"{name}.h5"
        with h5py.File(path, "w") as file:
            for key, array in arrays.items():
                file[key] = array
        return path
    path = folder / f"{name}.zarr"
    zarr.open_group(path, mode="w")
    for key, array in arrays.items():
        zarr.create_array(path, name=key, data=array)
    return path


@pytest.fixture(params=["hdf5", "zarr"])
def kind(request: pytest.FixtureRequest) -> str:
    """The name of the dataset."""
    return str(request.param)


def test_frames_are_scaled_by_their_percentiles(tmp_path: Path, kind: str) -> None:
    """Each place along the leading axes is a frame; 0 and 1 are the percentiles of the stack."""
    path = write(tmp_path, kind, {"images/raw": FRAMES})
    dataset = create_dataset(
        kind, path=str(path), patch_size=None, percentiles=(0, 100), cache_megabytes=1
    )
    assert len(dataset) == 6
    low, high = float(FRAMES.min()), float(FRAMES.max())
    for index in (0, 4, 4, 5):
        expected = (FRAMES.reshape(6, 24, 20)[index] - low) / (high - low)
        torch.testing.assert_close(dataset[index], torch.from_numpy(expected).float()[None])
    robust = create_dataset(kind, path=str(path), patch_size=None, percentiles=(25, 75))
    values = torch.cat([robust[index].flatten() for index in range(6)])
    assert float((values < 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert float(values.min()) >= -0.5
    assert float(values.max()) <= 1.5


def test_patches_for_colour_networks(tmp_path: Path, kind: str) -> None:
    """Gray frames are repeated; views are spread over a frame."""
    path = write(tmp_path, kind, {"raw": FRAMES[0, 0]})
    dataset: Any = create_dataset(kind, path=str(path), patch_size=8, channels=3)
    for image in (dataset[0], dataset.sample(0, derive_generator(0, "a")), *dataset.views(0, 3)):
        assert image.shape == (3, 8, 8)
        assert torch.equal(image[0], image[2])
    again = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(again[0], dataset[0])


def test_patches_hold_signal(tmp_path: Path) -> None:
    """With `signal`, a bright spot in a noisy background is drawn more often."""
    rng = np.random.default_rng(0)
    frame = rng.normal(100, 10, (64, 64))
    frame[28:36, 28:36] += 500
    path = write(tmp_path, "hdf5", {"raw": frame})
    hits = {}
    for signal in (0.0, 1.0):
        dataset = HDF5Stacks(str(path), patch_size=16, signal=signal)
        drawn = [dataset.sample(0, derive_generator(0, "a", number)) for number in range(100)]
        hits[signal] = sum(float(patch.max()) > 0.6 for patch in drawn)  # type: ignore[union-attr]
    # A patch touches the spot with probability (23 / 49)^2 = 0.22, one of four with 0.63.
    assert 10 < hits[0.0] < 35
    assert 50 < hits[1.0] < 76


@pytest.mark.parametrize(
    ("arrays", "arguments", "problem"),
    [
        ({"a": FRAMES, "b": FRAMES}, {}, r"it has 2 arrays \(a, b\); choose one with 'key'"),
        ({"a": FRAMES}, {"key": "c"}, "it has no array 'c', but a"),
        ({}, {}, "it has 0 arrays"),
        ({"a": np.arange(9)}, {}, r"has shape \(9,\)"),
        ({"a": np.zeros((2, 8, 8))}, {}, "the same value everywhere"),
        ({"a": np.full((2, 8, 8), np.nan)}, {}, "the same value everywhere"),
        ({"a": np.ones((8, 8), np.complex64)}, {}, "complex64, not numbers"),
    ],
)
def test_other_arrays_are_refused(
    tmp_path: Path, kind: str, arrays: dict[str, Any], arguments: Any, problem: str
) -> None:
    """In one line with the file."""
    path = write(tmp_path, kind, arrays)
    with pytest.raises(DataError, match=problem) as caught:
        create_dataset(kind, path=str(path), **arguments)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "arguments", [{"percentiles": (50, 50)}, {"percentiles": (-1, 9)}, {"signal": 2}]
)
def test_numbers_out_of_range_are_refused(tmp_path: Path, kind: str, arguments: Any) -> None:
    """Before a file is read."""
    with pytest.raises(ArgumentError):
        create_dataset(kind, path=str(tmp_path / "none"), **arguments)


def test_damaged_files_are_named(tmp_path: Path, kind: str) -> None:
    """Cut off, or text."""
    path = write(tmp_path, kind, {"a": FRAMES})
    if path.is_dir():
        next(path.rglob("zarr.json")).write_text("{")
    else:
        path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(DataError, match=path.name):
        create_dataset(kind, path=str(path))
    with pytest.raises(DataError, match=r"none"):
        create_dataset(kind, path=str(tmp_path / "none"))


def test_objects_and_references_of_hdf5_are_refused(tmp_path: Path) -> None:
    """Texts of any length, data in another file, and arrays that are views of others."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("a", (2, 4, 4), dtype=h5py.string_dtype())
    with pytest.raises(DataError, match="not numbers"):
        HDF5Stacks(str(path))
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(range(64)))
    with h5py.File(path, "w") as file:
        file.create_dataset("a", (8, 8), dtype="u1", external=[(str(secret), 0, 64)])
    with pytest.raises(DataError, match="stored in other files"):
        HDF5Stacks(str(path))
    other = write(tmp_path, "hdf5", {"x": FRAMES}, "other")
    with h5py.File(path, "w") as file:
        layout = h5py.VirtualLayout((24, 20), "u2")
        layout[:] = h5py.VirtualSource(str(other), "x", (2, 3, 24, 20))[0, 0]
        file.create_virtual_dataset("a", layout)
        file["b"] = h5py.ExternalLink(str(other), "x")
    with pytest.raises(DataError, match="stored in other files"):
        HDF5Stacks(str(path))


class Boom:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("where", ["filters", "compressor"])
def test_a_pickle_in_a_zarr_store_is_not_executed(tmp_path: Path, where: str) -> None:
    """A codec that unpickles is refused before a chunk is read, also for an array of numbers."""
    path, trace = tmp_path / "a.zarr", tmp_path / "executed"
    path.mkdir()
    codec = {"id": "pickle", "protocol": 5}
    metadata = {
        "zarr_format": 2,
        "shape": [8, 8],
        "chunks": [8, 8],
        "dtype": "<f4",
        "fill_value": 0,
        "order": "C",
        "filters": [codec] if where == "filters" else None,
        "compressor": codec if where == "compressor" else None,
    }
    (path / ".zarray").write_text(json.dumps(metadata))
    (path / "0.0").write_bytes(pickle.dumps(Boom(trace)))
    # Newer versions of zarr refuse it themselves.
    with pytest.raises(
        DataError, match=r"codec 'pickle' is not known to be safe|No Zarr data type"
    ):
        ZarrStacks(str(path))
    assert not trace.exists()


@pytest.mark.parametrize(
    "metadata",
    [
        {"filters": [{"id": "delta"}, {"id": "pickle"}], "compressor": None},
        {"compressor": {"id": "pickle"}},
        {"codecs": [{"name": "bytes"}, {"name": "numcodecs.pickle"}]},
        {
            "codecs": [
                {
                    "name": "sharding_indexed",
                    "configuration": {"codecs": [{"name": "bytes"}, {"name": "numcodecs.pickle"}]},
                }
            ]
        },
        {
            "codecs": [
                {
                    "name": "sharding_indexed",
                    "configuration": {"codecs": [], "index_codecs": [{"name": "pickle"}]},
                }
            ]
        },
    ],
)
def test_a_codec_is_found_wherever_it_stands(tmp_path: Path, metadata: dict[str, Any]) -> None:
    """In the filters and the compressor of Zarr 2, and within the shards of Zarr 3."""
    write(tmp_path, "zarr", {"a": FRAMES})
    dataset = ZarrStacks(str(tmp_path))
    array = SimpleNamespace(metadata=SimpleNamespace(to_dict=lambda: metadata))
    with pytest.raises(ValueError, match=r"codec '(numcodecs\.)?pickle' is not known to be safe"):
        dataset.check(array)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_usual_codecs_of_zarr_are_read(tmp_path: Path, zarr_format: Any) -> None:
    """Compressed arrays of both versions, also with shards, and a zip file."""
    shards = (3, 24, 20) if zarr_format == 3 else None
    path = tmp_path / "a.zarr"
    array = zarr.create_array(
        path, data=FRAMES[0], chunks=(1, 12, 20), shards=shards, zarr_format=zarr_format
    )
    assert ZarrStacks(str(path), patch_size=None, percentiles=(0, 100))[2].shape == (1, 24, 20)
    with zarr.storage.ZipStore(tmp_path / "b.zarr.zip", mode="w") as store:
        zarr.create_array(store, data=np.asarray(array[:]), zarr_format=zarr_format)
    both = ZarrStacks(str(tmp_path), patch_size=None, percentiles=(0, 100))
    assert len(both) == 6
    assert torch.equal(both[1], both[4])
