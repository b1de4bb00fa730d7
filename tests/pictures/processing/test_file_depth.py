"""The depth, range and ink of files that are processed."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from restorekit.errors import ImageFileError, RestoreWarning
from restorekit.pictures.picture import Picture
from restorekit.pictures.pixel_values import Depth
from restorekit.pictures.processing.one_file import (
    PagePlace,
    WriteOptions,
    one_at_a_time,
)
from restorekit.pictures.read_files import read_pages
from restorekit.pictures.write_files import write_pages
from tests.file_processing import process_file
from tests.pictures.processing.inversion import never


@pytest.mark.parametrize(
    ("depth", "name", "worked_in", "written"),
    [
        (None, "b.png", np.uint8, np.uint8),
        (16, "b.png", np.uint16, np.uint16),
        ("float", "b.tif", np.float32, np.float32),
        (8, "b.png", np.uint8, np.uint8),
    ],
)
def test_a_greater_depth_is_set_before_restoring(
    photos: Path, depth: object, name: str, worked_in: type, written: type
) -> None:
    """The denoiser receives the greater depth, so that the result uses it."""
    seen = []

    @one_at_a_time
    def look(picture: Picture, place: PagePlace) -> Picture:
        seen.append(picture.pixels.dtype)
        return picture

    target = photos / name
    process_file(photos / "a.png", target, look, WriteOptions(depth=depth))  # type: ignore[arg-type]
    assert seen == [worked_in]
    assert read_pages(target)[0].pixels.dtype == written


def test_a_smaller_depth_is_set_after_restoring(tmp_path: Path) -> None:
    """A 16-bit picture is restored at 16 bits, also if 8 are written."""
    pixels = np.full((32, 32, 3), 300, np.uint16)
    pixels[16:] = 65535
    write_pages([Picture(pixels)], tmp_path / "a.png")
    seen = []

    @one_at_a_time
    def look(picture: Picture, place: PagePlace) -> Picture:
        seen.append(picture.pixels.dtype)
        return picture

    for name in ("b.jpg", "b.bmp"):
        process_file(tmp_path / "a.png", tmp_path / name, look)
        assert read_pages(tmp_path / name)[0].pixels[0, 0, 0] == 1
    assert seen == [np.uint16, np.uint16]


@pytest.mark.parametrize(
    ("name", "depth", "top"), [("b.jpg", None, 255), ("b.tif", 8, 255), ("b.tif", "float", 1)]
)
def test_twelve_bits_in_sixteen_are_not_written_black(
    tmp_path: Path, name: str, depth: Depth | None, top: float
) -> None:
    """White stays 4095, although restoring lowers the largest values."""
    frame = np.full((16, 16), 1600, np.uint16)
    frame[3, 4] = 4000
    tifffile.imwrite(tmp_path / "a.tif", frame)

    @one_at_a_time
    def flatten(picture: Picture, place: PagePlace) -> Picture:
        return replace(picture, pixels=np.full_like(picture.pixels, picture.pixels[0, 0, 0]))

    process_file(tmp_path / "a.tif", tmp_path / name, flatten, WriteOptions(depth=depth))
    (written,) = read_pages(tmp_path / name)
    assert written.pixels / top == pytest.approx(1600 / 4095, abs=0.5 / 255)


def test_pages_have_one_white(tmp_path: Path) -> None:
    """A dark page of a stack stays darker than a bright one."""
    stack = np.stack([np.full((4, 4), value, np.uint16) for value in (300, 3000)])
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack")
    process_file(tmp_path / "a.tif", tmp_path / "b.tif", keep, WriteOptions(depth=8))
    levels = [int(page.pixels[0, 0, 0]) for page in read_pages(tmp_path / "b.tif")]
    assert levels == [round(300 / 4095 * 255), round(3000 / 4095 * 255)]
    process_file(tmp_path / "a.tif", tmp_path / "c.tif", keep)
    assert np.array_equal(tifffile.imread(tmp_path / "c.tif"), stack)


@pytest.mark.parametrize(("name", "depth"), [("b.png", None), ("b.jpg", None), ("b.tif", 16)])
def test_clipping_of_highlights_is_reported(tmp_path: Path, name: str, depth: Depth | None) -> None:
    """A warning per file states the share of pixels and which format keeps them."""
    pages = np.full((1 if name != "b.tif" else 2, 10, 10, 3), 0.5, np.float32)
    pages[:, 0, :3, 1], pages[:, 9, 0] = 2, -0.5
    tifffile.imwrite(tmp_path / "a.tif", pages.squeeze(), photometric="rgb")
    with pytest.warns(RestoreWarning) as told:
        process_file(tmp_path / "a.tif", tmp_path / name, keep, WriteOptions(depth=depth))
    (line,) = [str(each.message) for each in told]
    assert "3 % of the pixels are brighter than white and 1 % of the pixels are darker" in line
    assert f"which '{name}' cannot hold; a .tif with depth float can" in line
    assert (tmp_path / name).exists()


def test_there_is_no_warning_without_a_loss(tmp_path: Path) -> None:
    """Floats in floats, and integers of floats that barely leave [0, 1]. (Warnings are errors.)"""
    values = np.linspace(-0.003, 1.003, 300).astype(np.float32).reshape(10, 10, 3)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb")
    process_file(tmp_path / "a.tif", tmp_path / "b.png", keep)
    tifffile.imwrite(tmp_path / "a.tif", values * 5, photometric="rgb")
    process_file(tmp_path / "a.tif", tmp_path / "b.tif", keep)


@one_at_a_time
def keep(picture: Picture, place: PagePlace) -> Picture:
    return picture


# CMYK


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_is_not_replaced_by_rgb(tmp_path: Path, suffix: str) -> None:
    """A CMYK file is not overwritten; a result in another file is RGB."""
    source = tmp_path / f"a{suffix}"
    Image.new("CMYK", (8, 8), (10, 20, 30, 40)).save(source)
    before = source.read_bytes()
    with pytest.raises(ImageFileError, match=r"holds CMYK pixels.*choose another output"):
        process_file(source, source, never, WriteOptions(overwrite_input=True))
    assert source.read_bytes() == before
    with pytest.warns(RestoreWarning, match=r"holds CMYK pixels, which are converted to RGB"):
        process_file(source, tmp_path / f"b{suffix}", keep, WriteOptions(overwrite_input=True))
    process_file(
        tmp_path / f"b{suffix}", tmp_path / f"b{suffix}", keep, WriteOptions(overwrite_input=True)
    )
    with Image.open(tmp_path / f"b{suffix}") as image:
        assert image.mode == "RGB"


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_copied_cmyk_gives_no_warning(tmp_path: Path, suffix: str) -> None:
    """A picture that is left alone stays CMYK; in another format it does not."""
    source = tmp_path / f"a{suffix}"
    Image.new("CMYK", (8, 8), (10, 20, 30, 40)).save(source)
    leave = one_at_a_time(lambda picture, place: replace(picture, left_alone=True))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        process_file(source, tmp_path / f"b{suffix}", leave)
    assert (tmp_path / f"b{suffix}").read_bytes() == source.read_bytes()
    with pytest.warns(RestoreWarning, match="holds CMYK pixels"):
        process_file(source, tmp_path / "b.png", leave)
