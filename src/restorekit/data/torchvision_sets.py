"""STL-10 and CIFAR-100: torchvision's downloads and checksums, without their labels.

Every file is compared with the published MD5 sum before it is read, and only the files of the
chosen split are. The pixels are read here rather than by torchvision's classes, for two reasons:
STL-10's are mapped from the disk instead of loaded (the unlabelled part alone is 2.8 GB), and
CIFAR's, which come as a pickle, go through an unpickler that can make nothing but arrays.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision import datasets as published
from torchvision.datasets.utils import check_integrity, download_and_extract_archive
from torchvision.transforms.v2.functional import resize

from restorekit.errors import ArgumentError, DataError
from restorekit.seeding import draw_integer


class _Pictures(Dataset[Tensor]):
    """uint8 arrays (N, 3, H, W), one after the other, as float32 pictures in [0, 1]."""

    def __init__(
        self, arrays: Sequence[np.ndarray[Any, Any]], sums: Sequence[str], size: int | None
    ) -> None:
        if size is not None and size < 1:
            raise ArgumentError(f"size must be at least 1, not {size}")
        self._arrays, self._sums, self._size = arrays, sums, size

    def __len__(self) -> int:
        return sum(map(len, self._arrays))

    def __getitem__(self, index: int) -> Tensor:
        pixels = torch.from_numpy(self._pixels(range(len(self))[index]))
        if self._size is not None:
            pixels = resize(pixels, [self._size, self._size], antialias=True)
        return pixels.float() / 255

    def sample(self, index: int, generator: torch.Generator) -> Tensor:
        """The picture, mirrored left and right in half of the cases."""
        mirrored = bool(draw_integer(2, generator))
        return self[index].flip(2) if mirrored else self[index]

    def identify(self, index: int) -> tuple[str, int]:
        """The picture behind `index`: the published checksum of its file, and its place there."""
        array, place = self._place(range(len(self))[index])
        return self._sums[array], place

    def _pixels(self, index: int) -> np.ndarray[Any, Any]:
        array, place = self._place(index)
        return np.array(self._arrays[array][place])

    def _place(self, index: int) -> tuple[int, int]:
        for number, array in enumerate(self._arrays):
            if index < len(array):
                return number, index
            index -= len(array)
        raise IndexError(index)


class STL10(_Pictures):
    """STL-10: 5,000 training, 8,000 test and 100,000 unlabelled colour pictures of 96x96.

    Gives float32 (3, 96, 96) in [0, 1]; for training, mirrored left and right at random. Published
    for research at https://cs.stanford.edu/~acoates/stl10/, drawn from ImageNet.

    Args:
        root: The folder that holds, or will hold, `stl10_binary`.
        split: Which part; "train+unlabeled" is the 105,000 that training may use.
        size: Resize to that many pixels a side; null keeps 96.
        download: Fetch the data (2.6 GB) where it is missing.

    Raises:
        DataError: the data is missing or damaged, or cannot be fetched.
    """

    def __init__(
        self,
        root: str = "data",
        split: Literal["train", "test", "unlabeled", "train+unlabeled"] = "train",
        size: int | None = None,
        download: bool = False,
    ) -> None:
        names = [f"{part}_X.bin" for part in split.split("+")]
        paths = _files("STL-10", published.STL10, root, names, download)
        sums = _sums(published.STL10)
        super().__init__(
            [_read_stl10(path) for path in paths], [sums[name] for name in names], size
        )


class CIFAR100(_Pictures):
    """CIFAR-100: 50,000 training and 10,000 test colour pictures of 32x32.

    Gives float32 (3, 32, 32) in [0, 1]; for training, mirrored left and right at random. Published
    for research at https://www.cs.toronto.edu/~kriz/cifar.html. The pickle it comes as is checked
    against its published MD5 sum and never executed: only arrays can come out of it.

    Args:
        root: The folder that holds, or will hold, `cifar-100-python`.
        split: Which part.
        size: Resize to that many pixels a side; null keeps 32.
        download: Fetch the data (169 MB) where it is missing.

    Raises:
        DataError: the data is missing or damaged, or cannot be fetched.
    """

    def __init__(
        self,
        root: str = "data",
        split: Literal["train", "test"] = "train",
        size: int | None = None,
        download: bool = False,
    ) -> None:
        (path,) = _files("CIFAR-100", published.CIFAR100, root, [split], download)
        super().__init__([_read_cifar(path)], [_sums(published.CIFAR100)[split]], size)


def _files(title: str, source: Any, root: str, names: list[str], download: bool) -> list[Path]:
    """The paths of a published set's files, each compared with its checksum."""
    folder = Path(root).expanduser() / source.base_folder
    sums = _sums(source)
    paths = [folder / name for name in names]
    if _faults(paths, sums) and download:
        try:
            download_and_extract_archive(
                source.url, root, filename=source.filename, md5=source.tgz_md5
            )
        except (OSError, RuntimeError) as error:
            cause = " ".join(str(error).split())
            raise DataError(f"{title} could not be fetched from {source.url}: {cause}") from error
    if faults := _faults(paths, sums):
        raise DataError(
            f"{title}: {'; '.join(faults)} in '{folder.absolute()}'; "
            "set 'root' to the folder above it, or download=true to fetch it"
        )
    return paths


def _sums(source: Any) -> dict[str, str]:
    """The published MD5 sum of each file."""
    return dict([*source.train_list, *source.test_list])


def _faults(paths: list[Path], sums: dict[str, str]) -> list[str]:
    """Which files are missing or not as published."""
    return [
        f"'{path.name}' is {'damaged' if path.exists() else 'missing'}"
        for path in paths
        if not check_integrity(path, sums[path.name])
    ]


def _read_stl10(path: Path) -> np.ndarray[Any, Any]:
    stored = np.memmap(path, dtype=np.uint8, mode="r").reshape(-1, 3, 96, 96)
    return stored.transpose(0, 1, 3, 2)  # the file goes column by column


def _read_cifar(path: Path) -> np.ndarray[Any, Any]:
    with path.open("rb") as file:
        try:
            pixels = _ArraysOnly(file, encoding="latin1").load()["data"]
        except (pickle.UnpicklingError, KeyError, TypeError, EOFError) as error:
            raise DataError(f"CIFAR-100: cannot read '{path}': {error}") from error
    return np.asarray(pixels, dtype=np.uint8).reshape(-1, 3, 32, 32)


# Where numpy 1 and numpy 2 say that an array's constructor is.
_RECONSTRUCTED_IN = ("numpy.core.multiarray", "numpy._core.multiarray")


class _ArraysOnly(pickle.Unpickler):
    """Makes numpy arrays and plain values, and calls nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if name == "_reconstruct" and module in _RECONSTRUCTED_IN:
            return np.empty(0).__reduce__()[0]
        if module == "numpy" and name in ("ndarray", "dtype"):
            return getattr(np, name)
        raise pickle.UnpicklingError(f"it asks for '{module}.{name}', which is no array")
