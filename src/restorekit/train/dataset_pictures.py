"""The pictures behind the items of a dataset, including datasets that are composed of others.

torch's `Subset` and `ConcatDataset` are resolved to the datasets that read the pictures. Such a
dataset may have more than `len` and `[index]`: `identify(index)` returns the picture of an index,
and `patches_per_image` consecutive indices belong to one picture. `dataset_items` reads the items.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import ConcatDataset, IterableDataset, Subset, TensorDataset

from restorekit.errors import ArgumentError
from restorekit.train.dataset_items import scene_of, source_of

_ENDS = 65536  # bytes at each end of a file; these differ for most different files
_MOST_BYTES = 4_000_000_000  # of files that are read only for a digest


class UnidentifiedPicture(NamedTuple):
    """A picture of which nothing is known but its place in a dataset."""

    dataset: int
    number: int


def check_dataset(dataset: object, where: str) -> None:
    """Raise an error for an object without length or indices.

    Raises:
        ArgumentError: it is a class, an IterableDataset, a generator or not a dataset, or its
            `patches_per_image` is not a positive integer.
    """
    kind = dataset.__name__ if isinstance(dataset, type) else type(dataset).__name__
    if isinstance(dataset, type):
        raise ArgumentError(f"{where} is the class {kind}; give {kind}(...)")
    # torch's IterableDataset inherits an `__getitem__` that raises an error.
    is_iterable = isinstance(dataset, IterableDataset)
    if is_iterable or not (hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")):
        raise ArgumentError(
            f"{where} {kind} has no len() and [index], which a run needs to draw, to split and to "
            "resume; an iterable has neither: put its pictures in a list or a folder"
        )
    count = getattr(dataset, "patches_per_image", 1)
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ArgumentError(
            f"{where} {kind}: its patches_per_image is {count!r}; it is the number of successive "
            "indices that belong to one picture, at least 1"
        )


def iter_pictures(dataset: Any) -> Iterator[tuple[Hashable, range]]:
    """Each picture's identity and its indices; a picture can come more than once."""
    if isinstance(dataset, ConcatDataset):
        offset = 0
        for part in dataset.datasets:
            for key, indices in iter_pictures(part):
                yield key, range(offset + indices.start, offset + indices.stop)
            offset += len(part)  # type: ignore[arg-type]
    elif isinstance(dataset, Subset):
        for index in range(len(dataset)):
            yield _identity(*source_of(dataset, index)), range(index, index + 1)
    else:
        group = _group(dataset)
        # An incomplete group at the end has no picture of its own and is not used.
        for start in range(0, len(dataset) // group * group, group):
            yield _identity(dataset, start), range(start, start + group)


def by_picture(*datasets: object) -> list[dict[Hashable, list[range]]]:
    """Of each dataset, the indices of every picture; files of equal content are one picture."""
    found = [list(iter_pictures(dataset)) for dataset in datasets]
    same = _copies({key for each in found for key, _ in each if isinstance(key, Path)})
    grouped: list[dict[Hashable, list[range]]] = []
    for each in found:
        groups: dict[Hashable, list[range]] = defaultdict(list)
        for key, indices in each:
            groups[same.get(key, key)].append(indices)
        grouped.append(dict(groups))
    return grouped


def pictures_digest(keys: Iterable[Hashable]) -> str | None:
    """A digest of pictures, independent of order and names; None if the pictures are unknown.

    Files are read whole; None too where they are more than 4 GB together.
    """
    keys = list(keys)
    files = [key for key in keys if isinstance(key, Path)]
    # A digest of some of the pictures would look like one of all of them.
    if any(isinstance(key, UnidentifiedPicture) for key in keys):
        return None
    try:
        if sum(path.stat().st_size for path in files) > _MOST_BYTES:
            return None
        parts = [_whole(key).hex() if isinstance(key, Path) else repr(key) for key in keys]
    except OSError:  # removed in the meantime
        return None
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()


def _group(dataset: object) -> int:
    return int(getattr(dataset, "patches_per_image", 1))


def _identity(dataset: object, index: int) -> Hashable:
    """Which picture is behind an index of a dataset that reads pictures itself."""
    if hasattr(dataset, "identify"):
        key: Hashable = dataset.identify(index)
        return key
    if isinstance(dataset, (list, tuple, Tensor, TensorDataset)):  # already in memory
        image = scene_of(dataset[index])
        if isinstance(image, Tensor):
            # Viewed as bytes, since numpy has no bfloat16.
            content = image.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            # Images of other shapes can have the same bytes, for example black ones.
            kind = f"{image.dtype}{tuple(image.shape)}".encode()
            return hashlib.sha256(kind + content.numpy().tobytes()).hexdigest()
    return UnidentifiedPicture(id(dataset), index // _group(dataset))


def _copies(paths: Iterable[Path]) -> Mapping[Hashable, Path]:
    """For each file that has a copy, the first of the files with equal content.

    Files are compared by their size, then by their ends, and only then completely.
    """
    groups = [sorted(paths)]
    # From cheap to expensive: only files that agree so far are read further.
    for tell in (_size, _ends, _whole):
        groups = [finer for group in groups for finer in _by(tell, group)]
    return {path: group[0] for group in groups for path in group}


def _by(tell: Callable[[Path], Hashable], paths: Sequence[Path]) -> list[list[Path]]:
    """The groups of two or more files with equal results; missing files are left out."""
    groups: dict[Hashable, list[Path]] = defaultdict(list)
    for path in paths:
        try:
            groups[tell(path)].append(path)
        except OSError:  # reported later, when the picture is read
            continue
    return [group for group in groups.values() if len(group) > 1]


def _size(path: Path) -> int:
    return path.stat().st_size


def _ends(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(_ENDS)
        file.seek(max(_size(path) - _ENDS, 0))
        return hashlib.sha256(head + file.read()).digest()


def _whole(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
