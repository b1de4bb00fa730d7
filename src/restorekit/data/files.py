"""Image files in and out: 8-bit gray, colour and palette pictures, with or without alpha.

A picture is a `PIL.Image.Image` here, for it carries what a tensor cannot: its mode, EXIF, ICC
profile. Pictures of more than 8 bits per channel are refused, rather than cut down unasked.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from restorekit.atomic import atomic_path
from restorekit.errors import DataError, ImageFileError, InputError, did_you_mean


@dataclass(frozen=True)
class Writer:
    """How files of one suffix are written: PIL's format and options, and whether it has alpha."""

    format: str
    alpha: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)


# JPEG without chroma subsampling, which would blur what was just restored. WebP lossless for the
# same reason: its lossy form always halves the resolution of colour. `exact` keeps the colour of
# fully transparent pixels.
_JPEG = Writer("JPEG", alpha=False, options={"quality": 95, "subsampling": "4:4:4"})
_TIFF = Writer("TIFF", options={"compression": "tiff_adobe_deflate"})
WRITERS: Mapping[str, Writer] = {
    ".png": Writer("PNG"),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".bmp": Writer("BMP", alpha=False),
    ".webp": Writer("WEBP", options={"lossless": True, "exact": True}),
}
SUFFIXES = tuple(WRITERS)
_READERS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
_MODE_OF_CHANNELS = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
# What an EXIF block may say of its own file's layout, and must not say of a new TIFF's.
_LAYOUT_TAGS = (*range(254, 260), 262, 266, 273, *range(277, 280), 284, 317, *range(322, 326), 338)


def find_images(folder: str | Path) -> list[Path]:
    """Every image file below a folder, sorted by path.

    Found by suffix, in either case. Hidden files and folders are passed over, and links to folders
    are not followed.

    Raises:
        DataError: there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        problem = "is a file, not a folder" if folder.exists() else "does not exist"
        raise DataError(f"folder '{folder}' {problem}.{_nearest(folder, folders=True)}")
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, name) for name in files if _is_image_name(name)]
    return sorted(found)


def read_image(path: str | Path) -> Image.Image:
    """Read a picture whole, turned upright by its EXIF orientation, its metadata in `.info`.

    The format is told by the content, not by the suffix. Warnings of the decoder are silenced: a
    picture can be used, or it is refused.

    Raises:
        ImageFileError: the file is missing, empty, damaged, no picture of a known format, larger
            than twice `PIL.Image.MAX_IMAGE_PIXELS`, of several pages, or not of 8 bits.
    """
    path = Path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decode(path)
    except ImageFileError:
        raise
    except Exception as error:  # decoders raise anything when fed with damaged files
        raise ImageFileError(f"cannot read '{path}': {_cause(path, error)}") from error


def write_image(image: Image.Image, path: str | Path, like: Image.Image | None = None) -> None:
    """Write a picture in the format of the path's suffix; the file appears whole or not at all.

    JPEG is written with quality 95 and full-resolution colour, everything else without loss.

    Args:
        image: an 8-bit picture.
        path: where to; missing folders are made, an existing file is replaced.
        like: the picture whose EXIF and ICC profile to keep, `image` itself where it is None.
            A profile made for another kind of colour (CMYK, gray) is left out.

    Raises:
        ImageFileError: the suffix is unknown, the format cannot hold the picture's transparency,
            or the file cannot be written.
    """
    path = Path(path)
    writer = writer_for(path)
    _check_mode(image)
    if not writer.alpha:
        image = _opaque(image, path)
    metadata = _metadata(image if like is None else like, image.mode, writer.format)
    try:
        with atomic_path(path) as temporary:
            image.save(temporary, format=writer.format, **writer.options, **metadata)
    except (OSError, ValueError) as error:
        raise ImageFileError(f"cannot write '{path}': {_first_line(error)}") from error


def writer_for(path: str | Path) -> Writer:
    """How a file of that suffix is written.

    Raises:
        ImageFileError: no format has this suffix.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in WRITERS:
        given = f"with suffix '{suffix}'" if suffix else "without a suffix"
        raise ImageFileError(
            f"cannot write '{path}' {given}.{did_you_mean(suffix, SUFFIXES)} "
            f"One of: {', '.join(SUFFIXES)}"
        )
    return WRITERS[suffix]


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
    if not _profile_fits(info.get("icc_profile"), target.mode):
        info.pop("icc_profile", None)
    target.info.update(info)


def image_to_bytes(image: Image.Image) -> Tensor:
    """A picture's pixels as (C, H, W) uint8, C = 1 for gray and 3 for all else; alpha left out."""
    pixels = np.array(split_alpha(image)[0])
    return torch.from_numpy(pixels if pixels.ndim == 3 else pixels[..., None]).movedim(2, 0)


def image_to_tensor(image: Image.Image) -> Tensor:
    """A picture as float32 (C, H, W) in [0, 1], C = 1 for gray and 3 for all else; alpha left out.

    Raises:
        InputError: its mode is not one of 8 bits.
    """
    return image_to_bytes(image).contiguous().float() / 255


def tensor_to_image(tensor: Tensor) -> Image.Image:
    """A float (C, H, W) tensor in [0, 1] as an 8-bit picture, clamped and rounded.

    Args:
        tensor: 1 channel for gray, 3 for colour, one more for alpha.

    Raises:
        InputError: another shape or type, or values that are not finite.
    """
    if tensor.ndim != 3 or tensor.shape[0] not in _MODE_OF_CHANNELS or not tensor.numel():
        raise InputError(f"a picture is (C, H, W) with 1 to 4 channels, not {tuple(tensor.shape)}")
    if not tensor.is_floating_point():
        raise InputError(f"a picture's tensor is of floats in [0, 1], not {tensor.dtype}")
    pixels = tensor.detach().float()
    if not bool(torch.isfinite(pixels).all()):
        raise InputError("a picture's values must be finite; some are NaN or infinite")
    levels = (pixels.clamp(0, 1) * 255).round().to(torch.uint8).movedim(0, 2).cpu().numpy()
    return Image.fromarray(levels[..., 0] if tensor.shape[0] == 1 else levels)


def _decode(path: Path) -> Image.Image:
    with Image.open(path, formats=_READERS) as image:
        # A JPEG with further views in it, as phones write them, is an "MPO": its first is meant.
        if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
            raise ImageFileError(f"'{path}' holds several pictures; only single ones can be read")
        if _is_deep(image):
            raise ImageFileError(
                f"'{path}' has more than 8 bits per channel, which cannot be read yet; "
                "convert it to 8 bits first"
            )
        if image.mode not in _MODES:
            raise ImageFileError(f"'{path}' has pixels of kind '{image.mode}', not gray or colour")
        image.load()
        _turn_upright(image)
        return image


def _is_deep(image: Image.Image) -> bool:
    """Whether a channel has more than 8 bits; PIL says "RGB" of 16-bit colour as well."""
    if image.mode.startswith(("I", "F")):
        return True
    # "RGB;16B" in a PNG or TIFF is 16 bits a channel, "BGR;16" in a BMP 16 bits a pixel.
    layouts = [str(tile[3]) for tile in getattr(image, "tile", [])]
    return image.format != "BMP" and any(";16" in text or ";32" in text for text in layouts)


def _turn_upright(image: Image.Image) -> None:
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except Exception:  # damaged metadata is no reason to refuse the pixels
        image.info.pop("exif", None)


def _cause(path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"it does not exist.{_nearest(path)}"
    if isinstance(error, IsADirectoryError) or path.is_dir():
        return "it is a folder"
    if isinstance(error, PermissionError):
        return "permission denied"
    if isinstance(error, Image.DecompressionBombError):
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6
        return f"it has more than the {limit:.3g} megapixels allowed (PIL.Image.MAX_IMAGE_PIXELS)"
    if isinstance(error, UnidentifiedImageError):
        formats = "no PNG, JPEG, TIFF, BMP or WebP picture, or a damaged one"
        return "it is empty" if not path.stat().st_size else f"it is {formats}"
    return f"it is damaged ({_first_line(error)})"


def _opaque(image: Image.Image, path: Path) -> Image.Image:
    colour, alpha = split_alpha(image)
    if alpha is not None and alpha.getextrema() != (255, 255):
        keeping = ", ".join(suffix for suffix, writer in WRITERS.items() if writer.alpha)
        raise ImageFileError(
            f"cannot write '{path}': its format has no transparency and the picture does; "
            f"use one of: {keeping}"
        )
    return colour


def _metadata(source: Image.Image, mode: str, format: str) -> dict[str, Any]:
    profile, exif = source.info.get("icc_profile"), source.info.get("exif")
    kept: dict[str, Any] = {}
    # Always named, since PIL would otherwise take it from `.info`, fitting or not.
    kept["icc_profile"] = profile if _profile_fits(profile, mode) else None
    if isinstance(exif, bytes):
        kept["exif"] = _without_layout(exif) if format == "TIFF" else exif
    return {} if format == "BMP" else kept


def _without_layout(exif: bytes) -> Image.Exif:
    tags = Image.Exif()
    tags.load(exif)
    for tag in _LAYOUT_TAGS:
        tags.pop(tag, None)
    return tags


def _profile_fits(profile: Any, mode: str) -> bool:
    """Whether an ICC profile, which names its colour space in bytes 16 to 20, suits a mode."""
    space = b"GRAY" if mode in ("1", "L", "LA") else b"CMYK" if mode == "CMYK" else b"RGB "
    return isinstance(profile, bytes) and profile[16:20] == space


def _check_mode(image: Image.Image) -> None:
    if image.mode not in _MODES:
        raise InputError(f"a picture of mode '{image.mode}' has no 8-bit gray or colour pixels")


def _is_image_name(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in WRITERS


def _nearest(path: Path, folders: bool = False) -> str:
    parent = path.parent
    if not parent.is_dir():
        return f" Neither does its folder '{parent}'."
    return did_you_mean(path.name, [p.name for p in parent.iterdir() if p.is_dir() == folders])


def _first_line(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
