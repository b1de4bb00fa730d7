"""What a TIFF says besides its pixels; against Pillow and tifffile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from restorekit.data.files import read_pages, read_picture, write_pages
from restorekit.data.picture import Metadata, Picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
RANDOM = np.random.default_rng(0)
GRAY8 = RANDOM.integers(0, 256, (6, 9), np.uint8)
RGB16 = RANDOM.integers(0, 65536, (6, 9, 3)).astype(np.uint16)


def test_metadata_of_each_page(tmp_path: Path) -> None:
    """What a camera and a scanner say is read from a file of Pillow's, and by Pillow from ours."""
    exif = Image.Exif()
    exif[0x010F], exif[0x013B], exif[0x8298] = "a maker", "an artist", "a copyright"
    exif.get_ifd(0x8769)[0x829A] = 0.25
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (1.0, 2.0, 3.5)
    image = Image.fromarray(RGB16.astype(np.uint8))
    image.save(
        tmp_path / "a.tif",
        exif=exif.tobytes(),  # Pillow drops the directories of what it is given otherwise
        icc_profile=SRGB,
        dpi=(300, 150),
        description="a description",
    )
    page = read_picture(tmp_path / "a.tif")
    plain = Picture(RGB16)
    write_pages([plain, page, page], tmp_path / "b.tif")
    with Image.open(tmp_path / "b.tif") as written:
        assert dict(written.getexif().get_ifd(0x8769)) == {}
        for number in (1, 2):
            written.seek(number)
            tags = written.getexif()
            assert (tags[0x010F], tags[0x013B], tags[0x010E]) == (
                "a maker",
                "an artist",
                "a description",
            )
            assert tags.get_ifd(0x8769)[0x829A] == 0.25
            assert tags.get_ifd(0x8825)[2] == (1.0, 2.0, 3.5)
            assert written.info["icc_profile"] == SRGB
            assert written.info["dpi"] == (300, 150)
            assert np.array_equal(np.asarray(written), np.asarray(image))
    assert read_pages(tmp_path / "b.tif")[2].metadata == page.metadata


def test_text_beyond_ascii_survives(tmp_path: Path) -> None:
    """Names are written in other letters than a TIFF's own."""
    exif = Image.Exif()
    exif[0x013B] = "Häggström".encode()
    block = exif.tobytes()[6:]
    write_pages([Picture(RGB16, metadata=Metadata(exif=block))], tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.pages[0].tags.valueof(0x013B) == "Häggström"
    assert "Häggström".encode() in (read_picture(tmp_path / "a.tif").metadata.exif or b"")


def test_resolution_in_centimetres(tmp_path: Path) -> None:
    """100 dots per centimetre are 254 per inch."""
    options = {"photometric": "minisblack", "resolution": (100, 50)}
    tifffile.imwrite(tmp_path / "a.tif", GRAY8, resolutionunit="CENTIMETER", **options)
    assert read_picture(tmp_path / "a.tif").metadata.dpi == pytest.approx((254, 127))


def test_resolution_without_a_unit_stays_one(tmp_path: Path) -> None:
    """What ImageJ says of a pixel's size, its unit being in the description, is not lost."""
    options: Any = {"resolution": (15.5, 7.75), "metadata": {"unit": "um"}}
    tifffile.imwrite(tmp_path / "a.tif", GRAY8, imagej=True, **options)
    picture = read_picture(tmp_path / "a.tif")
    assert (picture.metadata.dpi, picture.metadata.density) == (None, (15.5, 7.75))
    write_pages([picture], tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as tiff:
        tags = tiff.pages[0].tags
        assert tags.valueof(296) == 1
        assert [n / d for n, d in (tags.valueof(282), tags.valueof(283))] == [15.5, 7.75]
        assert (tiff.imagej_metadata or {})["unit"] == "um"
