"""Error messages about picture files: one line that names the file and the problem."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from restorekit.components.isolation import attempt
from restorekit.errors import (
    ImageFileError,
    MissingExtraError,
    PluginError,
    RestoreKitError,
    did_you_mean,
)
from restorekit.memory import is_out_of_memory
from restorekit.pictures.codecs import raw_files
from restorekit.pictures.picture import PictureError

# Signatures of picture formats that are not supported: offset, bytes, name.
_OTHERS = (
    (0, b"GIF8", "a GIF, of 256 colours at most"),
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftyphei", "a HEIC picture"),
    (4, b"ftypmif1", "a HEIC picture"),
    (4, b"jP  ", "a JPEG 2000 picture"),
    (4, b"JXL ", "a JPEG XL picture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"v/1\x01", "an OpenEXR picture"),
    (0, b"#?RADIANCE", "a Radiance HDR picture"),
    (0, b"SIMPLE  =", "a FITS file"),
    (0, b"%PDF", "a PDF document"),
)


@contextmanager
def reading_errors(path: Path) -> Iterator[None]:
    """Turn any exception of a decoder in the block into an `ImageFileError`."""
    try:
        # A decoder of a plugin may raise SystemExit, too.
        with attempt(lambda error: f"its decoder raised {error}", Exception):
            yield
    except Exception as error:  # decoders raise anything for damaged files
        raise ImageFileError(f"cannot read '{path}': {_cause(path, error)}") from error


@contextmanager
def writing_errors(path: Path) -> Iterator[None]:
    """Turn errors of an encoder or the disk in the block into an `ImageFileError`."""
    try:
        yield
    except RestoreKitError:
        raise
    except (OSError, ValueError, PictureError) as error:
        raise ImageFileError(f"cannot write '{path}': {_first_line(error)}") from error


@contextmanager
def drawing_errors(path: Path) -> Iterator[None]:
    """Turn any exception of the drawing library in the block into an `ImageFileError`.

    Errors of the disk are not changed, because they affect other files too.
    """
    try:
        yield
    except (RestoreKitError, OSError):
        raise
    except Exception as error:  # matplotlib raises several kinds if it finds no font
        raise ImageFileError(f"cannot draw '{path}': {_first_line(error)}") from error


def suggest_path(path: Path, folders: bool = False) -> str:
    """A sentence with the most similar existing name for a missing file or folder."""
    parent = path.parent
    if not parent.is_dir():
        return f" Neither does its folder '{parent}'."
    return did_you_mean(path.name, [p.name for p in parent.iterdir() if p.is_dir() == folders])


def describe_missing(path: Path) -> str:
    """Why a path does not exist: a broken link, or a different name."""
    if path.is_symlink():
        return f"is a link to '{os.readlink(path)}', which does not exist"
    return f"does not exist.{suggest_path(path)}"


def _cause(path: Path, error: Exception) -> str:
    # The order matters: from the most exact cause to the mere message of the decoder.
    if isinstance(error, (PictureError, PluginError, MissingExtraError)):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return f"it {describe_missing(path)}"
    if path.is_dir():
        return _folder(path)
    if is_out_of_memory(error):
        return "there is not enough memory for it"
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return "it is a link that leads back to itself"
    if isinstance(error, OSError) and error.errno and error.strerror:
        return error.strerror.lower()
    return f"it is damaged ({_first_line(error)})"


def _folder(path: Path) -> str:
    try:
        # Opening a folder fails in the same way whether or not it may be listed.
        os.scandir(path).close()
    except OSError as error:
        return f"it is a folder that cannot be listed ({_first_line(error).lower()})"
    return "it is a folder"


def describe_unknown(path: Path, formats: str) -> str:
    """Describe a file whose format is not supported, with the formats that are."""
    with path.open("rb") as file:
        # All signatures lie within the first 16 bytes; those of raw files reach a little further.
        head = file.read(32)
    if not head:
        return "it is empty"
    if kind := raw_files.mark_of(head):
        return raw_files.refusal_message(kind)
    for start, mark, name in _OTHERS:
        if head.startswith(mark, start):
            return f"it is {name}, which is not supported; convert it to PNG or TIFF first"
    return f"it is not a {formats} picture, or it is damaged"


def _first_line(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
