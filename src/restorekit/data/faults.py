"""What is wrong with a picture file, said in one line that names it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from restorekit.data.picture import MAX_PIXELS, PictureError
from restorekit.errors import ImageFileError, RestoreKitError, did_you_mean


@contextmanager
def faults_in_reading(path: Path) -> Iterator[None]:
    """Whatever a decoder raises within the block as an `ImageFileError`; its warnings silenced."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:  # decoders raise anything when fed with damaged files
        raise ImageFileError(f"cannot read '{path}': {_cause(path, error)}") from error


@contextmanager
def faults_in_writing(path: Path) -> Iterator[None]:
    """What an encoder or the disk refuses within the block as an `ImageFileError`."""
    try:
        yield
    except RestoreKitError:
        raise
    except (OSError, ValueError, PictureError) as error:
        raise ImageFileError(f"cannot write '{path}': {_first_line(error)}") from error


def nearest(path: Path, folders: bool = False) -> str:
    """The sentence that names what is there instead of a missing file or folder."""
    parent = path.parent
    if not parent.is_dir():
        return f" Neither does its folder '{parent}'."
    return did_you_mean(path.name, [p.name for p in parent.iterdir() if p.is_dir() == folders])


def _cause(path: Path, error: Exception) -> str:
    if isinstance(error, PictureError):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return f"it does not exist.{nearest(path)}"
    if isinstance(error, IsADirectoryError) or path.is_dir():
        return "it is a folder"
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    if isinstance(error, PermissionError):
        return "permission denied"
    if isinstance(error, Image.DecompressionBombError):
        return f"it has more than {2 * MAX_PIXELS / 1e6:.4g} megapixels"
    if isinstance(error, UnidentifiedImageError):
        formats = "no PNG, JPEG, TIFF, BMP or WebP picture, or a damaged one"
        return "it is empty" if not path.stat().st_size else f"it is {formats}"
    return f"it is damaged ({_first_line(error)})"


def _first_line(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
