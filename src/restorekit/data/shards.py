"""Pictures in tar files, the shards of a data set that is too large for single files."""

from __future__ import annotations

import os
import tarfile
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import Literal

from torch import Tensor

from restorekit.data.encoded_pictures import cut_encoded
from restorekit.data.patches import PatchDataset
from restorekit.data.path_patterns import find_files
from restorekit.data.remote_files import local_copies
from restorekit.errors import DataError
from restorekit.pictures.file_formats import format_of_suffix
from restorekit.records import Images

# Entries that WebDataset would unpickle. Here nothing is, and such data is not passed over either.
_PICKLES = frozenset({"pickle", "pkl", "pyd", "pth", "pt"})
_ROLES = ("noisy", "clean", "second")
_LARGEST_ENTRY = 2_000_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture in a shard: where its bytes are."""

    name: str
    start: int
    size: int


Sample = dict[str, Entry]  # the pictures of an item by what they are


class Shards(PatchDataset):
    """Pictures in tar files, in the layout of WebDataset.

    The entries of a sample have the same name up to the first dot: `000001.jpg` is a clean picture;
    `000001.noisy.png` and `000001.clean.png` are a pair. Entries that are not pictures, such as
    labels, are passed over. A pickle is refused. Items are float32 (C, H, W) in [0, 1], those of
    pairs a `NoisyImages`.

    An epoch goes through the shards in random order, and through the samples of each in random
    order. Each place of a batch has its own part of the shards. The processes of torchrun therefore
    read different shards, one after the other, and a run can be resumed at any step.

    Args:
        path: A tar file, a folder of such, a pattern ("data/train-*.tar"), an address
            ("https://example.org/train-{000..099}.tar", also s3://) or a list of these. An address
            may end with "#sha256=" and the checksum of its file. Needs the extra `remote` or `s3`.
        patch_size: The side of a patch in pixels; null for whole pictures.
        patches_per_image: Patches of each picture per epoch.
        channels: 3 for colour, 1 for gray; pictures of the other kind are converted.
        cache: The folder for copies of shards that are given by address. Each is copied once, when
            the dataset is made.

    Raises:
        ArgumentError: an address without `cache`, or of another kind.
        DataError: there is no shard or picture, or a shard is damaged, has a pickle or cannot be
            copied; when an item is read, a damaged picture.
        MissingExtraError: the package for an address is not installed.

    Example:
        >>> import tarfile
        >>> from PIL import Image
        >>> Image.fromarray(image).save("0.png")
        >>> with tarfile.open("a.tar", "w") as shard:
        ...     shard.add("0.png")
        >>> dataset = restorekit.create_dataset("shards", path="a.tar", patch_size=16)
        >>> len(dataset), dataset[0].shape
        (1, torch.Size([3, 16, 16]))
    """

    def __init__(
        self,
        path: str | Sequence[str],
        patch_size: int | None = 64,
        patches_per_image: int = 1,
        channels: Literal[1, 3] = 3,
        cache: str | None = None,
    ) -> None:
        self.shards = find_files(local_copies(path, cache), _tars_below, _is_tar, "shard (.tar)")
        self._samples = [list(_samples(shard)) for shard in self.shards]
        self._ends = list(accumulate(map(len, self._samples)))
        if not self._ends[-1]:
            raise DataError(f"no picture in the shards '{path}'")
        super().__init__(self._ends[-1], patch_size, patches_per_image, channels)

    def block(self, index: int) -> int:
        """The number of the shard of item `index`; items of one block are read together."""
        return bisect_right(self._ends, self._locate(index)[0])

    def identify(self, index: int) -> tuple[str, str]:
        """The shard and the name of the entry of item `index`."""
        shard, sample = self._sample_of(self._locate(index)[0])
        entry = sample.get("clean") or next(iter(sample.values()))
        return os.path.realpath(shard), entry.name

    def cut(self, picture: int, cut: Callable[[Tensor], Tensor]) -> Images:
        """As for `PatchDataset`.

        Raises:
            DataError: a picture is damaged, the shard has changed, or the pictures of a sample
                differ in size.
        """
        shard, sample = self._sample_of(picture)
        pictures = {
            role: (_read(shard, entry), f"'{entry.name}' of '{shard}'")
            for role, entry in sample.items()
        }
        return cut_encoded(pictures, self.channels, cut)

    def _sample_of(self, picture: int) -> tuple[Path, Sample]:
        shard = bisect_right(self._ends, picture)
        # The ends are those of the shard itself, so that this is negative: counted from its end.
        return self.shards[shard], self._samples[shard][picture - self._ends[shard]]


def _read(shard: Path, entry: Entry) -> bytes:
    try:
        with shard.open("rb") as file:
            file.seek(entry.start)
            return file.read(entry.size)
    except OSError as error:
        raise DataError(f"'{shard}' cannot be read: {error.strerror}") from error


def _samples(shard: Path) -> Iterator[Sample]:
    """The samples of a shard that have a picture, in the order of the file."""
    groups: dict[str, Sample] = defaultdict(dict)
    for entry in _entries(shard):
        path = PurePosixPath(entry.name)
        stem, _, extension = path.name.partition(".")
        role = extension.rpartition(".")[0].lower() or "clean"
        if role not in _ROLES:
            continue
        sample = groups[str(path.parent / stem)]
        if role in sample:
            raise DataError(f"'{shard}': '{entry.name}' and '{sample[role].name}' are one sample")
        sample[role] = entry
    for sample in groups.values():
        if not sample.keys() & {"noisy", "clean"}:
            raise DataError(f"'{shard}': '{sample['second'].name}' has no noisy picture")
        yield {role: sample[role] for role in _ROLES if role in sample}


def _entries(shard: Path) -> Iterator[Entry]:
    """The pictures of a tar file, from its headers alone."""
    try:
        length = shard.stat().st_size
        with tarfile.open(shard, "r:") as archive:
            for member in archive:
                suffix = PurePosixPath(member.name).suffix
                if suffix[1:].lower() in _PICKLES:
                    raise DataError(f"'{shard}': '{member.name}' is a pickle, which is never read")
                if not member.isreg() or format_of_suffix(suffix) is None:
                    continue
                end = member.offset_data + member.size
                if member.issparse() or member.size > _LARGEST_ENTRY or end > length:
                    raise DataError(f"'{shard}': entry '{member.name}' is damaged or too large")
                yield Entry(member.name, member.offset_data, member.size)
    except (tarfile.TarError, OSError, ValueError, OverflowError) as error:
        raise DataError(
            f"'{shard}' is not a whole tar file without compression ({error})"
        ) from error


def _tars_below(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise DataError(f"'{folder}' does not exist")
    return (path for path in folder.rglob("*") if _is_tar(path) and path.is_file())


def _is_tar(path: Path) -> bool:
    return path.suffix.lower() == ".tar"
