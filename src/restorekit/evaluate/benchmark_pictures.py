"""The pictures that are measured: read once, and told from others by a digest."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path

from torch import Tensor

from restorekit.data.pairs import PairRule, find_pairs, list_pictures
from restorekit.data.patches import center_patch
from restorekit.errors import DataError
from restorekit.evaluate.digests import pixel_digest
from restorekit.evaluate.protocol import Protocol
from restorekit.pictures.folder_walk import describe_unread
from restorekit.pictures.tensors import read_tensor, to_float

# Whether the folder holds pairs, and by which rule they are found.
Pairs = bool | PairRule


@dataclass(frozen=True)
class BenchmarkPicture:
    """A picture to measure on.

    Attributes:
        name: its path within the folder; of a pair, that of the noisy file.
        clean: (C, H, W), what is right: uint8, or float32 of a deeper file.
        noisy: the same picture with real noise, where the folder holds pairs.
        clean_name: the path of the clean file.
    """

    name: str
    clean: Tensor
    noisy: Tensor | None = None
    clean_name: str = ""

    @property
    def megapixels(self) -> float:
        """Its size."""
        return self.clean.shape[1] * self.clean.shape[2] / 1e6


@dataclass(frozen=True)
class PictureRecord:
    """A picture that was measured on, by its files and pixels.

    Attributes:
        name: as of the `BenchmarkPicture`.
        clean: the clean file.
        digest: of the decoded pixels, as they were cut.
    """

    name: str
    clean: str
    digest: str


@dataclass(frozen=True)
class PictureSet:
    """What was measured on.

    Attributes:
        folder: the folder's name.
        pictures: how many pictures.
        megapixels: of all of them together.
        digest: of the decoded pixels as they were selected and cut, whatever the files are called
            and in whatever order they come.
        options: the words of `restorekit benchmark` that say how pairs were found.
        files: each picture.
        unused: the pictures of the folder that belong to no pair.
        others: how many files of which kind are not read.
    """

    folder: str
    pictures: int
    megapixels: float
    digest: str
    options: tuple[str, ...] = ()
    files: tuple[PictureRecord, ...] = ()
    unused: tuple[str, ...] = ()
    others: Mapping[str, int] = field(default_factory=dict)

    def describe(self) -> str:
        """In one line, for people."""
        more = f" and {len(self.unused) - 1} more" if self.unused[1:] else ""
        unused = f"; in no pair: '{self.unused[0]}'{more}" if self.unused else ""
        others = f"; not read: {describe_unread(Counter(self.others))}" if self.others else ""
        return (
            f"{self.folder}, {self.pictures} pictures, {self.megapixels:.2f} megapixels, "
            f"digest {self.digest}{unused}{others}"
        )


def read_data(
    folder: str | PathLike[str], protocol: Protocol, pairs: Pairs = False
) -> tuple[list[BenchmarkPicture], PictureSet]:
    """The pictures of a folder, as the protocol selects and cuts them, and a record of them.

    They come in the order of the names of the clean files.

    Args:
        folder: where they are.
        protocol: says how many, whether gray, and what is cut out.
        pairs: True where the folder holds pairs of a clean and a noisy picture, which are found by
            their names; or the rule by which they are found (`restorekit.data.pairs.find_pairs`).

    Raises:
        DataError: there is no such folder, no picture in it, a file without its other half, or a
            picture that is too small.
        ImageFileError: a file cannot be read.
    """
    root = Path(folder).expanduser()
    found, unused, others = _find(root, pairs)
    stride = 1 if protocol.limit is None else -(-len(found) // protocol.limit)
    pictures = [
        _cut(_read(root, clean, noisy, protocol.gray), protocol) for clean, noisy in found[::stride]
    ]
    files = tuple(
        PictureRecord(
            p.name, p.clean_name, pixel_digest(*(i for i in (p.clean, p.noisy) if i is not None))
        )
        for p in pictures
    )
    data = PictureSet(
        folder=os.path.basename(os.path.realpath(root)),
        pictures=len(pictures),
        megapixels=sum(picture.megapixels for picture in pictures),
        digest=_digest_of_all(files),
        options=_options(pairs),
        files=files,
        unused=tuple(path.relative_to(root).as_posix() for path in unused),
        others=dict(others),
    )
    return pictures, data


def as_float(image: Tensor) -> Tensor:
    """A picture (C, H, W) as a batch of one in [0, 1]."""
    return to_float(image)[None]


def _find(
    root: Path, pairs: Pairs
) -> tuple[list[tuple[Path, Path | None]], Sequence[Path], Mapping[str, int]]:
    """Clean and noisy files, the pictures that are neither, and the files that are not read."""
    if pairs is not False:
        pairing = find_pairs(root, None if pairs is True else pairs)
        return list(pairing.pairs), pairing.unused, pairing.others
    images, others = list_pictures(root)
    if not images:
        raise DataError(f"no picture in folder '{root}'")
    return [(path, None) for path in images], (), others


def _options(pairs: Pairs) -> tuple[str, ...]:
    """The words of the command line that find pairs in this way."""
    if pairs is False:
        return ()
    if pairs is True or pairs is None:
        return ("--pairs",)
    if isinstance(pairs, tuple):
        return ("--pairs-pattern", *pairs)
    return ("--pairs-csv", Path(pairs).name)


def _digest_of_all(files: Sequence[PictureRecord]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for each in sorted(file.digest for file in files):
        digest.update(each.encode())
    return digest.hexdigest()


def _read(root: Path, clean: Path, noisy: Path | None, gray: bool) -> BenchmarkPicture:
    clean_name, name = (p.relative_to(root).as_posix() for p in (clean, noisy or clean))
    pixels = read_tensor(clean, 1 if gray else None)
    other = None if noisy is None else read_tensor(noisy, 1 if gray else None)
    if other is not None and other.shape != pixels.shape:
        raise DataError(
            f"'{noisy}' is {tuple(other.shape)}, its clean picture {tuple(pixels.shape)}"
        )
    return BenchmarkPicture(name, pixels, other, clean_name)


def _cut(picture: BenchmarkPicture, protocol: Protocol) -> BenchmarkPicture:
    least = max(protocol.crop or 0, 2 * protocol.border + 11)  # SSIM's window is 11 pixels
    if min(picture.clean.shape[1:]) < least:
        height, width = picture.clean.shape[1:]
        raise DataError(
            f"'{picture.name}' is {width}x{height} pixels, below the {least} needed; leave it out"
        )
    if protocol.crop is None:
        return picture
    noisy = None if picture.noisy is None else center_patch(picture.noisy, protocol.crop)
    return replace(picture, clean=center_patch(picture.clean, protocol.crop), noisy=noisy)
