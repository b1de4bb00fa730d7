"""A picture in memory: its pixels at full depth, and its metadata."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from restorekit.errors import InputError
from restorekit.pictures.metadata.attachments import Attachments
from restorekit.pictures.metadata.program_notes import Note, with_other_values
from restorekit.pictures.pixel_values import DTYPES, TYPES, Array, Depth, full_scale, rescale

# The largest picture that is read, in any format: twice the size of those of phones, and a third of
# what fits in 4 GB. A limit is needed because a file of a few bytes can declare any size.
MAX_PIXELS = 400_000_000


class PictureError(Exception):
    """Why a file cannot be read or written. The caller adds the name of the file."""


@dataclass(frozen=True)
class Metadata:
    """Metadata of a picture file.

    Attributes:
        exif: an EXIF block without the "Exif" prefix; its orientation is upright.
        icc_profile: an ICC profile, which defines the colours of the pixel values.
        dpi: horizontal and vertical resolution, in pixels per inch.
        xmp: an XMP packet.
        colour_chunks: the colour chunks of a PNG (gAMA, cHRM, sRGB, cICP, mDCV, cLLI), unchanged.
            Only PNG can hold them.
        density: resolution of a TIFF in pixels per unspecified unit, as ImageJ writes micrometres.
            Only TIFF can hold it.
        text_chunks: the text chunks of a PNG (tEXt, zTXt, iTXt), unchanged.
        comment: the comment of a JPEG.
        iptc: the IPTC record of a JPEG or TIFF, for example caption, names and places.
        ink: whether the file has CMYK pixels, which were converted to RGB.
        alpha: the kind of alpha in a TIFF. The colour is multiplied by "associated" alpha.
        alpha_place: index of alpha among the channels after gray or colour; None for the last.
        attached: what follows the picture in a JPEG: a gain map, further views, a video.
        notes: notes of programs in a TIFF. Only TIFF can hold them.
        is_bilevel: whether the file has one bit per pixel.
        quantization: the quantization tables of a JPEG, luma first, of 64 values each in rows. They
            describe the pixels and are not written.
        left_out: names of the other metadata of the file, which is not kept.
    """

    exif: bytes | None = None
    icc_profile: bytes | None = None
    dpi: tuple[float, float] | None = None
    xmp: bytes | None = None
    colour_chunks: tuple[tuple[bytes, bytes], ...] = ()
    density: tuple[float, float] | None = None
    text_chunks: tuple[tuple[bytes, bytes], ...] = ()
    comment: bytes | None = None
    iptc: bytes | None = None
    ink: bool = False
    alpha: Literal["unassociated", "associated"] = "unassociated"
    alpha_place: int | None = None
    attached: Attachments | None = None
    notes: tuple[Note, ...] = ()
    is_bilevel: bool = False
    quantization: tuple[tuple[int, ...], ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Picture:
    """One picture, upright.

    Attributes:
        pixels: (H, W, C) of 8, 16 or 32-bit integers, signed or not, or of floats. C is 1 for gray
            or 3 for colour, plus `extra`.
        alpha: (H, W) of the same type, or None; for integers, it uses their whole range.
        metadata: the metadata to keep when the picture is written.
        white: the value that is white, for example 4095 for 12 bits in uint16; None for the largest
            of an integer type, and 1 of floats. `range_of` finds it when a file is read, and
            restored pixels keep it. Values may exceed it.
        black: the value that is black.
        extra: number of channels after gray or colour, for example near infrared.
        no_data: the value of pixels without data, from GDAL's metadata.
        left_alone: whether the values are those of the file, which may then be copied.

    Raises:
        InputError: the arrays have another shape or type.
    """

    pixels: Array
    alpha: Array | None = None
    metadata: Metadata = field(default_factory=Metadata)
    white: float | None = None
    black: float = 0.0
    extra: int = 0
    no_data: float | None = None
    left_alone: bool = False

    def __post_init__(self) -> None:
        shape, dtype = self.pixels.shape, self.pixels.dtype
        if len(shape) != 3 or self.extra < 0 or self.colours not in (1, 3) or not self.pixels.size:
            more = f" plus {self.extra} extra channels" if self.extra else ""
            raise InputError(f"a picture's pixels are (H, W, 1) or (H, W, 3){more}, not {shape}")
        if dtype not in TYPES:
            raise InputError(
                f"a picture's pixels are of 8, 16 or 32-bit integers or of floats, not {dtype}"
            )
        if self.alpha is not None and (self.alpha.shape, self.alpha.dtype) != (shape[:2], dtype):
            raise InputError(
                f"a picture's alpha is {shape[:2]} of {dtype}, "
                f"not {self.alpha.shape} of {self.alpha.dtype}"
            )

    @property
    def colours(self) -> int:
        """Number of leading channels that are gray (1) or colour (3)."""
        return int(self.pixels.shape[2]) - self.extra

    @property
    def has_own_range(self) -> bool:
        """Whether black and white do not follow a convention, for example counts of a detector."""
        plain = self.pixels.dtype in (np.uint8, np.uint16)
        return not plain and (self.black, self.white or 1.0) != (0.0, 1.0)

    @property
    def nbytes(self) -> int:
        """Size of the pixels in bytes."""
        return self.pixels.nbytes + (0 if self.alpha is None else self.alpha.nbytes)

    @property
    def bits(self) -> Array | None:
        """The pixels as bool, (H, W), if the file has one bit per pixel; otherwise None."""
        holds = self.metadata.is_bilevel and self.pixels.dtype == np.uint8
        if not holds or self.pixels.shape[2] != 1 or self.alpha is not None:
            return None
        # Restored pixels are gray again, so the nearest of the two values is stored.
        bits: Array = self.pixels[..., 0] > 127
        return bits

    @property
    def is_opaque(self) -> bool:
        """Whether no pixel is transparent."""
        return self.alpha is None or bool(self.alpha.min() >= full_scale(self.alpha.dtype))

    def astype(self, dtype: np.dtype[Any]) -> Picture:
        """Convert to another depth, or return the picture itself if it has that. See `rescale`."""
        if self.pixels.dtype == dtype:
            return self
        alpha = None if self.alpha is None else rescale(self.alpha, dtype)
        # Alpha above has no black and white of its own: it always uses the whole range.
        pixels = rescale(self.pixels, dtype, self.white, self.black)
        notes, lost = with_other_values(self.metadata.notes)
        left_out = tuple(dict.fromkeys((*self.metadata.left_out, *lost)))
        metadata = replace(self.metadata, notes=notes, left_out=left_out)
        return replace(
            self, pixels=pixels, alpha=alpha, metadata=metadata, white=None, black=0.0, no_data=None
        )

    def channels(self) -> Array:
        """The channels as stored in files: (H, W), or (H, W, C) with alpha last."""
        if self.alpha is not None:
            return np.concatenate([self.pixels, self.alpha[..., None]], axis=2)
        return self.pixels[..., 0] if self.pixels.shape[2] == 1 else self.pixels


def profile_is_of(profile: bytes, space: bytes) -> bool:
    """Whether an ICC profile has a colour space; bytes 16 to 20 name it."""
    return profile[16:20] == space


def separate_alpha(picture: Picture) -> Picture:
    """Convert associated alpha to unassociated, which is the only kind in PNG and WebP."""
    if picture.alpha is None or picture.metadata.alpha != "associated":
        return picture
    one = full_scale(picture.pixels.dtype)
    alpha = picture.alpha[..., None].astype(np.float32) / np.float32(one)
    # Where alpha is 0, the colour is unknown and stays black.
    colour = np.divide(
        picture.pixels, alpha, where=alpha > 0, out=np.zeros(picture.pixels.shape, np.float32)
    )
    if picture.pixels.dtype.kind == "u":
        colour = np.clip(np.rint(colour), 0, one)
    metadata = replace(picture.metadata, alpha="unassociated")
    return replace(picture, pixels=colour.astype(picture.pixels.dtype), metadata=metadata)


def check_size(width: int, height: int, limit: int | None = None) -> None:
    """Check the size of a picture before it is decoded.

    Args:
        width: width in pixels.
        height: height in pixels.
        limit: largest number of pixels of the decoder, if it is below `MAX_PIXELS`.

    Raises:
        PictureError: there are no pixels, or too many.
    """
    most = MAX_PIXELS if limit is None else min(limit, MAX_PIXELS)
    if width < 1 or height < 1:
        raise PictureError("it has no pixels")
    if width * height > most:
        raise PictureError(
            f"it has {width * height / 1e6:.4g} megapixels; at most {most / 1e6:.4g} can be read"
        )


def depth_for(
    dtype: np.dtype[Any], depths: tuple[Depth, ...], depth: Depth | None
) -> np.dtype[Any]:
    """The type of pixels in a file.

    Args:
        dtype: the type of the pixels.
        depths: the depths of the format, ascending.
        depth: the requested depth; None keeps that of the pixels, or uses the deepest of the
            format. A format that holds floats holds every type.

    Raises:
        PictureError: the format does not hold the requested depth.
    """
    if depth is None:
        is_held = "float" in depths or dtype in [DTYPES[depth] for depth in depths]
        return dtype if is_held else DTYPES[depths[-1]]
    if depth not in depths:
        held = " or ".join("float" if d == "float" else f"{d}-bit" for d in depths)
        raise PictureError(f"its format holds {held} channels, not {depth}")
    return DTYPES[depth]
