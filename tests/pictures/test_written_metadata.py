"""Metadata of written picture files."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from restorekit.pictures.file_formats import suffixes
from restorekit.pictures.picture import Metadata, Picture
from restorekit.pictures.read_files import read_picture
from restorekit.pictures.write_files import write_pages
from tests.pictures.sample_metadata import EXIF, SRGB, random

LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


@pytest.mark.parametrize("first", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("second", [".jpg", ".png", ".tif", ".webp"])
def test_exif_travels_between_formats(tmp_path: Path, first: str, second: str) -> None:
    """Camera and exposure are kept from each format to each other."""
    kept = Metadata(EXIF, xmp=b"<x:xmpmeta/>")
    write_pages([Picture(random(np.uint8), metadata=kept)], tmp_path / f"a{first}")
    write_pages([read_picture(tmp_path / f"a{first}")], tmp_path / f"b{second}")
    with Image.open(tmp_path / f"b{second}") as image:
        image.load()
        assert image.getexif()[0x0110] == "a camera"
        assert image.getexif().get_ifd(0x8769)[0x829A] == 0.25
    assert read_picture(tmp_path / f"b{second}").metadata.xmp == b"<x:xmpmeta/>"


def test_comment_of_a_jpeg_stays(tmp_path: Path) -> None:
    """In a JPEG; Pillow reads it."""
    photo = Image.fromarray(random(np.uint8))
    photo.save(tmp_path / "a.jpg", comment=b"what it shows")
    write_pages([read_picture(tmp_path / "a.jpg")], tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.info["comment"] == b"what it shows"


@pytest.mark.parametrize("length", [9, 10, 60_000, 66_000])
def test_iptc_is_kept(tmp_path: Path, length: int) -> None:
    """From a JPEG to a TIFF and back; Pillow reads it; what is too long for a JPEG is left out."""
    record = bytes([0x1C, 2, 120, length >> 8 & 127, length & 255]) + b"x" * length
    if length < 2**15:
        with Image.new("L", (2, 2)) as image:
            content = b"Photoshop 3.0\0" + struct.pack(">4sHHI", b"8BIM", 0x0404, 0, len(record))
            content += record + bytes(len(record) % 2)
            image.save(
                tmp_path / "a.jpg", extra=struct.pack(">HH", 0xFFED, len(content) + 2) + content
            )
        first = read_picture(tmp_path / "a.jpg")
        assert first.metadata.iptc == record
    else:
        first = Picture(random(np.uint8), metadata=Metadata(iptc=record))
    write_pages([first], tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as tiff:
        assert tiff.pages[0].tags.valueof(33723) == record
    write_pages([read_picture(tmp_path / "b.tif")], tmp_path / "c.jpg")
    with Image.open(tmp_path / "c.jpg") as image:
        kept = record if length < 65_000 else None
        assert image.info.get("photoshop", {}).get(0x0404) == kept


def test_layout_in_the_exif_does_not_become_the_tiffs(tmp_path: Path) -> None:
    """An EXIF block with a width of 9999 does not change the width of the TIFF."""
    exif = Image.Exif()
    exif[0x0100], exif[0x0112], exif[0x0110] = 9999, 1, "a camera"
    kept = Metadata(exif.tobytes()[6:])
    write_pages([Picture(random(np.uint8), metadata=kept)], tmp_path / "a.tif")
    with Image.open(tmp_path / "a.tif") as image:
        assert image.size == (13, 9)
        assert image.getexif()[0x0110] == "a camera"


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_profile_of_another_colour_space_is_left_out(tmp_path: Path, suffix: str) -> None:
    """Lab on RGB, RGB on gray and gray on RGB are left out; gray on gray is kept."""
    gray = SRGB[:16] + b"GRAY" + SRGB[20:]
    for channels, profile, stays in ((3, LAB, 0), (1, SRGB, 0), (3, gray, 0), (1, gray, 1)):
        kept = Metadata(icc_profile=profile)
        write_pages([Picture(random(np.uint8, channels), metadata=kept)], tmp_path / f"a{suffix}")
        found = read_picture(tmp_path / f"a{suffix}").metadata.icc_profile
        assert found == (profile if stays else None)


def test_exif_too_long_for_a_jpeg_is_left_out(tmp_path: Path) -> None:
    """The format cannot hold it; the picture is still written."""
    exif = Image.Exif()
    exif[0x010E] = "x" * 70_000
    kept = Metadata(exif.tobytes()[6:])
    write_pages([Picture(random(np.uint8), metadata=kept)], tmp_path / "a.jpg")
    assert read_picture(tmp_path / "a.jpg").metadata.exif is None
    write_pages([Picture(random(np.uint8), metadata=kept)], tmp_path / "a.webp")
    assert read_picture(tmp_path / "a.webp").metadata.exif == kept.exif


EVERYTHING = Metadata(
    exif=EXIF,
    icc_profile=SRGB,
    dpi=(300.0, 300.0),
    xmp=b"<x:xmpmeta/>",
    colour_chunks=((b"gAMA", struct.pack(">I", 45455)),),
    text_chunks=((b"tEXt", b"Comment\x00a text"),),
    comment=b"a comment",
    iptc=b"\x1c\x02\x78\x00\x01a",
    left_out=("a motion video",),
)
NAMES = {
    "exif": "EXIF",
    "icc_profile": "ICC profile",
    "dpi": "resolution",
    "xmp": "XMP",
    "colour_chunks": "PNG colour chunks",
    "text_chunks": "PNG texts",
    "comment": "JPEG comment",
    "iptc": "IPTC",
}


@pytest.mark.parametrize("suffix", suffixes())
def test_metadata_is_written_or_named(tmp_path: Path, suffix: str) -> None:
    """Each kind of metadata is in the written file, or its name is returned."""
    path = tmp_path / f"a{suffix}"
    left_out = write_pages([Picture(random(np.uint8), metadata=EVERYTHING)], path)
    found = read_picture(path).metadata
    missing = [name for field, name in NAMES.items() if not getattr(found, field)]
    assert sorted(left_out) == sorted(["a motion video", *missing])


def test_profile_of_another_colour_space_is_named(tmp_path: Path) -> None:
    """A profile that does not fit the pixels is not written, and is named."""
    picture = Picture(random(np.uint8), metadata=Metadata(icc_profile=LAB))
    assert write_pages([picture], tmp_path / "a.png") == ("ICC profile",)
