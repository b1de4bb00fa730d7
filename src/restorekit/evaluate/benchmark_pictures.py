"""The pictures of a benchmark: read once, and identified by a digest of their pixels."""

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

# False for a folder without pairs; True, or the rule to find them, for one with pairs.
Pairs = bool | PairRule
_NOISY = "--noisy"  # the option for pictures without clean ones


@dataclass(frozen=True)
class BenchmarkPicture:
    """A picture to measure on.

    Attributes:
        name: path relative to the folder, for a pair that of the noisy file.
        clean: the ground truth (C, H, W), uint8, or float32 for files of more than 8 bits; None if
            it is unknown.
        noisy: the same picture with real noise, if the folder has pairs or noisy pictures alone.
        clean_name: path of the clean file.
    """

    name: str
    clean: Tensor | None
    noisy: Tensor | None = None
    clean_name: str = ""

    @property
    def image(self) -> Tensor:
        """The clean picture, or the noisy one where no clean one is known."""
        found = self.noisy if self.clean is None else self.clean
        if found is None:
            raise DataError(f"'{self.name}' has no pixels")
        return found

    @property
    def megapixels(self) -> float:
        """The number of its pixels, in millions."""
        return self.image.shape[1] * self.image.shape[2] / 1e6


@dataclass(frozen=True)
class PictureRecord:
    """The files and the digest of a picture, for the results.

    Attributes:
        name: the name of the `BenchmarkPicture`.
        clean: the path of the clean file; empty if there is none.
        digest: digest of the decoded pixels after cropping.
    """

    name: str
    clean: str
    digest: str


@dataclass(frozen=True)
class PictureSet:
    """The pictures of a benchmark, for the results.

    Attributes:
        folder: name of the folder.
        pictures: number of pictures.
        megapixels: total size of the pictures.
        digest: digest of the decoded pixels after selection and cropping, independent of the names
            and the order of the files.
        options: the options of `restorekit benchmark` that find the pairs.
        files: a record of each picture.
        unused: pictures of the folder that are in no pair.
        others: the number of files that are not read, by their kind.
    """

    folder: str
    pictures: int
    megapixels: float
    digest: str
    options: tuple[str, ...] = ()
    files: tuple[PictureRecord, ...] = ()
    unused: tuple[str, ...] = ()
    others: Mapping[str, int] = field(default_factory=dict)

    @property
    def has_clean(self) -> bool:
        """Whether clean pictures are known."""
        return _NOISY not in self.options

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
    folder: str | PathLike[str], protocol: Protocol, pairs: Pairs = False, noisy: bool = False
) -> tuple[list[BenchmarkPicture], PictureSet]:
    """Read the pictures of a folder, selected and cropped by the protocol, with a record of them.

    They are sorted by the names of the clean files.

    Args:
        folder: the folder.
        protocol: defines the number of pictures, the conversion to gray and the crop.
        pairs: True if the folder has pairs of a clean and a noisy picture with matching names, or
            the rule to find them (see `restorekit.data.pairs.find_pairs`).
        noisy: whether the pictures are noisy themselves, and no clean ones are known.

    Raises:
        DataError: the folder is missing or has no pictures, a file has no counterpart, or a picture
            is too small.
        ImageFileError: a file cannot be read.
    """
    root = Path(folder).expanduser()
    found, unused, others = _find(root, pairs, noisy)
    # Evenly spaced: neighbouring files are often of one scene.
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
        options=(_NOISY,) if noisy else _options(pairs),
        files=files,
        unused=tuple(path.relative_to(root).as_posix() for path in unused),
        others=dict(others),
    )
    return pictures, data


def as_float(image: Tensor) -> Tensor:
    """A picture (C, H, W) as a batch of one in [0, 1]."""
    return to_float(image)[None]


def _find(
    root: Path, pairs: Pairs, noisy: bool
) -> tuple[list[tuple[Path | None, Path | None]], Sequence[Path], Mapping[str, int]]:
    """Clean and noisy files, the unused pictures, and the number of other files."""
    if pairs is not False:
        pairing = find_pairs(root, None if pairs is True else pairs)
        return list(pairing.pairs), pairing.unused, pairing.others
    images, others = list_pictures(root)
    if not images:
        raise DataError(f"no picture in folder '{root}'")
    return [(None, path) if noisy else (path, None) for path in images], (), others


def _options(pairs: Pairs) -> tuple[str, ...]:
    """The options of the command line that find pairs in this way."""
    if pairs is False:
        return ()
    if pairs is True or pairs is None:
        return ("--pairs",)
    if isinstance(pairs, tuple):
        return ("--pairs-pattern", *pairs)
    return ("--pairs-csv", Path(pairs).name)


def _digest_of_all(files: Sequence[PictureRecord]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    # Sorted, so that renaming files does not change the digest.
    for each in sorted(file.digest for file in files):
        digest.update(each.encode())
    return digest.hexdigest()


def _read(root: Path, clean: Path | None, noisy: Path | None, gray: bool) -> BenchmarkPicture:
    clean_name, name = (
        p.relative_to(root).as_posix() if p else "" for p in (clean, noisy or clean)
    )
    pixels, other = (
        read_tensor(path, 1 if gray else None) if path else None for path in (clean, noisy)
    )
    if other is not None and pixels is not None and other.shape != pixels.shape:
        raise DataError(
            f"'{noisy}' is {tuple(other.shape)}, its clean picture {tuple(pixels.shape)}"
        )
    return BenchmarkPicture(name, pixels, other, clean_name)


def _cut(picture: BenchmarkPicture, protocol: Protocol) -> BenchmarkPicture:
    least = max(protocol.crop or 0, 2 * protocol.border + 11)  # SSIM's window is 11 pixels
    if min(picture.image.shape[1:]) < least:
        height, width = picture.image.shape[1:]
        raise DataError(
            f"'{picture.name}' has {width}x{height} pixels, but each side needs at least {least}; "
            "remove it"
        )
    if protocol.crop is None:
        return picture
    clean, noisy = (
        None if image is None else center_patch(image, protocol.crop)
        for image in (picture.clean, picture.noisy)
    )
    return replace(picture, clean=clean, noisy=noisy)
