"""Writing picture files: pixels, metadata, depth, and messages for what cannot be written."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from skimage import data as photographs

from restorekit.errors import ImageFileError, InputError
from restorekit.pictures.file_formats import format_for, suffixes
from restorekit.pictures.picture import Metadata, Picture
from restorekit.pictures.read_files import read_picture
from restorekit.pictures.write_files import check_output, write_pages
from tests.pictures.sample_metadata import EXIF, SRGB, random


def wide_gamut() -> bytes:
    """An RGB profile with another red than sRGB, so that colour management distinguishes them."""
    place = SRGB.index(b"rXYZ", 128)  # the tag's entry in the profile's table
    offset = int.from_bytes(SRGB[place + 4 : place + 8])
    changed = bytearray(SRGB)
    changed[offset + 8 : offset + 12] = round(0.61 * 65536).to_bytes(4)
    return bytes(changed)


WIDE = wide_gamut()


@given(
    st.sampled_from([".png", ".tif", ".bmp", ".webp"]),
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 2, 3, 4])),
    st.data(),
)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
def test_8_bits_are_what_pil_reads(
    tmp_path: Path, suffix: str, shape: tuple[int, int, int], data: st.DataObject
) -> None:
    """PIL finds every written pixel, also the colour of transparent ones."""
    values = data.draw(arrays(np.uint8, shape))
    alpha = values[..., -1] if shape[2] in (2, 4) and suffix != ".bmp" else None
    pixels = values[..., : 1 if shape[2] < 3 else 3]
    written = Picture(pixels, alpha)
    write_pages([written], tmp_path / f"a{suffix}")
    with Image.open(tmp_path / f"a{suffix}") as image:
        expected = Image.fromarray(written.channels()).convert("RGBA")
        assert image.convert("RGBA").tobytes() == expected.tobytes()
    again = read_picture(tmp_path / f"a{suffix}")
    assert np.array_equal(again.pixels[..., 0], pixels[..., 0])


def test_jpeg_keeps_colour_at_full_resolution(tmp_path: Path) -> None:
    """Stripes of one pixel in two colours of equal brightness survive, which 4:2:0 would blur."""
    stripes = np.zeros((16, 16, 3), np.uint8)
    stripes[:, ::2], stripes[:, 1::2] = (200, 60, 60), (20, 130, 130)
    write_pages([Picture(stripes)], tmp_path / "a.jpg")
    written = read_picture(tmp_path / "a.jpg").pixels.astype(int)
    assert np.abs(written - stripes).max() < 16
    subsampled = io.BytesIO()
    Image.fromarray(stripes).save(subsampled, "JPEG", quality=95, subsampling=2)
    assert np.abs(np.asarray(Image.open(subsampled)).astype(int) - stripes).max() > 64


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_quality_is_smaller_or_better(tmp_path: Path, suffix: str) -> None:
    """A lower quality makes a smaller and less accurate file."""
    photo = photographs.chelsea()
    sizes, errors = [], []
    for quality in (95, 30):
        write_pages([Picture(photo)], tmp_path / f"a{suffix}", quality=quality)
        sizes.append((tmp_path / f"a{suffix}").stat().st_size)
        errors.append(
            np.abs(read_picture(tmp_path / f"a{suffix}").pixels - photo.astype(int)).mean()
        )
    assert sizes[1] < 0.6 * sizes[0]
    assert errors[1] > 1.5 * errors[0] > 0


# Metadata and colour


@pytest.mark.parametrize("profile", [SRGB, WIDE])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jpg"])
def test_profiles_are_kept_and_values_not_converted(
    tmp_path: Path, suffix: str, dtype: type, profile: bytes
) -> None:
    """In every format the profile is kept byte for byte."""
    photo = photographs.astronaut()[::8, ::8]
    levels = {8: photo, 16: photo.astype(np.uint16) * 257, 32: (photo / 255).astype(np.float32)}
    pixels = levels[8 * np.dtype(dtype).itemsize]
    kept = Metadata(EXIF, profile, (300, 300))
    write_pages([Picture(pixels, metadata=kept)], tmp_path / f"a{suffix}")
    again = read_picture(tmp_path / f"a{suffix}")
    assert again.metadata.icc_profile == profile
    tolerance = 6 if suffix == ".jpg" else 0
    difference = np.abs(again.astype(np.dtype(np.uint8)).pixels - photo.astype(int))
    assert difference.mean() <= tolerance
    if dtype is np.float32 and suffix == ".tif":
        return  # which Pillow cannot open
    with Image.open(tmp_path / f"a{suffix}") as image:
        assert image.info["icc_profile"] == profile
        assert image.getexif()[0x0110] == "a camera"
        assert image.getexif().get_ifd(0x8769)[0x829A] == 0.25
        assert suffix == ".webp" or image.info["dpi"] == pytest.approx((300, 300), rel=1e-4)


# Depth


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp", ".bmp"])
def test_depth_is_like_the_input_as_far_as_the_format_goes(
    tmp_path: Path, suffix: str, dtype: type
) -> None:
    """16 bits stay in PNG and TIFF, and floats in TIFF; other formats use their deepest."""
    write_pages([Picture(random(dtype))], tmp_path / f"a{suffix}")
    expected = {
        ".tif": dtype,
        ".png": np.uint16 if dtype is np.float32 else dtype,
    }.get(suffix, np.uint8)
    assert read_picture(tmp_path / f"a{suffix}").pixels.dtype == expected


@pytest.mark.parametrize(
    ("depth", "dtype"), [(8, np.uint8), (16, np.uint16), ("float", np.float32)]
)
def test_a_requested_depth(tmp_path: Path, depth: Any, dtype: type) -> None:
    """The file has it, independently of the depth of the picture."""
    for given_dtype in (np.uint8, np.uint16, np.float32):
        write_pages([Picture(random(given_dtype))], tmp_path / "a.tif", depth=depth)
        assert read_picture(tmp_path / "a.tif").pixels.dtype == dtype


def test_multiplied_colour_is_separated_for_a_png(tmp_path: Path) -> None:
    """PNG has only unassociated alpha."""
    pixels, alpha = np.full((2, 2, 3), 20_000, np.uint16), np.full((2, 2), 32_768, np.uint16)
    write_pages([Picture(pixels, alpha, Metadata(alpha="associated"))], tmp_path / "a.png")
    found = read_picture(tmp_path / "a.png")
    assert int(found.pixels[0, 0, 0]) == round(20_000 * 65_535 / 32_768)
    assert np.array_equal(found.alpha, alpha)  # type: ignore[arg-type]


# What cannot be written


def test_unknown_suffix_lists_the_known(tmp_path: Path) -> None:
    """The message lists the supported suffixes and suggests one."""
    with pytest.raises(ImageFileError, match=r"'\.jpgg'.* Did you mean '\.jpg'\?.*\.webp"):
        write_pages([Picture(random(np.uint8))], tmp_path / "a.jpgg")
    with pytest.raises(ImageFileError, match="without a suffix"):
        write_pages([Picture(random(np.uint8))], tmp_path / "a")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_transparency_is_not_dropped_silently(tmp_path: Path, suffix: str, dtype: type) -> None:
    """A format without alpha accepts an opaque picture and refuses a transparent one."""
    pixels = random(dtype)
    with pytest.raises(ImageFileError, match=r"transparency.*\.png"):
        write_pages([Picture(pixels, pixels[..., 0])], tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())
    opaque = np.full(pixels.shape[:2], np.iinfo(dtype).max, dtype)
    write_pages([Picture(pixels, opaque)], tmp_path / f"a{suffix}")
    assert read_picture(tmp_path / f"a{suffix}").alpha is None


@pytest.mark.parametrize(
    "suffix", [suffix for suffix in suffixes() if not format_for(f"a{suffix}").pages]
)
def test_pages_need_a_tiff(tmp_path: Path, suffix: str) -> None:
    """Other formats refuse them, whether the number is known beforehand or not."""
    pages = [Picture(random(np.uint8))] * 2
    for given_pages in (pages, iter(pages)):
        with pytest.raises(ImageFileError, match="one"):
            write_pages(given_pages, tmp_path / f"a{suffix}")
    with pytest.raises(ImageFileError, match="there is no picture"):
        write_pages([], tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())


def test_depth_of_another_format(tmp_path: Path) -> None:
    """It is refused before anything is made."""
    for name, depth in (("a.jpg", 16), ("a.png", "float"), ("a.webp", "float")):
        with pytest.raises(ImageFileError, match="format holds"):
            check_output(tmp_path / name, depth)  # type: ignore[arg-type]
    check_output(tmp_path / "a.png", 16)


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """The message is one line, and the existing file stays."""
    path = tmp_path / "a.webp"
    write_pages([Picture(random(np.uint8))], path)
    before = path.read_bytes()
    with pytest.raises(ImageFileError, match=r"cannot write '.*a\.webp'"):
        write_pages([Picture(np.zeros((1, 20_000, 1), np.uint8))], path)  # WebP ends at 16,383
    with pytest.raises(ImageFileError, match="cannot write"):
        write_pages([Picture(random(np.uint8))], path / "b.png")
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.webp"]


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_an_exception_of_the_pages_is_passed_on(tmp_path: Path, suffix: str) -> None:
    """An exception while the pages are made is not blamed on the file, which is not written."""

    def pages() -> Any:
        yield Picture(random(np.uint8))
        raise InputError("the network cannot")

    with pytest.raises(InputError, match="the network cannot"):
        write_pages(pages(), tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())
