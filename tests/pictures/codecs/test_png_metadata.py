"""Metadata of 16-bit PNG files."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from restorekit.pictures.picture import Metadata, Picture
from restorekit.pictures.read_files import read_picture
from restorekit.pictures.write_files import write_pages
from tests.pictures.codecs.png_format import parse, png, samples
from tests.png_chunks import chunk

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LINEAR = struct.pack(">I", 100_000)  # a gAMA chunk's content: values proportional to light


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_metadata_is_written_as_the_specification_says(tmp_path: Path, dtype: type) -> None:
    """Every chunk occurs once, before the pixels, with a correct checksum and its content."""
    exif = Image.Exif()
    exif[0x0110] = "a camera"
    block = exif.tobytes()[6:]
    chunks = ((b"gAMA", LINEAR), (b"cHRM", bytes(range(32))))
    kept = Metadata(block, SRGB, (300, 150), b"<x:xmpmeta/>", chunks)
    write_pages([Picture(np.zeros((2, 3, 3), dtype), metadata=kept)], tmp_path / "a.png")
    found, _ = parse((tmp_path / "a.png").read_bytes())
    kinds = [kind for kind, _ in found]
    assert kinds == [
        b"IHDR",
        b"gAMA",
        b"cHRM",
        b"iCCP",
        b"pHYs",
        b"eXIf",
        b"iTXt",
        b"IDAT",
        b"IEND",
    ]
    content = dict(found)
    assert content[b"gAMA"] == LINEAR
    assert content[b"eXIf"] == block
    assert struct.unpack(">IIB", content[b"pHYs"]) == (11811, 5906, 1)
    name, profile = content[b"iCCP"].split(b"\x00\x00", 1)
    assert name
    assert zlib.decompress(profile) == SRGB
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        assert image.info["icc_profile"] == SRGB
        assert image.info["dpi"] == pytest.approx((300, 150), rel=1e-4)
        assert image.info["gamma"] == 1.0
        assert image.getexif()[0x0110] == "a camera"
        assert image.info["XML:com.adobe.xmp"] == "<x:xmpmeta/>"
    again = read_picture(tmp_path / "a.png").metadata
    assert again.dpi == pytest.approx((300, 150), rel=1e-4)
    assert (again.exif, again.icc_profile, again.xmp, again.colour_chunks) == (
        (block, SRGB, b"<x:xmpmeta/>", chunks)
    )


def test_colour_chunks_survive_16_bits_and_values_with_them(tmp_path: Path) -> None:
    """A linear file stays linear: neither the values nor their declaration change."""
    values = samples(3)
    source, target = tmp_path / "a.png", tmp_path / "b.png"
    source.write_bytes(
        png(values, 2, (b"gAMA", LINEAR), (b"sRGB", b"\x00"), (b"cICP", b"\x09\x10\x00\x01"))
    )
    write_pages([read_picture(source)], target)
    found, written = parse(target.read_bytes())
    assert np.array_equal(written, values)
    assert dict(found)[b"gAMA"] == LINEAR
    assert dict(found)[b"cICP"] == b"\x09\x10\x00\x01"
    assert dict(found)[b"sRGB"] == b"\x00"


def test_exif_after_the_pixels_turns_the_picture(tmp_path: Path) -> None:
    """The format allows the block after the pixels; its orientation is applied once."""
    values, exif = samples(3), Image.Exif()
    exif[0x0112] = 6
    after = chunk(b"eXIf", exif.tobytes()[6:])
    (tmp_path / "a.png").write_bytes(png(values, 2, after=after))
    picture = read_picture(tmp_path / "a.png")
    assert np.array_equal(picture.pixels, np.rot90(values, -1))
    write_pages([picture], tmp_path / "b.png")
    assert np.array_equal(read_picture(tmp_path / "b.png").pixels, picture.pixels)


def test_texts_are_kept_as_they_are(tmp_path: Path) -> None:
    """Of every kind, before and after the pixels, in order; only damaged ones are left out."""
    author, title = (
        (b"tEXt", b"Author\x00A. Name"),
        (b"zTXt", b"Title\x00\x00" + zlib.compress(b"x")),
    )
    note = (b"iTXt", b"Note\x00\x00\x00de\x00Notiz\x00" + "größer".encode())
    broken = (b"tEXt", b"no zero")
    data = png(samples(1), 0, author, broken, author, after=chunk(*title) + chunk(*note))
    (tmp_path / "a.png").write_bytes(data)
    write_pages([read_picture(tmp_path / "a.png")], tmp_path / "b.png")
    found, _ = parse((tmp_path / "b.png").read_bytes())
    assert [part for part in found if part[0][1:] in (b"EXt", b"TXt")] == [
        author,
        author,
        title,
        note,
    ]
    with Image.open(tmp_path / "b.png") as image:
        assert (image.info["Author"], image.info["Note"]) == ("A. Name", "größer")


def test_exif_in_a_text_is_kept_only_where_it_is_all(tmp_path: Path) -> None:
    """With an Exif block, made upright, as well, a viewer could turn the picture twice."""
    raw, exif = (b"zTXt", b"Raw profile type exif\x00\x00" + zlib.compress(b"")), Image.Exif()
    exif[0x0112] = 6
    for number, chunks in enumerate(([raw], [raw, (b"eXIf", exif.tobytes()[6:])])):
        (tmp_path / "a.png").write_bytes(png(samples(1), 0, *chunks))
        kept = read_picture(tmp_path / "a.png").metadata.text_chunks
        assert kept == ((), (raw,))[number == 0]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (b"iCCP", b"no zero"),
        (b"iCCP", b"name\x00\x00no zlib"),
        (b"iCCP", b"name\x00\x01" + zlib.compress(b"a profile")),
        (b"pHYs", b"\x00"),
        (b"pHYs", struct.pack(">IIB", 0, 5, 1)),
        (b"pHYs", struct.pack(">IIB", 5, 5, 0)),
        (b"eXIf", b"II*\x00\xff\xff\xff\xff"),
        (b"iTXt", b"XML:com.adobe.xmp\x00\x01\x00\x00\x00junk"),
        (b"iTXt", b"Comment\x00\x00\x00\x00\x00hello"),
    ],
)
def test_damaged_metadata_does_not_cost_the_pixels(
    tmp_path: Path, kind: bytes, content: bytes
) -> None:
    """Only the content of the damaged chunk is left out."""
    (tmp_path / "a.png").write_bytes(png(samples(1), 0, (kind, content)))
    picture = read_picture(tmp_path / "a.png")
    assert np.array_equal(picture.pixels, samples(1))
    metadata = picture.metadata
    assert (metadata.icc_profile, metadata.dpi, metadata.xmp) == (None, None, None)


def test_compressed_xmp_is_read(tmp_path: Path) -> None:
    """A packet may be compressed."""
    content = b"XML:com.adobe.xmp\x00\x01\x00en\x00\x00" + zlib.compress(b"<x/>")
    (tmp_path / "a.png").write_bytes(png(samples(1), 0, (b"iTXt", content)))
    assert read_picture(tmp_path / "a.png").metadata.xmp == b"<x/>"


def test_metadata_that_unpacks_without_end_is_left_out(tmp_path: Path) -> None:
    """A profile or text of a few bytes that expands to a huge size is left out; Pillow reads it."""
    bomb = zlib.compress(bytes(70_000_000), 9)
    extra = [(b"iCCP", b"name\x00\x00" + bomb), (b"zTXt", b"Comment\x00\x00" + bomb)]
    extra += [(b"iTXt", b"Note\x00\x01\x00\x00\x00" + bomb)]
    extra += [(b"iTXt", b"XML:com.adobe.xmp\x00\x01\x00\x00\x00" + bomb)]
    (tmp_path / "a.png").write_bytes(png(samples(1), 0, *extra))
    picture = read_picture(tmp_path / "a.png")
    assert (picture.metadata.icc_profile, picture.metadata.xmp) == (None, None)
    kinds = ("iCCP", "zTXt", "iTXt", "iTXt")
    assert picture.metadata.left_out == tuple(f"PNG chunk {kind}" for kind in kinds)
    write_pages([picture], tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as image:
        image.load()


def test_chunks_that_are_not_kept_are_named(tmp_path: Path) -> None:
    """For example the significant bits, which apply to the old pixels only."""
    extra = ((b"sBIT", b"\x05\x06\x05"), (b"bKGD", bytes(6)), (b"tIME", bytes(7)))
    (tmp_path / "a.png").write_bytes(png(samples(3), 2, *extra))
    names = ("PNG chunk sBIT", "PNG chunk bKGD", "PNG chunk tIME")
    assert read_picture(tmp_path / "a.png").metadata.left_out == names
