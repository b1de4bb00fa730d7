"""TIFF files: layouts of pixels, pages and metadata, compared with tifffile, PIL and libtiff."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageCms

from restorekit.errors import ImageFileError
from restorekit.pictures.picture import Picture
from restorekit.pictures.read_files import count_pages, iter_pages, read_pages, read_picture
from restorekit.pictures.write_files import write_pages
from tests.pictures.codecs.tiff_samples import GRAY8, RANDOM

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
RGB16 = RANDOM.integers(0, 65536, (6, 9, 3)).astype(np.uint16)
RGB32 = (RANDOM.random((6, 9, 3)) * 3 - 1).astype(np.float32)


# Layouts


@pytest.mark.parametrize("options", [
    {},
    {"byteorder": ">"},
    {"bigtiff": True},
    {"compression": "zlib", "predictor": True},
    {"compression": "lzw"},
    {"tile": (16, 16)},
    {"planarconfig": "separate"},
    {"planarconfig": "separate", "compression": "zlib", "byteorder": ">"},
])  # fmt: skip
@pytest.mark.parametrize("values", [RGB16, RGB32, RGB16[..., 0], RGB32[..., 0], GRAY8])
def test_layouts_of_the_same_pixels(tmp_path: Path, values: Any, options: dict[str, Any]) -> None:
    """Byte order, compression, tiles and planes do not change values, also outside [0, 1]."""
    colour = values.ndim == 3
    planes = options.get("planarconfig") == "separate"
    stored = np.moveaxis(values, 2, 0) if colour and planes else values
    options = options if colour else {k: v for k, v in options.items() if k != "planarconfig"}
    order = {key: options[key] for key in ("byteorder", "bigtiff") if key in options}
    rest = {key: value for key, value in options.items() if key not in order}
    with tifffile.TiffWriter(tmp_path / "a.tif", **order) as tiff:
        tiff.write(stored, photometric="rgb" if colour else "minisblack", **rest)
    picture = read_picture(tmp_path / "a.tif")
    assert picture.pixels.dtype == values.dtype
    assert np.array_equal(picture.pixels if colour else picture.pixels[..., 0], values)


@pytest.mark.parametrize("white", [GRAY8, RGB16[..., 0], np.float32([[0, 0.25], [1, 1.5]])])
def test_white_may_be_zero(tmp_path: Path, white: Any) -> None:
    """If 0 is white, values are inverted."""
    tifffile.imwrite(tmp_path / "a.tif", white, photometric="miniswhite")
    top = 1 if white.dtype.kind == "f" else np.iinfo(white.dtype).max
    assert np.array_equal(read_picture(tmp_path / "a.tif").pixels[..., 0], top - white)


def test_black_and_white_of_one_bit(tmp_path: Path) -> None:
    """Faxes and scans of one bit become gray, for both meanings of 0 and 1."""
    image = Image.fromarray(GRAY8 > 100)
    image.save(tmp_path / "a.tif", compression="group4")
    expected = np.where(GRAY8 > 100, 255, 0)
    assert np.array_equal(read_picture(tmp_path / "a.tif").pixels[..., 0], expected)
    tifffile.imwrite(tmp_path / "b.tif", GRAY8 > 100, photometric="miniswhite")
    assert np.array_equal(read_picture(tmp_path / "b.tif").pixels[..., 0], 255 - expected)


@pytest.mark.parametrize(("bits", "dtype"), [(4, np.uint8), (12, np.uint16)])
def test_few_bits_span_the_whole_range(tmp_path: Path, bits: int, dtype: type) -> None:
    """White of 4 and 12 bits is white."""
    values = np.array([[0, 1, 2**bits - 1, 2 ** (bits - 1)]], dtype)
    _write_packed(tmp_path / "a.tif", values[0], bits)
    top = np.iinfo(dtype).max
    expected = np.rint(values / (2**bits - 1) * top)
    found = read_picture(tmp_path / "a.tif").pixels
    assert found.dtype == dtype
    assert np.array_equal(found[..., 0], expected)


def _write_packed(path: Path, values: Any, bits: int) -> None:
    """A TIFF of one row with packed samples, most significant bit first."""
    joined = "".join(f"{int(value):0{bits}b}" for value in values)
    row = int(joined, 2).to_bytes(len(joined) // 8)
    entries = [(256, len(values)), (257, 1), (258, bits), (259, 1), (262, 1), (273, 8), (277, 1),
               (278, 1), (279, len(row))]  # fmt: skip
    place = 8 + len(row) + len(row) % 2
    directory = struct.pack(">H", len(entries))
    directory += b"".join(struct.pack(">HHIHH", tag, 3, 1, value, 0) for tag, value in entries)
    data = b"MM\x00*" + struct.pack(">I", place) + row + bytes(len(row) % 2)
    path.write_bytes(data + directory + bytes(4))


@pytest.mark.parametrize("deep", [False, True])
def test_palette_becomes_its_colours(tmp_path: Path, deep: bool) -> None:
    """A palette of 8-bit colours gives 8 bits, and one of deeper colours 16."""
    colours = RANDOM.integers(0, 256, (3, 256)).astype(np.uint16) * 257 + np.uint16(deep)
    tifffile.imwrite(tmp_path / "a.tif", GRAY8, photometric="palette", colormap=colours)
    found = read_picture(tmp_path / "a.tif").pixels
    expected = np.moveaxis(colours[:, GRAY8], 0, 2)
    assert found.dtype == (np.uint16 if deep else np.uint8)
    assert np.array_equal(found, expected if deep else expected // 257)


@pytest.mark.parametrize("kind", ["unassociated", "associated"])
def test_alpha_and_its_kind(tmp_path: Path, kind: str) -> None:
    """A fourth channel is unchanged, and the new file declares the same kind."""
    alpha = RGB16[..., :1]
    values = np.concatenate([RGB16 // 2, alpha], 2)
    name = {"unassociated": "unassalpha", "associated": "assocalpha"}[kind]
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", extrasamples=[name])
    picture = read_picture(tmp_path / "a.tif")
    assert np.array_equal(picture.channels(), values)
    assert picture.metadata.alpha == kind
    write_pages([picture], tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as tiff:
        page = tiff.pages[0]
        assert np.array_equal(page.asarray(), values)
        assert page.extrasamples == ({"associated": 1, "unassociated": 2}[kind],)


def test_cmyk_is_converted_as_by_pillow(tmp_path: Path) -> None:
    """8-bit CMYK becomes the RGB of Pillow, and its profile is dropped."""
    levels = RANDOM.integers(0, 256, (6, 9, 4), np.uint8)
    image = Image.frombytes("CMYK", (9, 6), levels.tobytes())
    image.save(tmp_path / "a.tif", icc_profile=SRGB[:16] + b"CMYK" + SRGB[20:])
    picture = read_picture(tmp_path / "a.tif")
    assert np.array_equal(picture.pixels, np.asarray(image.convert("RGB")))
    write_pages([picture], tmp_path / "b.tif")
    assert read_picture(tmp_path / "b.tif").metadata.icc_profile is None


def test_jpeg_in_a_tiff(tmp_path: Path) -> None:
    """YCbCr is decoded as by Pillow."""
    smooth = np.add.outer(np.arange(32), np.arange(48)).astype(np.uint8)
    image = Image.fromarray(np.dstack([smooth, 255 - smooth, smooth]))
    image.save(tmp_path / "a.tif", compression="jpeg", quality=95)
    with Image.open(tmp_path / "a.tif") as reference:
        expected = np.asarray(reference.convert("RGB")).astype(int)
    assert np.abs(read_picture(tmp_path / "a.tif").pixels - expected).max() <= 3


# Writing


@given(
    st.sampled_from([np.uint8, np.uint16, np.float32]),
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 2, 3, 4])),
    st.data(),
)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None
)
def test_tifffile_reads_what_was_written(
    tmp_path: Path, dtype: type, shape: tuple[int, int, int], data: st.DataObject
) -> None:
    """Another reader finds every value of every type, also far outside [0, 1]."""
    finite = (
        {"elements": st.floats(allow_nan=False, allow_infinity=False, width=32)}
        if dtype is np.float32
        else {}
    )
    values = data.draw(arrays(dtype, shape, **finite))
    alpha = values[..., -1] if shape[2] in (2, 4) else None
    picture = Picture(values if alpha is None else values[..., :-1], alpha)
    write_pages([picture], tmp_path / "a.tif")
    found = tifffile.imread(tmp_path / "a.tif")
    assert found.dtype == dtype
    assert np.array_equal(found.reshape(shape), values)
    again = read_picture(tmp_path / "a.tif")
    assert np.array_equal(again.channels(), picture.channels())


@pytest.mark.parametrize("values", [GRAY8, RGB16[..., 0], RGB32[..., 0], RGB16[..., :3] >> 8])
def test_pil_reads_what_was_written(tmp_path: Path, values: Any) -> None:
    """Pillow, with libtiff, reads the same pixels if it has a mode for them."""
    values = values.astype(np.uint8) if values.ndim == 3 else values
    write_pages([Picture(values.reshape(6, 9, -1))], tmp_path / "a.tif")
    with Image.open(tmp_path / "a.tif") as image:
        assert np.array_equal(np.asarray(image), values)


def test_pages_of_any_kind_keep_their_order(tmp_path: Path) -> None:
    """Pages of different sizes and kinds keep their order, and no thumbnail counts as a page."""
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(GRAY8, photometric="minisblack", metadata=None)
        tiff.write(GRAY8[::2, ::2], photometric="minisblack", subfiletype=1, metadata=None)
        tiff.write(RGB16, photometric="rgb", metadata=None)
        tiff.write(RGB32[:3], photometric="rgb", metadata=None)
    assert count_pages(tmp_path / "a.tif") == 3
    pages = read_pages(tmp_path / "a.tif")
    write_pages(iter(pages), tmp_path / "b.tif", count=3)
    with tifffile.TiffFile(tmp_path / "b.tif") as tiff:
        assert len(tiff.pages) == 3
    for first, second in zip(pages, read_pages(tmp_path / "b.tif"), strict=True):
        assert np.array_equal(first.pixels, second.pixels)
    with pytest.raises(ImageFileError, match="holds 3 pages"):
        read_picture(tmp_path / "a.tif")


def test_one_page_is_decoded_at_a_time(tmp_path: Path) -> None:
    """The first page is returned; the damaged second one is reported when it is read."""
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for values in (RGB32, np.zeros((5, 4), np.int64)):
            tiff.write(values, photometric="rgb" if values.ndim == 3 else "minisblack")
    pages = iter_pages(tmp_path / "a.tif")
    assert np.array_equal(next(pages).pixels, RGB32)
    with pytest.raises(ImageFileError, match="type int64"):
        next(pages)
