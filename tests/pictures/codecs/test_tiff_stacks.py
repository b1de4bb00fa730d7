"""Stacks stored in one page, and other hidden contents of a TIFF."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from restorekit.pictures.read_files import count_pages, read_pages
from restorekit.pictures.write_files import write_pages

Refusal = Callable[[Path], str]

RANDOM = np.random.default_rng(0)
STACK = RANDOM.integers(0, 65536, (5, 40, 60)).astype(np.uint16)


def pixels_of(path: Path) -> Any:
    return np.stack([page.channels() for page in read_pages(path)])


def write_metamorph(path: Path, **options: Any) -> None:
    """A stack in the layout of MetaMorph: one page, and a tag with a value for each plane."""
    planes = (
        (33628, "I", 4, (0, 0, 0, 0), True),
        (33629, "2I", len(STACK), (1, 1) * len(STACK), True),
    )
    with tifffile.TiffWriter(path, byteorder="<") as tiff:
        options = {"photometric": "minisblack", "metadata": None, "extratags": planes} | options
        tiff.write(STACK[0], **options)
    with tifffile.TiffFile(path) as tiff:
        end = sum((tiff.pages.first.dataoffsets[-1], tiff.pages.first.databytecounts[-1]))
    data = path.read_bytes()
    behind = STACK[1:].astype("<u2").tobytes()
    path.write_bytes(data[:end] + behind + data[end + len(behind) :])


@pytest.mark.parametrize("rows", [40, 7])
def test_metamorph_stack_is_read_whole(tmp_path: Path, rows: int) -> None:
    """Every plane that tifffile finds is a page, also of the new file."""
    write_metamorph(tmp_path / "a.stk.tif", rowsperstrip=rows)
    assert tifffile.imread(tmp_path / "a.stk.tif").shape == STACK.shape
    assert count_pages(tmp_path / "a.stk.tif") == 5
    assert np.array_equal(pixels_of(tmp_path / "a.stk.tif"), STACK)
    write_pages(read_pages(tmp_path / "a.stk.tif"), tmp_path / "b.tif")
    assert np.array_equal(tifffile.imread(tmp_path / "b.tif"), STACK)


@pytest.mark.parametrize(
    "options",
    [
        {"photometric": "minisblack"},
        {"photometric": "minisblack", "byteorder": ">"},
        {"imagej": True},
        {"photometric": "minisblack", "bigtiff": True},
    ],
)
def test_stack_in_one_page_is_read_whole(tmp_path: Path, options: dict[str, Any]) -> None:
    """tifffile writes such files, and ImageJ does above 4 GB."""
    tifffile.imwrite(tmp_path / "a.tif", STACK, truncate=True, **options)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert len(tiff.pages) == 1
    assert np.array_equal(pixels_of(tmp_path / "a.tif"), STACK)


@pytest.mark.parametrize(
    "noted",
    [
        '{"shape": [5, 40, 60], "truncated": true}',
        '{"truncated": true, "shape": [5, 40, 60]}',  # tifffile before 2026.2.24
        '{"axes": "TYX", "shape": [5, 40, 60]}',
    ],
)
def test_shape_is_found_in_any_order(tmp_path: Path, noted: str) -> None:
    """tifffile stores the shape before or after the other entries."""
    options: Any = {"photometric": "minisblack", "metadata": None, "description": noted}
    tifffile.imwrite(tmp_path / "a.tif", STACK[0], **options)
    with (tmp_path / "a.tif").open("ab") as file:
        file.write(STACK[1:].tobytes())
    assert np.array_equal(pixels_of(tmp_path / "a.tif"), STACK)


def test_colour_planes_in_one_page(tmp_path: Path) -> None:
    """Planes have the channels of their page, in both planar configurations."""
    colour = RANDOM.integers(0, 256, (4, 20, 30, 3)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", colour, photometric="rgb", truncate=True)
    assert np.array_equal(pixels_of(tmp_path / "a.tif"), colour)
    planar = np.moveaxis(colour, 3, 1)
    options: Any = {"photometric": "rgb", "planarconfig": "separate"}
    tifffile.imwrite(tmp_path / "b.tif", planar, truncate=True, **options)
    assert np.array_equal(pixels_of(tmp_path / "b.tif"), colour)


@pytest.mark.parametrize("options", [{"truncate": True}, {"imagej": True, "truncate": True}])
def test_stack_that_ends_too_early_is_refused(
    refusal: Refusal, tmp_path: Path, options: dict[str, Any]
) -> None:
    """The existing slices are not taken for the whole stack."""
    tifffile.imwrite(tmp_path / "a.tif", STACK, **options)
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data[: -2 * STACK[0].nbytes])
    assert "stack of 5 slices in one page" in refusal(tmp_path / "a.tif")


def test_an_outdated_note_on_a_shape_does_not_make_a_stack(tmp_path: Path) -> None:
    """A single page that another program saved can have the description of the whole stack."""
    options: Any = {"metadata": None, "description": '{"shape": [5, 40, 60]}'}
    tifffile.imwrite(tmp_path / "a.tif", STACK[0], **options)
    assert np.array_equal(pixels_of(tmp_path / "a.tif"), STACK[:1])


def test_undeclared_planes_are_refused(refusal: Refusal, tmp_path: Path) -> None:
    """Further bytes as large as a plane may be one."""
    tifffile.imwrite(tmp_path / "a.tif", STACK, truncate=True, metadata=None)
    assert "bytes that do not belong to its pages" in refusal(tmp_path / "a.tif")
    tifffile.imwrite(tmp_path / "b.tif", STACK[0], metadata=None)
    with (tmp_path / "b.tif").open("ab") as file:
        file.write(bytes(STACK[0].nbytes // 2))
    assert count_pages(tmp_path / "b.tif") == 1


def test_pyramid_of_a_slide_scanner_is_refused(refusal: Refusal, tmp_path: Path) -> None:
    """It could not be written in the same form."""
    options: Any = {"metadata": None, "description": "Aperio Image Library v1"}
    tifffile.imwrite(tmp_path / "a.tif", STACK[0], **options)
    assert "slide scanner's pyramid (Aperio SVS)" in refusal(tmp_path / "a.tif")


def test_what_is_reduced_is_named(tmp_path: Path) -> None:
    """Levels of a pyramid, thumbnails and masks are not read, and are reported as left out."""
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(STACK[0], subifds=2, metadata=None)
        tiff.write(STACK[0, ::2, ::2], subfiletype=1, metadata=None)
        tiff.write(STACK[0, ::4, ::4], metadata=None)
        tiff.write(STACK[1, ::4, ::4], subfiletype=1, metadata=None)
        tiff.write(STACK[1] > 99, subfiletype=4, metadata=None)
    (page,) = read_pages(tmp_path / "a.tif")
    assert write_pages([page], tmp_path / "b.tif") == (
        "transparency masks (1)",
        "pages of reduced resolution (1)",
        "pictures of reduced resolution (SubIFDs, 2)",
    )


def test_further_picture_below_a_page_is_refused(refusal: Refusal, tmp_path: Path) -> None:
    """One of full size to which only an entry of the page points."""
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(STACK[0], subifds=1, metadata=None)
        tiff.write(STACK[1], metadata=None)
    assert "holds a further picture (SubIFD)" in refusal(tmp_path / "a.tif")
