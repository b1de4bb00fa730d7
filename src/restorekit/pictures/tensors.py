"""Pixels as tensors and back, of arrays and of PIL images; picture files as PIL images.

A PIL image carries what a tensor cannot: its mode, EXIF, ICC profile. What it cannot carry, colour
of 16 bits and of floats, is a `Picture`; `read_files` reads and `write_files` writes it.
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
from restorekit.pictures.codecs.pillow_files import MODES, info_of
from restorekit.pictures.file_formats import without_claims
from restorekit.pictures.metadata import exif
from restorekit.pictures.picture import Picture, profile_is_of
from restorekit.pictures.pixel_values import Array, from_unit, to_unit
from restorekit.pictures.read_files import read_picture

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
_DEEP = ("uint16", "float32", "int32")  # of gray PIL images
_PLAIN = (np.uint8, np.uint16)  # whose white is the largest value, whatever a picture uses of it


def read_image(path: str | Path) -> Image.Image:
    """Read a picture as a PIL image, upright, its metadata in `.info`.

    Its mode is "L", "LA", "RGB" or "RGBA", or for gray of 16 bits "I;16", and of floats "F".

    Raises:
        ImageFileError: the file cannot be read, holds several pages, or no PIL image can hold it.
    """
    picture = read_picture(path)
    dtype, is_gray = picture.pixels.dtype, picture.channels().ndim == 2
    if picture.extra or not (dtype == np.uint8 or (is_gray and dtype.name in _DEEP)):
        raise ImageFileError(
            f"'{path}' has {picture.pixels.shape[2]} {dtype} channels, which no PIL image holds; "
            "give the array "
            "read_picture(path).pixels (restorekit.pictures.read_files) instead"
        )
    return picture_to_image(picture)


def read_tensor(path: str | Path, channels: Literal[1, 3] | None = None) -> Tensor:
    """Read a picture as (C, H, W): uint8 where 8 bits hold all there is, else float32 in [0, 1].

    Args:
        path: the file.
        channels: 3 for colour (gray is repeated), 1 for gray (0.299 R + 0.587 G + 0.114 B), None
            for what the file holds.

    Raises:
        ImageFileError: the file cannot be read, or holds several pages.
    """
    picture = read_picture(path)
    levels = picture.pixels
    if channels is not None:
        levels = _with_channels(levels, channels)
    if levels.dtype == np.uint8:
        return torch.from_numpy(levels).movedim(2, 0)
    return pixels_to_tensor(
        levels, picture.white if levels.dtype not in _PLAIN else None, picture.black
    )


def to_float(image: Tensor) -> Tensor:
    """What `read_tensor` gives, or a batch of it, as float32 in [0, 1]."""
    return image.contiguous().float() / (255 if image.dtype == torch.uint8 else 1)


def picture_to_image(picture: Picture) -> Image.Image:
    """A picture as a PIL image with its metadata: of 8 bits, or gray of any depth."""
    image = Image.fromarray(picture.channels())
    # Nothing is attached to a PIL image.
    image.info.update(info_of(without_claims(replace(picture.metadata, attached=None))))
    return image


def pixels_to_tensor(pixels: Array, white: float | None = None, black: float = 0.0) -> Tensor:
    """Pixels (H, W, C) of any depth as float32 (C, H, W) on the [0, 1] scale.

    Args:
        pixels: as those of a `Picture`.
        white: which value is 1; None for the largest of an integer type, and 1 of floats.
        black: which value is 0.
    """
    unit = to_unit(pixels, white, black)
    return torch.from_numpy(unit).movedim(2, 0).contiguous()


def tensor_to_pixels(
    tensor: Tensor, dtype: np.dtype[Any], white: float | None = None, black: float = 0.0
) -> Array:
    """A float (C, H, W) tensor as pixels (H, W, C); integers are rounded and clamped.

    Args:
        tensor: on the [0, 1] scale.
        dtype: one that a `Picture` has; floats are not clamped.
        white: as for `pixels_to_tensor`.
        black: as for `pixels_to_tensor`.
    """
    pixels = tensor.detach().float().movedim(0, 2).contiguous().cpu().numpy()
    return from_unit(pixels, dtype, white, black)


def split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The picture without its transparency, as "L" or "RGB", and its alpha as "L", if it has one.

    Raises:
        InputError: its mode is not one of 8 bits.
    """
    _check_mode(image)
    gray = image.mode in ("1", "L", "LA")
    alpha = None
    if image.has_transparency_data:
        image = image.convert("LA" if gray else "RGBA")
        alpha = image.getchannel("A")
    return image.convert("L" if gray else "RGB"), alpha


def copy_metadata(source: Image.Image, target: Image.Image) -> None:
    """Give `target` all the metadata of `source` that still holds for its pixels."""
    info = dict(source.info)
    info.pop("transparency", None)
    profile = info.get("icc_profile")
    space = b"RGB " if target.mode.startswith("RGB") else b"GRAY"
    if not isinstance(profile, bytes) or not profile_is_of(profile, space):
        info.pop("icc_profile", None)
    # Of a TIFF, Pillow has no block, but the directories themselves.
    if source.format == "TIFF" and (block := exif.descriptive(source.getexif())):
        info["exif"] = exif.PREFIX + block
    target.info.update(info)


def _with_channels(levels: Array, channels: int) -> Array:
    """(H, W, C) with as many channels as wanted: gray repeated, or colour as its luma."""
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
