"""EXIF blocks: orientation, and conversion to and from TIFF."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from restorekit.pictures.metadata import exif
from restorekit.pictures.metadata.exif_entries import entries_of
from restorekit.pictures.picture import Metadata, Picture
from restorekit.pictures.write_files import write_pages

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
    """The orientation is read and then set to 1; the rest of the block is unchanged."""
    written = block(orientation, order)
    assert exif.orientation_of(written) == orientation
    patched = exif.turned(written, 1, is_swapped=False)
    assert exif.orientation_of(patched) == 1
    assert len(patched) == len(written)
    assert tags_of(patched)[0x010F] == "a maker of cameras"
    assert tags_of(patched).get_ifd(0x8769)[0x829A] == 0.25


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("is_last", [True, False])
def test_thumbnail_is_taken_out(order: str, is_last: bool) -> None:
    """Its entry and bytes are removed, and nothing else; a second time changes nothing."""
    written = bytearray(block(1, order))
    start, thumbnail = len(written), b"\xff\xd8small picture\xff\xd9"
    (count,) = struct.unpack_from(f"{order}H", written, 8)
    struct.pack_into(f"{order}I", written, 10 + 12 * count, start)
    place = start + 2 + 24 + 4
    written += struct.pack(f"{order}HHHII", 2, 513, 4, 1, place)
    written += struct.pack(f"{order}HHIII", 514, 4, 1, len(thumbnail), 0) + thumbnail
    written += b"" if is_last else b"notes of a maker"
    kept = exif.without_thumbnail(bytes(written))
    assert thumbnail not in kept
    assert kept.endswith(b"notes of a maker") != is_last
    assert 0x0201 not in tags_of(kept).get_ifd(1)
    assert tags_of(kept)[0x010F] == "a maker of cameras"
    assert tags_of(kept).get_ifd(0x8769)[0x829A] == 0.25
    assert exif.without_thumbnail(kept) == kept


@pytest.mark.parametrize("order", ["<", ">"])
def test_width_and_height_change_places_when_turned(order: str) -> None:
    """For any integer types, with the resolutions; turning back restores the block."""
    tags = Image.Exif()
    tags.endian = order
    tags[0x0112], tags[0x011A], tags[0x011B] = 6, 300.0, 150.0
    tags.get_ifd(0x8769).update({0xA002: 4000, 0xA003: 300_000})
    written = tags.tobytes()[6:]
    patched = exif.turned(written, 1, is_swapped=True)
    assert tags_of(patched).get_ifd(0x8769) == {0xA002: 300_000, 0xA003: 4000}
    assert (tags_of(patched)[0x011A], tags_of(patched)[0x011B]) == (150, 300)
    assert exif.resolution(patched) == (150, 300)
    assert exif.turned(patched, 6, is_swapped=True) == written


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("size", [(80, 60), (70_000, 3)])
def test_a_stated_size_is_replaced(order: str, size: tuple[int, int]) -> None:
    """Where there is one, whatever integers it had; all else stays."""
    tags = Image.Exif()
    tags.endian = order
    tags[0x0100], tags[0x0101], tags[0x010F], tags[0x011A] = 300_000, 30, "a maker", 300.0
    tags.get_ifd(0x8769).update({0xA002: 40, 0xA003: 300_000, 0x829A: 0.25})
    found = tags_of(exif.sized(tags.tobytes()[6:], size, (40, 30)))
    assert (found[0x0100], found[0x0101]) == size
    assert (found[0x010F], found[0x011A]) == ("a maker", 300)
    assert found.get_ifd(0x8769) == {0xA002: size[0], 0xA003: size[1], 0x829A: 0.25}
    assert exif.sized(block(1, order), size, (40, 30)) == block(1, order)


@pytest.mark.parametrize("order", ["<", ">"])
def test_what_is_stated_in_pixels_follows_the_size(order: str) -> None:
    """The pixels per length of the sensor, and where the subject is; the print size does not."""
    tags = Image.Exif()
    tags.endian = order
    tags[0x011A] = 300.0
    resolution = {0xA20E: IFDRational(500, 3), 0xA20F: IFDRational(500, 3)}
    tags.get_ifd(0x8769).update({**resolution, 0x9214: (20, 15, 8, 4), 0xA214: (20, 15)})
    found = tags_of(exif.sized(tags.tobytes()[6:], (80, 90), (40, 30)))
    assert found[0x011A] == 300
    exposure = found.get_ifd(0x8769)
    assert (exposure[0x9214], exposure[0xA214]) == ((40, 45, 16, 12), (40, 45))
    assert (exposure[0xA20E], exposure[0xA20F]) == (IFDRational(1000, 3), IFDRational(500))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("above", "below", "expected"), [(100, 1, 200), (2**32 - 2, 1000, 2 * (2**32 - 2) / 1000)]
)
def test_both_axes_follow_the_size(order: str, above: int, below: int, expected: float) -> None:
    """If they share one fraction, and if twice the numerator does not fit into 32 bits."""
    tags = Image.Exif()
    tags.endian = order
    resolution = {0xA20E: IFDRational(above, below), 0xA20F: IFDRational(above, below)}
    tags.get_ifd(0x8769).update(resolution)
    written = bytearray(tags.tobytes()[6:])
    both = list(entries_of(bytes(written), 0x8769))
    for shared in (False, True):
        if shared:
            first, second = (slice(entry.place + 8, entry.place + 12) for entry in both)
            written[second] = written[first]
        found = tags_of(exif.sized(bytes(written), (80, 60), (40, 30))).get_ifd(0x8769)
        assert (float(found[0xA20E]), float(found[0xA20F])) == (expected, expected)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_place_that_does_not_fit_stays_as_a_whole(order: str) -> None:
    """Its column alone would be wrong."""
    tags = Image.Exif()
    tags.endian = order
    tags.get_ifd(0x8769)[0xA214] = (20, 40_000)
    found = tags_of(exif.sized(tags.tobytes()[6:], (80, 100_000), (40, 50_000)))
    assert found.get_ifd(0x8769)[0xA214] == (20, 40_000)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_is_what_pil_does(orientation: int) -> None:
    """Each of the eight orientations agrees with PIL's transposition."""
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    image = Image.fromarray(pixels)
    expected = image.transpose(TURNS[orientation]) if orientation > 1 else image
    assert np.array_equal(exif.turn(pixels, orientation), np.asarray(expected))
    gray = exif.turn(pixels[..., 0], orientation)
    assert np.array_equal(gray, np.asarray(expected)[..., 0])


@given(st.binary(max_size=60), st.sampled_from([b"", b"II*\x00", b"MM\x00*"]))
def test_any_bytes_are_accepted(junk: bytes, head: bytes) -> None:
    """Damaged blocks count as upright and raise no error."""
    damaged = head + junk
    assert exif.orientation_of(damaged) in range(1, 9)
    assert len(exif.turned(damaged, 1, is_swapped=True)) == len(damaged)
    assert len(exif.sized(damaged, (5, 6), (2, 3))) == len(damaged)
    assert len(exif.without_thumbnail(damaged)) <= len(damaged)
    assert exif.resolution(damaged) is None
    exif.to_tiff(damaged)


@pytest.mark.parametrize("value", [0, 9, 300])
def test_orientations_that_do_not_exist(value: int) -> None:
    """An invalid number counts as upright."""
    assert exif.orientation_of(block(value)) == 1
    assert exif.orientation_of(None) == 1


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
    """Some formats store a prefix before the block."""
    assert exif.without_prefix(given) == expected


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_damaged_entry_does_not_affect_the_others_in_a_tiff(tmp_path: Path, order: str) -> None:
    """For both byte orders, without a warning; Pillow reads the others."""
    tags = Image.Exif()
    tags.endian = order
    tags[0x010F], tags[0x0110], tags[0x4746] = "a maker of cameras", "a camera", 3
    tags.get_ifd(0x8769).update({0x829A: 0.25, 0x927C: b"notes of the maker", 0xA002: 70_000})
    written = bytearray(tags.tobytes()[6:])
    code = struct.pack(f"{order}H", 0x010F)
    place = next(start for start in range(10, 100, 12) if written[start : start + 2] == code)
    struct.pack_into(f"{order}I", written, place + 8, 2**31)
    picture = Picture(np.zeros((4, 4, 1), np.uint8), metadata=Metadata(bytes(written)))
    write_pages([picture], tmp_path / "a.tif")
    with Image.open(tmp_path / "a.tif") as image:
        found = image.getexif()
        assert (found.get(0x010F), found[0x0110], found[0x4746]) == (None, "a camera", 3)
        exposure = {0x829A: 0.25, 0x927C: b"notes of the maker", 0xA002: 70_000}
        assert found.get_ifd(0x8769) == exposure
