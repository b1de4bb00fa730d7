"""TIFF pixels of every type, and channels in addition to gray, colour and alpha."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from restorekit.errors import ImageFileError
from restorekit.pictures.read_files import read_pages, read_picture
from restorekit.pictures.write_files import write_pages

RANDOM = np.random.default_rng(0)
TYPES = ("int8", "int16", "int32", "uint8", "uint16", "uint32", "float16", "float32", "float64")


def values_of(kind: str, shape: tuple[int, ...] = (6, 9)) -> Any:
    if kind[0] == "f":
        return (100 * RANDOM.standard_normal(shape)).astype(kind)
    limits = np.iinfo(kind)
    return RANDOM.integers(limits.min, limits.max, shape, kind, endpoint=True)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("kind", TYPES)
def test_values_of_every_type_are_written_unchanged(
    tmp_path: Path, kind: str, byteorder: Any
) -> None:
    """They keep their type, and NaN stays."""
    values = values_of(kind)
    if kind[0] == "f":
        values[2, 3], values[1] = np.nan, np.inf
    options: Any = {"byteorder": byteorder, "photometric": "minisblack"}
    tifffile.imwrite(tmp_path / "a.tif", values, **options)
    write_pages(read_pages(tmp_path / "a.tif"), tmp_path / "b.tif")
    found = tifffile.imread(tmp_path / "b.tif")
    assert found.dtype == values.dtype
    assert np.array_equal(found, values, equal_nan=kind[0] == "f")


def test_range_decides_what_another_depth_holds(tmp_path: Path) -> None:
    """-1 becomes black, 1 white, and NaN black in integers."""
    values = np.linspace(-1, 1, 4096, dtype=np.float32).reshape(64, 64)
    values[0, 0] = np.nan
    tifffile.imwrite(tmp_path / "a.tif", values)
    picture = read_picture(tmp_path / "a.tif")
    write_pages([picture], tmp_path / "b.png")
    found = read_picture(tmp_path / "b.png").pixels[..., 0]
    assert found[0, 0] == 0
    expected = np.rint((values.ravel()[1:].astype(float) + 1) / 2 * 65535)
    assert np.abs(found.ravel()[1:] - expected).max() <= 1


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize(
    ("photometric", "count", "extra"),
    [
        ("minisblack", 2, ["unspecified"]),
        ("minisblack", 7, ["unspecified"] * 6),
        ("minisblack", 3, ["unspecified", "unspecified"]),
        ("rgb", 4, ["unspecified"]),
        ("rgb", 4, ["unassalpha"]),
        ("rgb", 6, ["unspecified", "assocalpha", "unspecified"]),
        ("minisblack", 3, ["unassalpha", "unspecified"]),
    ],
)
def test_channels_are_unchanged(
    tmp_path: Path, photometric: str, count: int, extra: list[str], planar: str
) -> None:
    """Only the declared alpha is alpha; every channel stays in its place."""
    values = values_of("uint16", (6, 9, count))
    stored = np.moveaxis(values, 2, 0) if planar == "separate" else values
    options: Any = {"photometric": photometric, "planarconfig": planar, "extrasamples": extra}
    tifffile.imwrite(tmp_path / "a.tif", stored, **options)
    (picture,) = read_pages(tmp_path / "a.tif")
    has_alpha = any("alpha" in kind for kind in extra)
    assert (picture.alpha is not None) == has_alpha
    assert picture.extra == len(extra) - has_alpha
    write_pages([picture], tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as one, tifffile.TiffFile(tmp_path / "b.tif") as two:
        before, after = one.pages.first, two.pages.first
        assert after.extrasamples == before.extrasamples
        assert after.photometric == before.photometric
        assert np.array_equal(after.asarray().reshape(values.shape), values)
    if picture.extra:
        with pytest.raises(ImageFileError, match=rf"{count} channels; use one of: \.tif"):
            write_pages([picture], tmp_path / "b.png")


def test_white_of_few_bits_may_be_zero(tmp_path: Path) -> None:
    """12 bits in 16 are inverted at 4095, all pages of a file at the same white."""
    pages = np.stack([np.full((4, 4), value, np.uint16) for value in (300, 3000, 4000)])
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for page in pages:
            tiff.write(page, photometric="miniswhite")
    found = read_pages(tmp_path / "a.tif")
    assert [int(page.pixels[0, 0, 0]) for page in found] == [3795, 1095, 95]
    assert {page.white for page in found} == {4095}


@pytest.mark.parametrize("kind", ["int16", "float32"])
def test_white_of_other_units_may_be_the_smallest(tmp_path: Path, kind: str) -> None:
    """Black and white are exchanged within the same range."""
    values = np.linspace(-1000, 1000, 4096).astype(kind).reshape(64, 64)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="miniswhite")
    picture = read_picture(tmp_path / "a.tif")
    assert np.abs(picture.pixels[..., 0] + values.astype(float)).max() <= 8
    assert (picture.black, picture.white) == pytest.approx((-1000, 1000), abs=8)
