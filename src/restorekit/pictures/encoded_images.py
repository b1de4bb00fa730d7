"""Pictures from bytes in memory, for example of an upload, instead of from a file."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from PIL import Image

from restorekit.errors import ImageFileError, InputError
from restorekit.pictures.tensors import read_image

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
    with TemporaryDirectory(prefix="restorekit-") as folder:
        # The formats, those of plugins included, read files.
        path = Path(folder, "image")
        path.write_bytes(data)
        try:
            return read_image(path)
        except ImageFileError as error:
            error.put(str(error).replace(f"'{path}'", _NAME))
            raise
