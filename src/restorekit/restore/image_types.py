"""Opening PIL images, files, arrays and tensors as a canvas, and converting the result back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from os import PathLike, fsdecode
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from restorekit.errors import InputError
from restorekit.forks import settle_threads
from restorekit.pictures.codecs.pillow_files import quantization_tables
from restorekit.pictures.encoded_images import decode_image, is_encoded
from restorekit.pictures.tensors import copy_metadata, read_image, split_alpha
from restorekit.restore.argument_checks import check_tensor
from restorekit.restore.canvas import Canvas, wrong_dtype_error
from restorekit.restore.pixel_meaning import USUAL_MEANING, PixelMeaning

Array = np.ndarray[Any, Any]

_DEEP_MODES = ("I;16", "I;16L", "I;16B", "I", "F")
_TYPES = (
    *("uint8", "uint16", "uint32", "int8", "int16", "int32"),
    *("float16", "float32", "float64"),
)
_MOST_CHANNELS = 64


class OpenedImage(NamedTuple):
    """A canvas, and a function that converts its result to the kind of the given image."""

    canvas: Canvas
    convert: Callable[[], Any]

    def finish(self) -> object:
        """The result, of the same kind as the given image."""
        self.canvas.finish()
        return self.convert()


def open_image(
    image: object,
    channels: int | None,
    in_place: bool = False,
    meaning: PixelMeaning = USUAL_MEANING,
) -> OpenedImage:
    """Open an image of any supported kind.

    Args:
        image: a PIL image, a path, the bytes of a file or a stream of them, an array (H, W),
            (H, W, C) or (B, H, W, C), a tensor (C, H, W) or (B, C, H, W).
        channels: number of channels of the network. Unless it equals that of an image of 2 or 4
            channels, the last channel of the image is alpha.
        in_place: whether a writable array is overwritten by its result, which saves memory.
        meaning: the range and the channels of the image, as far as they are known.

    Raises:
        InputError: the image is empty or has an unsupported kind, shape, type or range.
        ArgumentError: the given black and white leave no range.
        ImageFileError: the file cannot be read.
    """
    settle_threads()
    if isinstance(image, (str, PathLike)):
        image = read_image(fsdecode(image))
    elif is_encoded(image):
        image = decode_image(image)
    if isinstance(image, Image.Image):
        return _open_picture(image, channels, meaning)
    if isinstance(image, np.ndarray):
        return _open_array(image, channels, meaning, in_place)
    if isinstance(image, Tensor):
        return _open_tensor(image, channels, meaning)
    raise InputError(
        f"cannot restore {type(image).__name__}; give a PIL image, a path, bytes, an array or a "
        "tensor"
    )


def _open_picture(image: Image.Image, channels: int | None, meaning: PixelMeaning) -> OpenedImage:
    if not image.width * image.height:
        raise InputError(f"the image is empty: its size is {image.size}")
    try:
        image.load()  # Pillow reads the pixels of a file on first use
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"the image's pixels cannot be read: {error}") from error
    if image.mode in _DEEP_MODES:
        return _open_deep_picture(image, channels, meaning)
    meaning = replace(meaning, quantization=quantization_tables(image))
    colour, alpha = split_alpha(image)
    canvas, as_array = _open_array(np.asarray(colour), channels, meaning)

    def as_picture() -> Image.Image:
        restored = Image.fromarray(as_array())
        if image.mode == "1":
            # Dithering would add the noise that was just removed.
            restored = restored.convert("1", dither=Image.Dither.NONE)
        if alpha is not None:
            restored.putalpha(alpha)
        copy_metadata(image, restored)
        return restored

    return OpenedImage(canvas, as_picture)


def _open_deep_picture(
    image: Image.Image, channels: int | None, meaning: PixelMeaning
) -> OpenedImage:
    """Open gray of 16 bits or floats. 32-bit integers within the 16-bit range count as 16 bits."""
    pixels = np.asarray(image)
    if image.mode == "I" and pixels.min() >= 0 and pixels.max() <= 65535:
        pixels = pixels.astype(np.uint16)
    canvas, as_array = _open_array(pixels, channels, meaning)

    def as_picture() -> Image.Image:
        restored = as_array()
        made = Image.fromarray(restored.astype(np.int32) if image.mode == "I" else restored)
        copy_metadata(image, made)
        return made

    return OpenedImage(canvas, as_picture)


def _open_array(
    image: Array, channels: int | None, meaning: PixelMeaning, in_place: bool = False
) -> OpenedImage:
    if isinstance(image, np.ma.MaskedArray):
        raise InputError(
            "a masked array has pixels without a value; fill them with array.filled(value)"
        )
    if image.ndim not in (2, 3, 4) or (image.ndim > 2 and _is_no_channel_count(image.shape)):
        first = image.ndim > 2 and image.shape[-3] <= 4 < min(image.shape[-2:])
        raise InputError(
            "an array is (H, W), (H, W, C) or (B, H, W, C), C smaller than H and W, "
            f"not {image.shape}"
            + ("; if the channels are first, use numpy.moveaxis(array, -3, -1)" if first else "")
        )
    if not image.size:
        raise InputError(f"the image is empty: its shape is {image.shape}")
    given = image.dtype
    if given.name not in _TYPES:
        raise wrong_dtype_error(given)
    native = given.newbyteorder("=")
    if given != native or any(stride < 0 for stride in image.strides):
        image = image.astype(native)  # torch supports neither
    result = image if in_place and image.flags.writeable else np.empty(image.shape, native)
    source, target = _shared(image), torch.from_numpy(result)
    canvas = _make_canvas(_batch(source), _batch(target), channels, meaning)
    return OpenedImage(canvas, lambda: result.astype(given, copy=False))


def _batch(pixels: Tensor) -> Tensor:
    """A view (B, C, H, W) of the pixels of an array (H, W), (H, W, C) or (B, H, W, C)."""
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    return (pixels[None] if pixels.ndim == 3 else pixels).movedim(-1, 1)


def _shared(array: Array) -> Tensor:
    """A tensor that shares the memory of an array, only for reading.

    `torch.from_numpy` warns about read-only arrays, and older numpy cannot export them by DLPack.
    """
    if array.flags.writeable:
        return torch.from_numpy(array)
    try:
        return from_dlpack(array)
    except BufferError:
        return torch.from_numpy(array.copy())


def _open_tensor(image: Tensor, channels: int | None, meaning: PixelMeaning) -> OpenedImage:
    check_tensor(image, channels)
    if image.ndim not in (3, 4):
        raise InputError(f"a tensor is (C, H, W) or (B, C, H, W), not {tuple(image.shape)}")
    if not image.numel():
        raise InputError(f"the image is empty: its shape is {tuple(image.shape)}")
    image = image.detach()
    # Also for expanded tensors, whose pixels share memory and cannot be written.
    result = torch.empty_like(image, memory_format=torch.contiguous_format)
    if image.ndim == 4:
        return OpenedImage(_make_canvas(image, result, channels, meaning), lambda: result)
    return OpenedImage(_make_canvas(image[None], result[None], channels, meaning), lambda: result)


def _is_no_channel_count(shape: tuple[int, ...]) -> bool:
    """Whether the last axis of an array (..., H, W, C) is more likely a height or a width."""
    return shape[-1] > 4 and (shape[-1] > _MOST_CHANNELS or shape[-1] >= min(shape[-3:-1]))


def _make_canvas(
    source: Tensor, result: Tensor, channels: int | None, meaning: PixelMeaning
) -> Canvas:
    """The canvas of all channels except alpha, which is copied to the result."""
    hidden = None
    if meaning.has_alpha and source.shape[1] in (2, 4) and source.shape[1] != channels:
        result[:, -1:] = source[:, -1:]
        # Before `source` is cut: the network must not see the colour of transparent pixels.
        hidden = source[:, -1:] == 0
        source, result = source[:, :-1], result[:, :-1]
    elif meaning.hidden is not None:
        hidden = torch.from_numpy(meaning.hidden)[None, None].to(source.device)
    return Canvas.over(source, result, meaning, hidden)
