"""The base class of picture formats, built-in ones and those of plugins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np

from restorekit.components.isolation import attempt
from restorekit.errors import RestoreKitError
from restorekit.pictures.metadata.left_out import held_by
from restorekit.pictures.picture import Metadata, Picture, PictureError, separate_alpha
from restorekit.pictures.pixel_values import Depth

# Bytes at the beginning of a file that `matches` is given.
HEAD = 256


class Format:
    """A file format: what it can store, and how a file is read and written.

    A format of one picture per file defines `read`, and `write` unless it can be read only. A
    format with `pages` defines `read_pages`, `count_pages` and `write_pages` instead. Any exception
    of these methods becomes an error that names the file; a `PictureError` states its reason.

    Attributes:
        name: name for messages, for example "PNG".
        suffixes: suffixes of its files, in lower case and with the dot.
        signatures: the first bytes of its files, each alternative; empty if they have none in
            common. Its files are then recognised by their suffix alone.
        keeps: fields of `Metadata` that are written.
        depths: depths of a channel, ascending.
        gray: whether gray is stored as one channel, not as three equal ones.
        alpha: whether it stores transparency.
        pages: whether it stores several pages.
        extra: whether it stores channels beyond gray or colour.

    Example:
        >>> from restorekit.pictures.base import Format
        >>> from restorekit.pictures.picture import Picture
        >>> class Raw16(Format):
        ...     name, suffixes = "raw of 16x16 pixels", (".raw16",)
        ...     def read(self, path):
        ...         return Picture(np.fromfile(path, np.uint8).reshape(16, 16, 1))
        >>> Raw16().is_writable
        False
    """

    name: str = ""
    suffixes: tuple[str, ...] = ()
    signatures: tuple[bytes, ...] = ()
    keeps: frozenset[str] = frozenset()
    depths: tuple[Depth, ...] = (8,)
    gray: bool = True
    alpha: bool = False
    pages: bool = False
    extra: bool = False

    @property
    def is_writable(self) -> bool:
        """Whether files of this format can be written, that is, whether it defines how."""
        own = type(self)
        return own.write is not Format.write or own.write_pages is not Format.write_pages

    def matches(self, head: bytes) -> bool:
        """Whether the first bytes of a file, up to 256 of them, are those of this format.

        Override it for a signature that does not stand at the beginning, and name it in
        `signatures` all the same.
        """
        return head.startswith(self.signatures)

    def read(self, path: Path) -> Picture:
        """Read the picture of a file.

        An orientation in the EXIF block is applied afterwards, and the range of the values is found
        unless `Picture.white` is set. Call `restorekit.pictures.picture.check_size` before memory
        is taken, because a file of a few bytes can declare any size.

        Raises:
            PictureError: the file cannot be read.
        """
        raise NotImplementedError

    def write(self, picture: Picture, file: IO[bytes], quality: int | None) -> None:
        """Write a picture, which has one of `depths`, and alpha or metadata only if it is stored.

        Args:
            picture: upright, with unassociated alpha, and in colour unless the format has `gray`.
            file: open for writing, empty.
            quality: 1 to 100 for a lossy format; None for its default.

        Raises:
            PictureError: the picture cannot be written.
        """
        raise NotImplementedError

    def count_pages(self, path: Path) -> int:
        """Number of pages of a file, without decoding them."""
        return 1

    def read_pages(self, path: Path) -> Iterator[Picture]:
        """Read the pages of a file one after the other; see `read`."""
        yield self.read(path)

    def write_pages(
        self, pictures: Iterator[Picture], path: Path, expected_bytes: int, quality: int | None
    ) -> None:
        """Write pages one after the other.

        Args:
            pictures: the pages, see `write`; exceptions that they raise must be passed on.
            path: an existing, empty file.
            expected_bytes: upper limit of the size.
            quality: see `write`.

        Raises:
            PictureError: the pictures cannot be written, or there are several and the format holds
                one.
        """
        picture = separate_alpha(next(pictures))
        if not self.gray and picture.pixels.shape[2] == 1:
            picture = replace(picture, pixels=np.repeat(picture.pixels, 3, axis=2))
        if next(pictures, None) is not None:
            raise PictureError("its format holds one picture, and there are several")
        usual = (RestoreKitError, OSError, ValueError, PictureError)
        with (
            path.open("wb") as file,
            attempt(lambda error: f"{self.name} raised {error}", *usual, becomes=PictureError),
        ):
            self.write(picture, file, quality)

    def held(self, metadata: Metadata) -> Metadata:
        """The metadata that the format can store; `left_out` also names the rest."""
        return held_by(self.keeps, metadata)
