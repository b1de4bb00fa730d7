"""Metadata of TIFF files, compared with Pillow and tifffile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from restorekit.pictures.picture import Metadata, Picture
from restorekit.pictures.read_files import read_pages, read_picture
from restorekit.pictures.write_files import write_pages

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
RANDOM = np.random.default_rng(0)
GRAY8 = RANDOM.integers(0, 256, (6, 9), np.uint8)
RGB16 = RANDOM.integers(0, 65536, (6, 9, 3)).astype(np.uint16)


def test_metadata_of_each_page(tmp_path: Path) -> None:
    """Metadata of cameras and scanners is read from a file of Pillow, and by Pillow from ours."""
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
    """For example names in other scripts."""
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
    """ImageJ's pixel size is kept, whose unit is in the description."""
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


# Notes of programs

STACK = RANDOM.integers(0, 65536, (3, 40, 50)).astype(np.uint16)
GEO: Any = [
    (33550, "d", 3, (10.0, 10.0, 0.0), True),
    (33922, "d", 6, (0.0, 0.0, 0.0, 440720.0, 3751320.0, 0.0), True),
    (34735, "H", 8, (1, 1, 0, 1, 1024, 0, 1, 1), True),
    (34737, "s", 0, "WGS 84|", True),
    (42112, "s", 0, "<GDALMetadata></GDALMetadata>", True),
]


def page_of(path: Path) -> Any:
    with tifffile.TiffFile(path) as tiff:
        return tiff.pages.first


def again(path: Path, target: Path, **options: Any) -> tuple[str, ...]:
    return write_pages(read_pages(path), target, **options)


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_georeferencing_is_kept(tmp_path: Path, byteorder: Any) -> None:
    """Entries of GeoTIFF and GDAL are unchanged, or reported if they cannot be kept."""
    options: Any = {"extratags": GEO, "metadata": None, "byteorder": byteorder}
    tifffile.imwrite(tmp_path / "a.tif", GRAY8, **options)
    assert again(tmp_path / "a.tif", tmp_path / "b.tif") == ()
    with tifffile.TiffFile(tmp_path / "a.tif") as one, tifffile.TiffFile(tmp_path / "b.tif") as two:
        for code, *_ in GEO:
            assert two.pages[0].tags.valueof(code) == one.pages[0].tags.valueof(code)
    assert again(tmp_path / "a.tif", tmp_path / "b.png") == ("GeoTIFF", "GDAL metadata")


def test_georeferencing_of_a_turned_picture_is_left_out(tmp_path: Path) -> None:
    """Its rows and columns have changed."""
    orientation = (274, "H", 1, 6, True)
    tifffile.imwrite(tmp_path / "a.tif", GRAY8, extratags=[*GEO, orientation], metadata=None)
    assert again(tmp_path / "a.tif", tmp_path / "b.tif") == ("GeoTIFF",)
    assert 33550 not in page_of(tmp_path / "b.tif").tags


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_labels_and_ranges_of_imagej_stay(tmp_path: Path, byteorder: Any) -> None:
    """Like the description; at another depth without those in units of the old values."""
    noted: Any = {
        "Labels": ["one", "two", "three"],
        "Ranges": (0.0, 4095.0),
        "min": 1.0,
        "max": 9.0,
    }
    options: Any = {"metadata": noted, "imagej": True, "byteorder": byteorder}
    tifffile.imwrite(tmp_path / "a.tif", STACK, **options)
    assert again(tmp_path / "a.tif", tmp_path / "b.tif") == ()
    with tifffile.TiffFile(tmp_path / "b.tif") as tiff:
        found: Any = tiff.imagej_metadata
        assert np.array_equal(tiff.asarray(), STACK)
    assert found["Labels"] == noted["Labels"]
    assert tuple(found["Ranges"]) == (0.0, 4095.0)
    assert (found["min"], found["max"], found["images"]) == (1.0, 9.0, 3)
    lost = again(tmp_path / "a.tif", tmp_path / "c.tif", depth=8)
    assert lost == ("ImageJ's display range", "ImageJ's Ranges")
    with tifffile.TiffFile(tmp_path / "c.tif") as tiff:
        found = tiff.imagej_metadata
    assert found["Labels"] == noted["Labels"]
    assert not {"Ranges", "min", "max"} & found.keys()


@pytest.mark.parametrize(("depth", "name"), [(None, "uint16"), (8, "uint8"), ("float", "float")])
def test_ome_agrees_with_the_pixels(tmp_path: Path, depth: Any, name: str) -> None:
    """It states the type of the written pixels; the rest is unchanged."""
    options: Any = {"ome": True, "metadata": {"axes": "ZYX", "SignificantBits": 12}}
    tifffile.imwrite(tmp_path / "a.ome.tif", STACK, **options)
    before = page_of(tmp_path / "a.ome.tif").description
    assert again(tmp_path / "a.ome.tif", tmp_path / "b.ome.tif", depth=depth) == ()
    with tifffile.TiffFile(tmp_path / "b.ome.tif") as tiff:
        after = tiff.pages.first.description
        assert (tiff.is_ome, tiff.series[0].shape, tiff.series[0].axes) == (
            True,
            (3, 40, 50),
            "ZYX",
        )
        assert tiff.series[0].dtype == STACK.dtype if depth is None else True
    assert f'Type="{name}"' in after
    if depth is None:
        assert after == before
    else:
        assert after.replace(f'Type="{name}"', 'Type="uint16"') == before.replace(
            ' SignificantBits="12"', ""
        )


def test_ome_of_several_files_is_left_out(tmp_path: Path) -> None:
    """The references to the other files are wrong for the new one."""
    xml = '<?xml version="1.0"?><OME><Image><Pixels Type="uint8">{}</Pixels></Image></OME>'
    planes = "".join(f'<TiffData><UUID FileName="{name}.tif"/></TiffData>' for name in "ab")
    tifffile.imwrite(tmp_path / "a.tif", GRAY8, description=xml.format(planes), metadata=None)
    assert again(tmp_path / "a.tif", tmp_path / "b.tif") == ("OME-XML (of several files)",)
    assert page_of(tmp_path / "b.tif").description == ""


def test_other_entries_are_named(tmp_path: Path) -> None:
    """Entries of unknown programs, and the axes of an array."""
    tags: Any = [(65000, "H", 1, 7, True), (318, "2I", 2, (3127, 10000, 3290, 10000), True)]
    axes = {"axes": "TYX"}
    options: Any = {"photometric": "minisblack", "metadata": axes}
    tifffile.imwrite(tmp_path / "a.tif", STACK, extratags=tags, **options)
    lost = again(tmp_path / "a.tif", tmp_path / "b.tif")
    assert lost == ("TIFF tag WhitePoint", "TIFF tag 65000", "axes (tifffile)")
    assert again(tmp_path / "b.tif", tmp_path / "c.tif") == ()


@pytest.mark.parametrize(
    ("noted", "lost"),
    [
        ('{"axes": "TYX", "shape": [40, 60]}', ("axes (tifffile)",)),
        ('{"shape": [40, 60], "spacing": 0.2}', ("metadata (tifffile)",)),
        ('{"shape": [40, 60], "truncated": true}', ()),
        ('{"shape": [40, 60', ("metadata (tifffile)",)),
    ],
)
def test_metadata_of_tifffile_except_the_shape_is_named(
    tmp_path: Path, noted: str, lost: tuple[str, ...]
) -> None:
    """In any order."""
    tifffile.imwrite(tmp_path / "a.tif", GRAY8, description=noted, metadata=None)
    assert again(tmp_path / "a.tif", tmp_path / "b.tif") == lost
    assert page_of(tmp_path / "b.tif").description == ""
