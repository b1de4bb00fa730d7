"""Pictures in the rows of Parquet files, as Hugging Face stores image data sets."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from restorekit.data.encoded_pictures import Encoded, cut_encoded
from restorekit.data.patches import PatchDataset, check_least
from restorekit.data.path_patterns import find_files
from restorekit.data.remote_files import local_copies
from restorekit.errors import DataError, in_one_line
from restorekit.extras import needs
from restorekit.memory import format_size
from restorekit.records import Images

_SUFFIXES = (".parquet", ".pq")


class ParquetRows(PatchDataset):
    """Pictures in the rows of Parquet files.

    A picture is the content of an image file in a binary column, or in the field `bytes` of a
    column, as Hugging Face stores images. Other columns are not read. With the column `noisy` each
    row is a pair of a noisy and a clean picture. Items are float32 (C, H, W) in [0, 1], those of
    pairs a `NoisyImages`.

    A file consists of row groups, which are decoded as a whole and kept in memory while they are
    used. An epoch goes through them in random order, and through the rows of each in random order.
    Each place of a batch has its own part of the row groups, so that the processes of torchrun read
    different ones, and a run can be resumed at any step. Needs the extra `parquet`.

    Args:
        path: A Parquet file, a folder of such, a pattern ("data/train-*.parquet"), an address as
            for the dataset `shards`, or a list of these.
        column: The column of the pictures, which are clean if there is none of noisy ones.
        noisy: The column of noisy pictures of the same scenes; null for none.
        patch_size: The side of a patch in pixels; null for whole pictures.
        patches_per_image: Patches of each picture per epoch.
        channels: 3 for colour, 1 for gray; pictures of the other kind are converted.
        cache: The folder for copies of files that are given by address.
        cache_megabytes: Memory for row groups in each data-loading process. It should hold one for
            each place of a batch; row groups of about 100 pictures are usual.

    Raises:
        ArgumentError: a number is out of its range, or an address without `cache`.
        DataError: a file is damaged, has no such column, or a row group that does not fit into
            `cache_megabytes`; when an item is read, a damaged or missing picture.
        MissingExtraError: pyarrow is not installed.

    Example:
        >>> import io
        >>> import pyarrow, pyarrow.parquet
        >>> from PIL import Image
        >>> Image.fromarray(image).save(file := io.BytesIO(), "PNG")
        >>> rows = [{"image": {"bytes": file.getvalue(), "path": None}}]
        >>> pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), "a.parquet")
        >>> dataset = restorekit.create_dataset("parquet", path="a.parquet", patch_size=16)
        >>> len(dataset), dataset[0].shape
        (1, torch.Size([3, 16, 16]))
    """

    def __init__(
        self,
        path: str | Sequence[str],
        column: str = "image",
        noisy: str | None = None,
        patch_size: int | None = 64,
        patches_per_image: int = 1,
        channels: Literal[1, 3] = 3,
        cache: str | None = None,
        cache_megabytes: int = 1024,
    ) -> None:
        needs("pyarrow.parquet", "parquet", "dataset 'parquet'")
        check_least("cache_megabytes", 1, cache_megabytes)
        noun = f"table ({', '.join(_SUFFIXES)})"
        self.files = find_files(local_copies(path, cache), _tables_below, _is_table, noun)
        self._columns = {"clean": column} if noisy is None else {"noisy": noisy, "clean": column}
        self._limit = cache_megabytes * 1_000_000
        self._groups = [group for file in self.files for group in self._groups_of(file)]
        self._ends = list(accumulate(rows for _, _, rows in self._groups))
        self._kept: OrderedDict[int, Any] = OrderedDict()  # decoded row groups, the last used last
        if not self._groups:
            raise DataError(f"no row in the tables '{path}'")
        super().__init__(self._ends[-1], patch_size, patches_per_image, channels)

    def block(self, index: int) -> int:
        """The number of the row group of item `index`; items of one block are read together."""
        return bisect_right(self._ends, self._locate(index)[0])

    def identify(self, index: int) -> tuple[str, int, int]:
        """The file, the row group and the row in it of item `index`."""
        number, row = self._row_of(self._locate(index)[0])
        file, group, _ = self._groups[number]
        return os.path.realpath(file), group, row

    def cut(self, picture: int, cut: Callable[[Tensor], Tensor]) -> Images:
        """As for `PatchDataset`.

        Raises:
            DataError: a picture is damaged or missing, the file has changed, or the pictures of a
                row differ in size.
        """
        number, row = self._row_of(picture)
        pictures = {role: self._read(number, row, name) for role, name in self._columns.items()}
        return cut_encoded(pictures, self.channels, cut)

    def _row_of(self, picture: int) -> tuple[int, int]:
        """The number of the row group, and that of the row in it."""
        number = bisect_right(self._ends, picture)
        return number, picture - self._ends[number] + self._groups[number][2]

    def _read(self, number: int, row: int, column: str) -> Encoded:
        file, group, _ = self._groups[number]
        name = f"the picture '{column}' of row {row} of row group {group} of '{file}'"
        with _faults(file):
            value = self._group(number)[column][row]
            if value.is_valid and hasattr(value.type, "fields"):
                value = value["bytes"]
            if not value.is_valid:
                raise DataError(f"{name} is missing")
            return memoryview(value.as_buffer()), name

    def _group(self, number: int) -> Any:
        """The columns of a row group, decoded."""
        if number not in self._kept:
            import pyarrow.parquet

            file, group, _ = self._groups[number]
            # Without threads, of which a forked process would have none.
            with pyarrow.parquet.ParquetFile(file, pre_buffer=False) as table:
                leaves = [_leaf(table, name, file)[0] for name in self._columns.values()]
                self._kept[number] = table.read_row_group(group, leaves, use_threads=False)
            while len(self._kept) > 1 and self._size() > self._limit:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return self._kept[number]

    def _size(self) -> int:
        return sum(table.nbytes for table in self._kept.values())

    def _groups_of(self, file: Path) -> Iterator[tuple[Path, int, int]]:
        """The row groups of a file, each with its number and its rows, from the end of the file."""
        import pyarrow.parquet

        with _faults(file), pyarrow.parquet.ParquetFile(file) as table:
            leaves = [_leaf(table, name, file)[1] for name in self._columns.values()]
            for number in range(table.num_row_groups):
                group = table.metadata.row_group(number)
                size = sum(group.column(leaf).total_uncompressed_size for leaf in leaves)
                if size > self._limit:
                    raise DataError(
                        f"'{file}': a row group has {format_size(size)} of pictures, more than "
                        "cache_megabytes; write the file with fewer rows in a group, such as 100"
                    )
                if group.num_rows:
                    yield file, number, group.num_rows

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_kept": OrderedDict()}


def _leaf(table: Any, column: str, file: Path) -> tuple[str, int]:
    """The path and the number of the column that has the content of the image files.

    Raises:
        DataError: there is none.
    """
    schema = table.schema  # of Parquet: single columns, those of a structure by "structure.field"
    leaves = {schema.column(number).path: number for number in range(len(schema))}
    for path in (column, f"{column}.bytes"):
        if path in leaves and schema.column(leaves[path]).physical_type == "BYTE_ARRAY":
            return path, leaves[path]
    names = ", ".join(dict.fromkeys(path.partition(".")[0] for path in leaves))
    raise DataError(f"'{file}' has no column '{column}' of encoded pictures; it has {names}")


@contextmanager
def _faults(file: Path) -> Iterator[None]:
    """Within the block, what pyarrow raises is a `DataError`."""
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError, IndexError, KeyError, ValueError) as error:
        raise DataError(f"'{file}' is not a whole Parquet file ({in_one_line(error)})") from error


def _tables_below(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise DataError(f"'{folder}' does not exist")
    return (path for path in folder.rglob("*") if _is_table(path) and path.is_file())


def _is_table(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES
