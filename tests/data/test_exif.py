"""EXIF blocks: orientation, and the way into a TIFF and back."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from restorekit.data import exif

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def block(orientation: int, order: str = "<") -> bytes:
    """A block as cameras write it: make, orientation, exposure time, and a thumbnail's entry."""
    tags = Image.Exif()
    tags.endian = order
    tags[0x010F], tags[0x0112] = "a maker of cameras", orientation
    tags.get_ifd(0x8769)[0x829A] = 0.25
    return tags.tobytes()[6:]


def tags_of(found: bytes) -> Image.Exif:
    tags = Image.Exif()
    tags.load(b"Exif\x00\x00" + found)
    return tags


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_found_and_undone(orientation: int, order: str) -> None:
    """It is what was written, and 1 afterwards; everything else in the block stays."""
    written = block(orientation, order)
    assert exif.orientation_of(written) == orientation
    patched = exif.upright(written)
    assert exif.orientation_of(patched) == 1
    assert len(patched) == len(written)
    assert tags_of(patched)[0x010F] == "a maker of cameras"
    assert tags_of(patched).get_ifd(0x8769)[0x829A] == 0.25


def test_thumbnail_is_left_behind_when_turned() -> None:
    """The first directory says that none follows, where one did."""
    written = bytearray(block(6))
    (count,) = struct.unpack_from("<H", written, 8)
    struct.pack_into("<I", written, 10 + 12 * count, 4711)
    patched = exif.upright(bytes(written))
    assert struct.unpack_from("<I", patched, 10 + 12 * count) == (0,)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_is_what_pil_does(orientation: int) -> None:
    """Each of the eight orientations agrees with PIL's own transposition."""
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    image = Image.fromarray(pixels)
    expected = image.transpose(TURNS[orientation]) if orientation > 1 else image
    assert np.array_equal(exif.turn(pixels, orientation), np.asarray(expected))
    gray = exif.turn(pixels[..., 0], orientation)
    assert np.array_equal(gray, np.asarray(expected)[..., 0])


@given(st.binary(max_size=60), st.sampled_from([b"", b"II*\x00", b"MM\x00*"]))
def test_any_bytes_are_a_block_or_are_not(junk: bytes, head: bytes) -> None:
    """Damaged blocks are upright, and raise nothing."""
    damaged = head + junk
    assert exif.orientation_of(damaged) in range(1, 9)
    assert len(exif.upright(damaged)) == len(damaged)
    exif.to_tiff(damaged)


@pytest.mark.parametrize("value", [0, 9, 300])
def test_orientations_that_do_not_exist(value: int) -> None:
    """A number that means nothing is upright."""
    assert exif.orientation_of(block(value)) == 1
    assert exif.orientation_of(None) == 1


def test_xmp_is_turned_as_well() -> None:
    """Both ways to write the orientation in an XMP packet become 1, and nothing else changes."""
    packet = b'<a tiff:Orientation="6" tiff:Make="6"/><tiff:Orientation>8</tiff:Orientation>'
    expected = b'<a tiff:Orientation="1" tiff:Make="6"/><tiff:Orientation>1</tiff:Orientation>'
    assert exif.upright_xmp(packet) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (b"Exif\x00\x00II", b"II"),
        (b"II", b"II"),
        (b"", None),
        (b"Exif\x00\x00", None),
        (None, None),
    ],
)
def test_prefix_is_taken_off(given: object, expected: bytes | None) -> None:
    """Some formats put a word before the block."""
    assert exif.bare(given) == expected
