"""Pictures from bytes in memory, for example of an upload, instead of from a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Literal, TypeVar

from PIL import Image
from torch import Tensor

from restorekit.errors import ImageFileError, InputError
from restorekit.pictures.tensors import read_image, read_tensor

Pixels = TypeVar("Pixels")
Encoded = bytes | bytearray | memoryview | IO[bytes]
_NAME = "the image data"


def is_encoded(image: object) -> bool:
    """Whether an object is bytes, or a stream that can be read."""
    return isinstance(image, bytes | bytearray | memoryview) or hasattr(image, "read")


def decode_image(image: object) -> Image.Image:
    """The picture in bytes, or in a binary stream from its current position on; see `read_image`.

    Raises:
        ImageFileError: there are no bytes, or they are not a picture that a PIL image can hold.
        InputError: a stream gives text.
    """
    read = getattr(image, "read", None)
    data = image if read is None else read()
    if not isinstance(data, bytes | bytearray | memoryview):
        raise InputError(f"a stream gives bytes, not {type(data).__name__}; open it in mode 'rb'")
    if not len(data):
        problem = "the stream is at its end; call seek(0) first" if read else "it is empty"
        raise ImageFileError(f"cannot read {_NAME}: {problem}")
    return _read(data, read_image, _NAME)


def decode_tensor(
    data: bytes | bytearray | memoryview, channels: Literal[1, 3] | None, name: str
) -> Tensor:
    """The pixels (C, H, W) of the bytes of a file; see `read_tensor`.

    Args:
        data: the bytes.
        channels: as for `read_tensor`.
        name: what messages call the picture.

    Raises:
        ImageFileError: the bytes are not a picture.
    """
    return _read(data, lambda path: read_tensor(path, channels), name)


def _read(
    data: bytes | bytearray | memoryview, read: Callable[[Path], Pixels], name: str
) -> Pixels:
    with TemporaryDirectory(prefix="restorekit-") as folder:
        # The formats, those of plugins included, read files.
        path = Path(folder, "image")
        path.write_bytes(data)
        try:
            return read(path)
        except ImageFileError as error:
            error.put(str(error).replace(f"'{path}'", name))
            raise
