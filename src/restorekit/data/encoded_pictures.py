"""Items whose pictures are encoded in memory, as they come from a shard or a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from torch import Tensor

from restorekit.errors import DataError, ImageFileError, InputError
from restorekit.pictures.encoded_images import decode_tensor
from restorekit.records import Images, NoisyImages

Encoded = tuple[bytes | memoryview, str]  # the content of a file, and what messages call it


def cut_encoded(
    pictures: Mapping[str, Encoded], channels: Literal[1, 3], cut: Callable[[Tensor], Tensor]
) -> Images:
    """Decode the pictures of an item and apply a function to each.

    Args:
        pictures: by what they are: "clean" alone, or "noisy" with any of "clean" and "second".
        channels: 3 for colour, 1 for gray.
        cut: as for `PatchDataset.cut`.

    Raises:
        DataError: a picture is damaged, or the pictures of an item differ in size.
    """
    try:
        images = {
            role: decode_tensor(data, channels, name) for role, (data, name) in pictures.items()
        }
    except ImageFileError as error:
        raise DataError(str(error)) from error
    try:
        if "noisy" in images:
            NoisyImages(**images)  # compares the sizes of the whole pictures
    except InputError as error:
        raise DataError(f"{pictures['noisy'][1]}: {error}") from error
    found = {role: cut(image) for role, image in images.items()}
    return NoisyImages(**found) if "noisy" in found else found["clean"]
