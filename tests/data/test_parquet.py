"""Pictures in Parquet files, as Hugging Face writes them. Needs the extra `test-parquet`."""

from __future__ import annotations

import io
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
import torch
from PIL import Image
from pyarrow import parquet

from restorekit import ArgumentError, DataError, NoisyImages, Trainer, create_dataset, load_model
from restorekit.data.parquet_rows import ParquetRows
from restorekit.errors import MissingExtraError
from restorekit.seeding import derive_generator
from restorekit.testing import check_component
from restorekit.train.batches import DrawSampler


def encoded(level: int, size: tuple[int, int] = (20, 16)) -> bytes:
    """A gray picture with a gradient, as PNG."""
    ramp = np.add.outer(np.arange(size[1]), np.arange(size[0])).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(ramp + np.uint8(level)).save(buffer, format="PNG")
    return buffer.getvalue()


def write(path: Path, rows: list[dict[str, Any]], **options: Any) -> Path:
    parquet.write_table(pyarrow.Table.from_pylist(rows), path, **options)
    return path


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """Two files with ten pictures each, in row groups of five, in the layout of Hugging Face."""
    for part in range(2):
        rows = [
            {"image": {"bytes": encoded(number * 10), "path": f"{number}.png"}, "label": number}
            for number in range(part * 10, part * 10 + 10)
        ]
        write(tmp_path / f"train-{part}.parquet", rows, row_group_size=5)
    return tmp_path


def test_the_layout_of_hugging_face_is_read(tables: Path) -> None:
    """All rows of all files, in their order; row groups are the blocks that are read as a whole."""
    dataset = ParquetRows(str(tables / "train-*.parquet"), patch_size=None, channels=1)
    assert len(dataset) == 20
    lowest = [round(float(dataset[index].min()) * 255) for index in range(20)]  # type: ignore[union-attr]
    assert lowest == [number * 10 for number in range(20)]
    assert [dataset.block(index) for index in (0, 4, 5, 19)] == [0, 0, 1, 3]
    assert len({dataset.identify(index) for index in range(20)}) == 20
    assert len(ParquetRows(str(tables))) == 20
    assert torch.equal(pickle.loads(pickle.dumps(dataset))[7], dataset[7])  # as for a data worker


@pytest.mark.parametrize("kind", [pyarrow.binary(), pyarrow.large_binary()])
def test_a_binary_column_of_any_name(tmp_path: Path, kind: pyarrow.DataType) -> None:
    """In several files with compression, and with a row group without rows."""
    table = pyarrow.table({"webp": pyarrow.array([encoded(0), encoded(9)], kind)})
    with parquet.ParquetWriter(tmp_path / "a.parquet", table.schema, compression="zstd") as file:
        for part in (table, table[:0], table):
            file.write_table(part)
    dataset = ParquetRows(str(tmp_path), column="webp", patch_size=8)
    assert len(dataset) == 4
    assert torch.equal(dataset[1], dataset[3])  # type: ignore[arg-type]


def test_pairs_in_two_columns(tmp_path: Path) -> None:
    """Patches of the noisy and the clean picture are of one place."""
    rows = [{"noisy": encoded(60), "gt": {"bytes": encoded(10), "path": None}}]
    path = write(tmp_path / "a.parquet", rows)
    dataset = ParquetRows(str(path), column="gt", noisy="noisy", patch_size=8, channels=1)
    for seed in range(4):
        item = dataset.sample(0, derive_generator(seed, "test"))
        assert isinstance(item, NoisyImages)
        assert item.clean is not None
        torch.testing.assert_close(item.noisy - item.clean, torch.full((1, 8, 8), 50 / 255))


def test_each_process_reads_row_groups_of_its_own(tables: Path) -> None:
    """Of two processes with half of the batch each, each goes through two of four row groups."""
    dataset = ParquetRows(str(tables), patch_size=8)
    blocks = [dataset.block(index) for index in range(20)]
    read = []
    for places in (range(2), range(2, 4)):
        sampler = DrawSampler(range(20), 4, places, range(5), seed=0, blocks=blocks)
        read.append({dataset.block(index) for draws in sampler for _, index in draws})
    assert len(read[0]) == len(read[1]) == 2
    assert not read[0] & read[1]


def test_memory_is_bounded(tmp_path: Path) -> None:
    """Row groups that were used longest ago are dropped; one that never fits is refused."""
    rows = []
    for level in range(12):
        buffer = io.BytesIO()
        Image.new("RGB", (300, 300), (level, 0, 0)).save(buffer, format="BMP")
        rows.append({"image": buffer.getvalue()})  # 270 kB
    path = write(tmp_path / "a.parquet", rows, row_group_size=2)
    dataset = ParquetRows(str(path), patch_size=8, cache_megabytes=2)
    for index in range(12):
        dataset[index]
        assert sum(table.nbytes for table in dataset._kept.values()) <= 2_000_000
    assert list(dataset._kept) == [3, 4, 5]
    large = write(tmp_path / "b.parquet", rows)
    with pytest.raises(DataError, match=r"b\.parquet': a row group has .*cache_megabytes; write"):
        ParquetRows(str(large), cache_megabytes=2)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([{"picture": encoded(0), "n": 1}], "no column 'image' of encoded pictures; it has pic"),
        ([{"image": 3}], "no column 'image' of encoded pictures; it has image"),
        ([{"image": {"path": 1}}], "no column 'image'"),
    ],
)
def test_a_table_without_pictures_is_named(
    tmp_path: Path, rows: list[dict[str, Any]], problem: str
) -> None:
    """With the columns that it has, when the dataset is made."""
    with pytest.raises(DataError, match=rf"a\.parquet' has {problem}"):
        create_dataset("parquet", path=str(write(tmp_path / "a.parquet", rows)))


def test_a_table_without_rows_is_named(tmp_path: Path) -> None:
    table = pyarrow.table({"image": pyarrow.array([], pyarrow.binary())})
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"no row in the tables '.*a\.parquet'"):
        ParquetRows(str(tmp_path / "a.parquet"))


@pytest.mark.parametrize("kept", [0, 3, 700, -1])
def test_damaged_tables_are_named(tmp_path: Path, kept: int) -> None:
    """Empty, or cut off at any place."""
    path = write(tmp_path / "a.parquet", [{"image": encoded(0)}])
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"a\.parquet' is not a whole Parquet file") as caught:
        ParquetRows(str(path))
    assert "\n" not in str(caught.value)


def test_damaged_and_missing_pictures_are_named(tmp_path: Path) -> None:
    """By their row; pairs of two sizes, and a file that is replaced during a run, too."""
    rows = [
        {"image": image, "noisy": noisy}
        for image, noisy in (
            (encoded(0)[:60], encoded(0)),
            (None, encoded(0)),
            (encoded(0), encoded(0, (20, 17))),
        )
    ]
    path = write(tmp_path / "a.parquet", rows)
    dataset = ParquetRows(str(path), noisy="noisy", patch_size=8)
    for row, problem in enumerate(("'image' of row 0", "'image' of row 1.*missing", "equal shape")):
        with pytest.raises(DataError, match=rf"{problem}.*|.*a\.parquet.*{problem}"):
            dataset[row]
    changed = ParquetRows(str(path), noisy="noisy", patch_size=8)
    write(path, [{"image": encoded(0), "noisy": encoded(0)}])
    with pytest.raises(DataError, match=r"a\.parquet"):
        changed[2]


def test_the_file_must_fit_the_arguments(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing is said in one line: memory, a file, the package."""
    with pytest.raises(ArgumentError, match="cache_megabytes must be at least 1"):
        ParquetRows(str(tables), cache_megabytes=0)
    with pytest.raises(DataError, match="nowhere' does not exist"):
        ParquetRows(str(tmp_path / "nowhere"))
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"needs pyarrow; pip install 'restorekit\[parq"):
        ParquetRows(str(tables))


def test_a_network_is_trained_with_workers(tables: Path, tmp_path: Path) -> None:
    """Forked processes read the same pictures as the training process itself."""
    runs = []
    for workers in (0, 2):
        trainer = Trainer(
            model={"name": "dncnn", "depth": 2, "width": 4},
            noise={"name": "gaussian", "std": 0.1},
            dataset={"name": "parquet", "path": str(tables), "patch_size": 8},
            save_weight_path=str(tmp_path / f"run{workers}"),
            steps=6,
            batch_size=4,
            num_workers=workers,
            device="cpu",
        )
        trainer.fit()
        runs.append(load_model(tmp_path / f"run{workers}" / "last.safetensors").state_dict())
    assert all(torch.equal(runs[0][name], runs[1][name]) for name in runs[0])


def test_the_contract_of_datasets(tables: Path) -> None:
    check_component("dataset", {"name": "parquet", "path": str(tables), "patch_size": 16})
