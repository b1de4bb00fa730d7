"""Conversion of pixels to tensors and back, and reading picture files as PIL images or tensors.

PIL images have a mode, EXIF and an ICC profile, which tensors lack. They cannot represent colour of
16 bits or floats; for these, `read_files` and `write_files` use `Picture`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from restorekit.errors import ImageFileError, InputError
from restorekit.luma import LUMA as LUMA
from restorekit.pictures.codecs.pillow_files import MODES, info_of
from restorekit.pictures.metadata import exif, xmp
from restorekit.pictures.metadata.left_out import without_claims
from restorekit.pictures.picture import Picture, profile_is_of
from restorekit.pictures.pixel_values import Array, from_unit, to_unit
from restorekit.pictures.read_files import read_picture

_DEEP = ("uint16", "float32", "int32")  # types of gray PIL images
_PLAIN = (np.uint8, np.uint16)  # white is always the largest value


def read_image(path: str | Path) -> Image.Image:
    """Read a picture as an upright PIL image, with its metadata in `.info`.

    The mode is "L", "LA", "RGB" or "RGBA", "I;16" for gray of 16 bits, and "F" for gray floats.

    Raises:
        ImageFileError: the file cannot be read, holds several pages, or has pixels that PIL images
            cannot represent.
    """
    picture = read_picture(path)
    dtype, is_gray = picture.pixels.dtype, picture.channels().ndim == 2
    if picture.extra or not (dtype == np.uint8 or (is_gray and dtype.name in _DEEP)):
        raise ImageFileError(
            f"'{path}' has {picture.pixels.shape[2]} {dtype} channels, which a PIL image "
            "cannot represent; use the array "
            "read_picture(path).pixels (restorekit.pictures.read_files) instead"
        )
    return picture_to_image(picture)


def read_tensor(path: str | Path, channels: Literal[1, 3] | None = None) -> Tensor:
    """Read a picture as (C, H, W): uint8 for 8-bit pictures, float32 in [0, 1] for all others.

    Args:
        path: the file.
        channels: 3 for colour (gray is repeated), 1 for gray (0.299 R + 0.587 G + 0.114 B), None
            for those of the file.

    Raises:
        ImageFileError: the file cannot be read, or holds several pages.
    """
    picture = read_picture(path)
    levels = picture.pixels
    if channels is not None:
        levels = _with_channels(levels, channels)
    # A quarter of the memory in caches and between processes; `to_float` converts later.
    if levels.dtype == np.uint8:
        return torch.from_numpy(levels).movedim(2, 0)
    return pixels_to_tensor(
        levels, picture.white if levels.dtype not in _PLAIN else None, picture.black
    )


def to_float(image: Tensor) -> Tensor:
    """Convert the result of `read_tensor`, or a batch of such, to float32 in [0, 1]."""
    return image.contiguous().float() / (255 if image.dtype == torch.uint8 else 1)


def picture_to_image(picture: Picture) -> Image.Image:
    """Convert a picture of 8 bits, or a gray one of any depth, to a PIL image with metadata."""
    image = Image.fromarray(picture.channels())
    # PIL images cannot carry attachments, so XMP must not refer to them.
    image.info.update(info_of(without_claims(replace(picture.metadata, attached=None))))
    if tables := picture.metadata.quantization:
        setattr(image, "quantization", dict(enumerate(map(list, tables))))  # noqa: B010
    return image


def pixels_to_tensor(pixels: Array, white: float | None = None, black: float = 0.0) -> Tensor:
    """Convert pixels (H, W, C) of any depth to float32 (C, H, W) on the [0, 1] scale.

    Args:
        pixels: of a type that a `Picture` supports.
        white: the value that becomes 1; None for the largest of an integer type, and 1 of floats.
        black: the value that becomes 0.
    """
    unit = to_unit(pixels, white, black)
    return torch.from_numpy(unit).movedim(2, 0).contiguous()


def tensor_to_pixels(
    tensor: Tensor, dtype: np.dtype[Any], white: float | None = None, black: float = 0.0
) -> Array:
    """Convert a float tensor (C, H, W) to pixels (H, W, C); integers are rounded and clamped.

    Args:
        tensor: on the [0, 1] scale.
        dtype: a type that a `Picture` supports; floats are not clamped.
        white: as in `pixels_to_tensor`.
        black: as in `pixels_to_tensor`.
    """
    pixels = tensor.detach().float().movedim(0, 2).contiguous().cpu().numpy()
    return from_unit(pixels, dtype, white, black)


def split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Split an image into "L" or "RGB" without transparency, and its alpha as "L", or None.

    Raises:
        InputError: the mode is not an 8-bit one.
    """
    _check_mode(image)
    gray = image.mode in ("1", "L", "LA")
    alpha = None
    if image.has_transparency_data:
        image = image.convert("LA" if gray else "RGBA")
        alpha = image.getchannel("A")
    return image.convert("L" if gray else "RGB"), alpha


def copy_metadata(source: Image.Image, target: Image.Image) -> None:
    """Copy the metadata of `source` that is still valid for the pixels of `target`."""
    info = dict(source.info)
    # It names one colour or entry of a palette, which the restored pixels no longer have.
    info.pop("transparency", None)
    profile = info.get("icc_profile")
    space = b"RGB " if target.mode.startswith("RGB") else b"GRAY"
    if not isinstance(profile, bytes) or not profile_is_of(profile, space):
        info.pop("icc_profile", None)
    if block := _exif_block(source):
        # A viewer would show the thumbnail of the source for the target.
        info["exif"] = exif.PREFIX + exif.without_thumbnail(block)
    target.info.update(info)


def state_size(source: Image.Image, target: Image.Image) -> None:
    """Let the metadata of `target`, which was copied from `source`, state its own size."""
    if block := _exif_block(source):
        target.info["exif"] = exif.PREFIX + exif.sized(block, target.size, source.size)
    if isinstance(packet := target.info.get("xmp"), bytes):
        target.info["xmp"] = xmp.sized(packet, *target.size)


def _exif_block(image: Image.Image) -> bytes | None:
    # For a TIFF, Pillow has directories instead of an EXIF block.
    if image.format == "TIFF" and (block := exif.descriptive(image.getexif())):
        return block
    return exif.without_prefix(image.info.get("exif"))


def _with_channels(levels: Array, channels: int) -> Array:
    """Convert (H, W, C) to 1 or 3 channels: gray is repeated, colour becomes its luma."""
    if levels.shape[2] == channels:
        return levels
    if levels.shape[2] not in (1, 3):
        raise InputError(f"a picture of {levels.shape[2]} channels is neither gray nor colour")
    if channels == 3:
        return np.repeat(levels, 3, axis=2)
    luma = levels.astype(np.float32) @ np.array(LUMA, np.float32)[:, None]
    return (luma if levels.dtype.kind == "f" else np.rint(luma)).astype(levels.dtype)


def _check_mode(image: Image.Image) -> None:
    if image.mode not in MODES:
        near = {"La": "LA", "RGBa": "RGBA", "HSV": "RGB"}.get(image.mode)
        hint = f"; image.convert('{near}') has" if near else ""
        raise InputError(
            f"a picture of mode '{image.mode}' has no 8-bit gray or colour pixels{hint}"
        )
