"""STL-10 and CIFAR-100 without labels, with the downloads and checksums of torchvision.

Only the files of the chosen split are read, each after a comparison with its published MD5 sum. The
pixels are not read by the classes of torchvision, for two reasons. STL-10 is memory-mapped instead
of loaded, since the unlabelled part has 2.8 GB. CIFAR-100 is a pickle, which is read by a
restricted unpickler that can create nothing but arrays.
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
    """Concatenated uint8 arrays (N, 3, H, W) as float32 pictures in [0, 1]."""

    def __init__(
        self, arrays: Sequence[np.ndarray[Any, Any]], checksums: Sequence[str], size: int | None
    ) -> None:
        if size is not None and size < 1:
            raise ArgumentError(f"size must be at least 1, not {size}")
        self._arrays, self._checksums, self._size = arrays, checksums, size

    def __len__(self) -> int:
        return sum(map(len, self._arrays))

    def __getitem__(self, index: int) -> Tensor:
        pixels = torch.from_numpy(self._pixels(range(len(self))[index]))
        if self._size is not None:
            pixels = resize(pixels, [self._size, self._size], antialias=True)
        return pixels.float() / 255

    def sample(self, index: int, generator: torch.Generator) -> Tensor:
        """The picture, flipped left and right with a probability of 1/2."""
        flipped = bool(draw_integer(2, generator))
        return self[index].flip(2) if flipped else self[index]

    def identify(self, index: int) -> tuple[str, int]:
        """What item `index` is: the published checksum of its file, and its position there."""
        array, position = self._locate(range(len(self))[index])
        return self._checksums[array], position

    def _pixels(self, index: int) -> np.ndarray[Any, Any]:
        array, position = self._locate(index)
        return np.array(self._arrays[array][position])  # a copy, since a memory map is read-only

    def _locate(self, index: int) -> tuple[int, int]:
        """The number of the array, and the position of the picture in it."""
        for number, array in enumerate(self._arrays):
            if index < len(array):
                return number, index
            index -= len(array)
        raise IndexError(index)


class STL10(_Pictures):
    """STL-10: 5,000 training, 8,000 test and 100,000 unlabelled colour pictures of 96x96.

    Items are float32 (3, 96, 96) in [0, 1]; for training they are flipped left and right at random.
    Published for research at https://cs.stanford.edu/~acoates/stl10/, taken from ImageNet.

    Args:
        root: The folder of the folder `stl10_binary`.
        split: The part to use; "train+unlabeled" is the 105,000 pictures meant for training.
        size: Resize to this many pixels a side; null keeps 96.
        download: Download the data (2.6 GB) if it is missing.

    Raises:
        DataError: the data is missing or damaged, or the download fails.

    Example:
        >>> restorekit.create_dataset("stl10", root="data")
        Traceback (most recent call last):
        restorekit.errors.DataError: STL-10: 'train_X.bin' is missing in '...'; set 'root' ...
        >>> restorekit.create_dataset("stl10", download=True)[0].shape  # doctest: +SKIP
        torch.Size([3, 96, 96])
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
        checksums = _checksums(published.STL10)
        super().__init__(
            [_read_stl10(path) for path in paths], [checksums[name] for name in names], size
        )


class CIFAR100(_Pictures):
    """CIFAR-100: 50,000 training and 10,000 test colour pictures of 32x32.

    Items are float32 (3, 32, 32) in [0, 1]; for training they are flipped left and right at random.
    Published for research at https://www.cs.toronto.edu/~kriz/cifar.html. The data is a pickle. It
    is compared with its published MD5 sum and read without executing it: it can contain arrays
    only.

    Args:
        root: The folder of the folder `cifar-100-python`.
        split: The part to use.
        size: Resize to this many pixels a side; null keeps 32.
        download: Download the data (169 MB) if it is missing.

    Raises:
        DataError: the data is missing or damaged, or the download fails.

    Example:
        >>> restorekit.create_dataset("cifar100", root="data", split="test")
        Traceback (most recent call last):
        restorekit.errors.DataError: CIFAR-100: 'test' is missing in '...'; set 'root' ...
        >>> restorekit.create_dataset("cifar100", download=True)[0].shape  # doctest: +SKIP
        torch.Size([3, 32, 32])
    """

    def __init__(
        self,
        root: str = "data",
        split: Literal["train", "test"] = "train",
        size: int | None = None,
        download: bool = False,
    ) -> None:
        (path,) = _files("CIFAR-100", published.CIFAR100, root, [split], download)
        super().__init__([_read_cifar(path)], [_checksums(published.CIFAR100)[split]], size)


def _files(title: str, source: Any, root: str, names: list[str], download: bool) -> list[Path]:
    """The paths of the files of a published dataset, after a comparison with their checksums."""
    folder = Path(root).expanduser() / source.base_folder
    checksums = _checksums(source)
    paths = [folder / name for name in names]
    if _faults(paths, checksums) and download:
        try:
            download_and_extract_archive(
                source.url, root, filename=source.filename, md5=source.tgz_md5
            )
        except (OSError, RuntimeError) as error:
            cause = " ".join(str(error).split())
            raise DataError(
                f"{title} could not be downloaded from {source.url}: {cause}"
            ) from error
    if faults := _faults(paths, checksums):
        raise DataError(
            f"{title}: {'; '.join(faults)} in '{folder.absolute()}'; "
            "set 'root' to the folder above it, or download=true to download it"
        )
    return paths


def _checksums(source: Any) -> dict[str, str]:
    """The published MD5 sum of each file."""
    return dict([*source.train_list, *source.test_list])


def _faults(paths: list[Path], checksums: dict[str, str]) -> list[str]:
    """The files that are missing or differ from the published ones, as parts of a message."""
    return [
        f"'{path.name}' is {'damaged' if path.exists() else 'missing'}"
        for path in paths
        if not check_integrity(path, checksums[path.name])
    ]


def _read_stl10(path: Path) -> np.ndarray[Any, Any]:
    stored = np.memmap(path, dtype=np.uint8, mode="r").reshape(-1, 3, 96, 96)
    return stored.transpose(0, 1, 3, 2)  # the file stores pictures column by column


def _read_cifar(path: Path) -> np.ndarray[Any, Any]:
    with path.open("rb") as file:
        try:
            pixels = _ArraysOnly(file, encoding="latin1").load()["data"]
        except (pickle.UnpicklingError, KeyError, TypeError, EOFError) as error:
            raise DataError(f"CIFAR-100: cannot read '{path}': {error}") from error
    return np.asarray(pixels, dtype=np.uint8).reshape(-1, 3, 32, 32)


# The module of an array's constructor in pickles of numpy 1 and of numpy 2.
_RECONSTRUCTED_IN = ("numpy.core.multiarray", "numpy._core.multiarray")


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that creates numpy arrays and plain values, and calls nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if name == "_reconstruct" and module in _RECONSTRUCTED_IN:
            return np.empty(0).__reduce__()[0]
        if module == "numpy" and name in ("ndarray", "dtype"):
            return getattr(np, name)
        raise pickle.UnpicklingError(f"it refers to '{module}.{name}', which is not an array")
