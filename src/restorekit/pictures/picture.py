"""A picture in memory: its pixels at full depth, and what its file says besides them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from restorekit.errors import InputError
from restorekit.pictures.metadata.attachments import Attachments
from restorekit.pictures.metadata.program_notes import Note, with_other_values

Array = np.ndarray[Any, Any]
Depth = Literal[8, 16, "float"]

# The largest picture that is read, in every format: twice what phones take, and a third of what a
# machine of 4 GB could hold. A file of a few bytes may claim any size.
MAX_PIXELS = 400_000_000

DTYPES: Mapping[Depth, np.dtype[Any]] = {
    8: np.dtype(np.uint8),
    16: np.dtype(np.uint16),
    "float": np.dtype(np.float32),
}
# The types that pixels may have in memory, and in a TIFF.
TYPES = frozenset(map(np.dtype, ("u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8")))
_WIDE = frozenset(map(np.dtype, ("u4", "i4", "f8")))  # more digits than float32 has
_LARGEST_EXACT = 2**24  # integer, in float32
# Conversions go in bands, so that no copy of a whole picture is made on the way.
_ROWS_AT_ONCE = 256
# A sensor's 10 or 12 bits often lie in the low bits of 16; 14 bits and more fill the range.
_FULL_16_BIT = 2**14


class PictureError(Exception):
    """Why a file cannot be read or written; whoever knows its name tells it."""


@dataclass(frozen=True)
class Metadata:
    """What a file says of its pixels and their making.

    Attributes:
        exif: an EXIF block, without the "Exif" in front of it; its orientation is upright.
        icc_profile: the colours that the pixel values mean.
        dpi: horizontal and vertical resolution, in pixels per inch.
        xmp: an XMP packet.
        colour_chunks: PNG's own way to say what the values mean (gAMA, cHRM, sRGB, cICP, mDCV,
            cLLI), as they are in the file; no other format can hold them.
        density: the same in pixels per a unit that a TIFF does not say, as ImageJ writes its
            micrometres; no other format can hold it.
        text_chunks: PNG's texts (tEXt, zTXt, iTXt), as they are in the file.
        comment: that of a JPEG.
        iptc: an IPTC record, of a JPEG or TIFF: a press agency's caption, names and places.
        ink: whether the pixels were ink (CMYK) in the file, and were turned into RGB.
        alpha: what the alpha of a TIFF is, in that format's words. The colour of "associated" alpha
            is multiplied with it.
        alpha_place: where among the other channels after gray or colour it is; None for the last.
        attached: what follows the picture in a JPEG: a gain map, further views, a video.
        notes: what programs note in a TIFF; no other format can hold it.
        is_bilevel: whether each pixel is one bit in the file.
        left_out: what the file holds besides, and none of these fields does, in the user's words.
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
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Picture:
    """One picture, upright.

    Attributes:
        pixels: (H, W, C) of 8, 16 or 32-bit integers, signed or not, or of floats. C is 1 for gray
            and 3 for colour, and `extra` more.
        alpha: (H, W) of the same type, or None; that of integers spans their whole range.
        metadata: what to keep when the picture is written again.
        white: the value that is white, 4095 of a 12-bit camera's uint16; None for the largest of
            an integer type, and 1 of floats. What is read has that of `range_of`, and restored
            pixels keep it. Values may lie beyond it.
        black: the value that is black.
        extra: how many channels follow gray or colour: near infrared, other dyes.
        no_data: a value that stands for none, as GDAL notes it.
        left_alone: whether its values are those of its file, which may then be copied.

    Raises:
        InputError: the arrays are no such pixels.
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
            beside = f", with {self.extra} channels more" if self.extra else ""
            raise InputError(f"a picture's pixels are (H, W, 1) or (H, W, 3){beside}, not {shape}")
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
        """How many of the first channels are gray (1) or colour (3)."""
        return int(self.pixels.shape[2]) - self.extra

    @property
    def has_own_range(self) -> bool:
        """Whether black and white are those of no convention, as of a detector's counts."""
        plain = self.pixels.dtype in (np.uint8, np.uint16)
        return not plain and (self.black, self.white or 1.0) != (0.0, 1.0)

    @property
    def nbytes(self) -> int:
        """The memory that the pixels take."""
        return self.pixels.nbytes + (0 if self.alpha is None else self.alpha.nbytes)

    @property
    def bits(self) -> Array | None:
        """(H, W) of bool where one bit holds a pixel, as in its file; None for more."""
        holds = self.metadata.is_bilevel and self.pixels.dtype == np.uint8
        if not holds or self.pixels.shape[2] != 1 or self.alpha is not None:
            return None
        bits: Array = self.pixels[..., 0] > 127
        return bits

    @property
    def is_opaque(self) -> bool:
        """Whether nothing shines through."""
        return self.alpha is None or bool(self.alpha.min() >= full_scale(self.alpha.dtype))

    def astype(self, dtype: np.dtype[Any]) -> Picture:
        """The picture at another depth; itself where it has that one. See `rescale`."""
        if self.pixels.dtype == dtype:
            return self
        alpha = None if self.alpha is None else rescale(self.alpha, dtype)
        pixels = rescale(self.pixels, dtype, self.white, self.black)
        notes, lost = with_other_values(self.metadata.notes)
        left_out = tuple(dict.fromkeys((*self.metadata.left_out, *lost)))
        metadata = replace(self.metadata, notes=notes, left_out=left_out)
        return replace(
            self, pixels=pixels, alpha=alpha, metadata=metadata, white=None, black=0.0, no_data=None
        )

    def channels(self) -> Array:
        """(H, W) or (H, W, C) with alpha as the last channel, as files hold them."""
        if self.alpha is not None:
            return np.concatenate([self.pixels, self.alpha[..., None]], axis=2)
        return self.pixels[..., 0] if self.pixels.shape[2] == 1 else self.pixels


def profile_is_of(profile: bytes, space: bytes) -> bool:
    """Whether an ICC profile, which names its colour space in bytes 16 to 20, is of that one."""
    return profile[16:20] == space


def full_scale(dtype: np.dtype[Any]) -> float:
    """The value that stands for 1.0: 255, 65535, or 1 for floats."""
    return 1.0 if dtype.kind == "f" else float(np.iinfo(dtype).max)


def white_of(pixels: Array) -> int:
    """The value that stands for 1.0 in a whole picture of integers.

    Cameras store 10 or 12 bits in 16: where no value of uint16 reaches 2^14, white is the next
    power of two less one, and 255 at least. Otherwise it is the largest that the type holds.
    """
    if pixels.dtype != np.uint16 or (highest := int(pixels.max(initial=0))) >= _FULL_16_BIT:
        return int(full_scale(pixels.dtype))
    return max(1 << highest.bit_length(), 256) - 1


def rescale(
    values: Array, dtype: np.dtype[Any], white: float | None = None, black: float = 0.0
) -> Array:
    """Values at another depth: white stays white, black becomes 0.

    Integers are rounded, and clamped to black and white first; NaN becomes black in them. From 8 to
    16 bits and back is exact, and so is any integer of these to float and back.

    Args:
        values: at their own depth.
        dtype: the type that they get.
        white: which of the values is white; None for the largest that their type holds.
        black: which of the values is black.
    """
    if values.dtype == dtype:
        return values
    result = np.empty(values.shape, dtype)
    for top in range(0, len(values), _ROWS_AT_ONCE):
        band = to_unit(values[top : top + _ROWS_AT_ONCE], white, black, None)
        result[top : top + _ROWS_AT_ONCE] = from_unit(band, dtype)
    return result


def to_unit(
    values: Array,
    white: float | None = None,
    black: float = 0.0,
    dtype: type[np.floating[Any]] | None = np.float32,
) -> Array:
    """Values as floats with black 0 and white 1, of a type that holds all their digits for None.

    A copy. See `rescale`.
    """
    white = full_scale(values.dtype) if white is None else white
    unit = values.astype(_working(values.dtype, black, white))
    with np.errstate(over="ignore"):  # what is beyond a type's range becomes infinite
        if black:
            unit -= unit.dtype.type(black)
        unit /= unit.dtype.type(white - black)
        return unit if dtype is None else unit.astype(dtype, copy=False)


def from_unit(
    unit: Array, dtype: np.dtype[Any], white: float | None = None, black: float = 0.0
) -> Array:
    """Floats with black 0 and white 1 as values of another type; see `rescale`."""
    white = full_scale(dtype) if white is None else white
    working = np.promote_types(unit.dtype, _working(dtype, black, white)).type
    values = unit.astype(working)
    if dtype.kind in "ui":
        np.nan_to_num(np.clip(values, 0, 1, out=values), copy=False)
    values *= working(white - black)
    if black:
        values += working(black)
    if dtype.kind in "ui":
        np.rint(values, out=values)
    return values.astype(dtype, copy=False)


def _working(dtype: np.dtype[Any], black: float, white: float) -> type[np.floating[Any]]:
    """The type of float that holds all digits of another type in a range."""
    is_wide = dtype in _WIDE or max(abs(black), abs(white)) > _LARGEST_EXACT
    return np.float64 if is_wide else np.float32


def separate_alpha(picture: Picture) -> Picture:
    """The picture with colour that is not multiplied with its alpha, as PNG and WebP hold it."""
    if picture.alpha is None or picture.metadata.alpha != "associated":
        return picture
    one = full_scale(picture.pixels.dtype)
    alpha = picture.alpha[..., None].astype(np.float32) / np.float32(one)
    colour = np.divide(
        picture.pixels, alpha, where=alpha > 0, out=np.zeros(picture.pixels.shape, np.float32)
    )
    if picture.pixels.dtype.kind == "u":
        colour = np.clip(np.rint(colour), 0, one)
    metadata = replace(picture.metadata, alpha="unassociated")
    return replace(picture, pixels=colour.astype(picture.pixels.dtype), metadata=metadata)


def check_size(width: int, height: int, limit: int | None = None) -> None:
    """Refuse a size before anything of it is decoded.

    Args:
        width: of the picture, in pixels.
        height: likewise.
        limit: how many pixels the format's decoder can take, where that is fewer than `MAX_PIXELS`.

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
    """The type that pixels are written with.

    Args:
        dtype: the type that they have.
        depths: those of the format, ascending.
        depth: the one that is asked for; None for the pixels' own, or the nearest of the format. A
            format that holds floats holds every type.

    Raises:
        PictureError: the format cannot hold what is asked for.
    """
    if depth is None:
        is_held = "float" in depths or dtype in [DTYPES[depth] for depth in depths]
        return dtype if is_held else DTYPES[depths[-1]]
    if depth not in depths:
        held = " or ".join("float" if d == "float" else f"{d}-bit" for d in depths)
        raise PictureError(f"its format holds {held} channels, not {depth}")
    return DTYPES[depth]
