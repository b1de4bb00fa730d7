"""The pictures that are measured: read once, and told from others by a digest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from torch import Tensor

from restorekit.data.files import find_images
from restorekit.data.images import read_tensor, to_float
from restorekit.data.patches import center_patch
from restorekit.errors import DataError
from restorekit.evaluate.protocol import Protocol

CLEAN, NOISY = "gt", "noisy"
# What tells the files of a pair apart, at the end of their names.
_ENDING = re.compile(r"[ ._-]*(gt|clean|mean|real|noisy|noise)$", re.IGNORECASE)


@dataclass(frozen=True)
class Picture:
    """A picture to measure on.

    Attributes:
        name: its path within the folder.
        clean: (C, H, W), what is right: uint8, or float32 of a deeper file.
        noisy: the same picture with real noise, where the folder holds pairs.
    """

    name: str
    clean: Tensor
    noisy: Tensor | None = None

    @property
    def megapixels(self) -> float:
        """Its size."""
        return self.clean.shape[1] * self.clean.shape[2] / 1e6


@dataclass(frozen=True)
class Data:
    """What was measured on.

    Attributes:
        folder: the folder's name.
        pictures: how many pictures.
        megapixels: of all of them together.
        digest: of the names and decoded pixels, as they were selected and cut, in order.
    """

    folder: str
    pictures: int
    megapixels: float
    digest: str

    def describe(self) -> str:
        """In one line, for people."""
        return (
            f"{self.folder}, {self.pictures} pictures, {self.megapixels:.2f} megapixels, "
            f"digest {self.digest}"
        )


def read_pictures(
    folder: str | PathLike[str], protocol: Protocol, pairs: bool = False
) -> list[Picture]:
    """The pictures of a folder, in the order of their names, as the protocol selects and cuts them.

    Args:
        folder: pictures; or for pairs, clean ones in its `gt/` and noisy ones in its `noisy/`,
            whose names agree but for endings such as "_gt" and "_noise".
        protocol: says how many, whether gray, and what is cut out.
        pairs: whether the folder holds pairs.

    Raises:
        DataError: there is no such folder, no picture in it, one without its other half, or one
            that is too small.
        ImageFileError: a file cannot be read.
    """
    return [_cut(picture, protocol) for picture in _whole(Path(folder), protocol, pairs)]


def describe_data(folder: str | PathLike[str], pictures: Sequence[Picture]) -> Data:
    """What was measured on, for the record."""
    digest = hashlib.blake2b(digest_size=8)
    for picture in pictures:
        for image in (picture.clean, picture.noisy):
            if image is not None:
                digest.update(f"{picture.name} {tuple(image.shape)} ".encode())
                digest.update(image.contiguous().numpy().data)
    size = sum(picture.megapixels for picture in pictures)
    return Data(Path(folder).resolve().name, len(pictures), size, digest.hexdigest())


def as_float(image: Tensor) -> Tensor:
    """A picture (C, H, W) as a batch of one in [0, 1]."""
    return to_float(image)[None]


def _whole(folder: Path, protocol: Protocol, pairs: bool) -> list[Picture]:
    root = folder.expanduser()
    found = _pairs(root) if pairs else [(path, None) for path in find_images(root)]
    if not found:
        raise DataError(f"no picture in folder '{folder}'")
    stride = 1 if protocol.limit is None else -(-len(found) // protocol.limit)
    return [_read(root, clean, noisy, protocol.gray) for clean, noisy in found[::stride]]


def _pairs(root: Path) -> list[tuple[Path, Path | None]]:
    """Each clean file with its noisy one."""
    for name in (CLEAN, NOISY):
        if not (root / name).is_dir():
            raise DataError(
                f"'{root}' holds no pairs: clean pictures lie in its '{CLEAN}', "
                f"noisy ones in its '{NOISY}', and it has no '{name}'"
            )
    clean, noisy = ({_key(p, root / n): p for p in find_images(root / n)} for n in (CLEAN, NOISY))
    for here, there, missing in ((clean, noisy, NOISY), (noisy, clean, CLEAN)):
        for key, path in here.items():
            if key not in there:
                raise DataError(f"'{path}' has no other half in '{root / missing}'")
    return [(path, noisy[key]) for key, path in clean.items()]


def _key(path: Path, folder: Path) -> str:
    place = path.relative_to(folder)
    return (place.parent / _ENDING.sub("", place.stem)).as_posix()


def _read(root: Path, clean: Path, noisy: Path | None, gray: bool) -> Picture:
    name = clean.relative_to(root).as_posix()
    pixels = read_tensor(clean, 1 if gray else None)
    other = None if noisy is None else read_tensor(noisy, 1 if gray else None)
    if other is not None and other.shape != pixels.shape:
        raise DataError(
            f"'{noisy}' is {tuple(other.shape)}, its clean picture {tuple(pixels.shape)}"
        )
    return Picture(name, pixels, other)


def _cut(picture: Picture, protocol: Protocol) -> Picture:
    least = max(protocol.crop or 0, 2 * protocol.border + 11)  # SSIM's window is 11 pixels
    if min(picture.clean.shape[1:]) < least:
        height, width = picture.clean.shape[1:]
        raise DataError(
            f"'{picture.name}' is {width}x{height} pixels, below the {least} needed; leave it out"
        )
    if protocol.crop is None:
        return picture
    noisy = None if picture.noisy is None else center_patch(picture.noisy, protocol.crop)
    return Picture(picture.name, center_patch(picture.clean, protocol.crop), noisy)
