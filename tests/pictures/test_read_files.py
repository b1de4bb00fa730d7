"""Reading picture files: pixels, and messages for files that cannot be read."""

from __future__ import annotations

import struct
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from restorekit.pictures.read_files import count_pages, read_pages, read_picture
from restorekit.pictures.write_files import write_pages
from tests.pictures.sample_pictures import picture, png

# Files that can be read


WRITTEN_BY_PIL = {
    ".png": ["1", "L", "LA", "RGB", "RGBA", "P"],
    ".tif": ["1", "L", "LA", "RGB", "RGBA", "P", "CMYK"],
    ".bmp": ["1", "L", "RGB", "RGBA", "P"],
    ".webp": ["L", "RGB", "RGBA", "P"],
    ".jpg": ["1", "L", "RGB", "CMYK"],
}


@pytest.mark.parametrize(
    ("suffix", "mode"), [(s, mode) for s, modes in WRITTEN_BY_PIL.items() for mode in modes]
)
def test_8_bit_files_are_what_pil_reads(tmp_path: Path, suffix: str, mode: str) -> None:
    """Gray has one channel and colour three, alpha is separate, and values are those of PIL."""
    image = picture("RGBA" if "A" in mode else "RGB").convert(mode)
    image.save(tmp_path / f"a{suffix}")
    found = read_picture(tmp_path / f"a{suffix}")
    with Image.open(tmp_path / f"a{suffix}") as reference:
        gray = reference.mode in ("1", "L", "LA")
        alpha = reference.mode in ("LA", "RGBA")
        expected = reference.convert(
            ("LA" if alpha else "L") if gray else "RGBA" if alpha else "RGB"
        )
    assert np.array_equal(found.channels(), np.asarray(expected))
    assert found.pixels.dtype == np.uint8


def test_transparent_palette_has_alpha(tmp_path: Path) -> None:
    """A palette becomes its colours, and its transparent entry stays transparent."""
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "a.png", transparency=1)
    found = read_picture(tmp_path / "a.png")
    assert found.pixels.tolist() == [[[10, 20, 30], [40, 50, 60]]]
    assert found.alpha is not None
    assert found.alpha.tolist() == [[255, 0]]


def test_picture_higher_than_a_band(tmp_path: Path) -> None:
    """Pixels are copied in bands; none is lost or repeated between them."""
    image = picture("RGBA", (3, 600))
    image.save(tmp_path / "a.png")
    assert np.array_equal(read_picture(tmp_path / "a.png").channels(), np.asarray(image))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(tmp_path: Path, suffix: str, orientation: int) -> None:
    """The result is PIL's transposition, and is not turned again when it is read again."""
    image, tags = Image.new("RGB", (24, 16)), Image.Exif()
    image.paste((255, 255, 255), (0, 8, 8, 16))
    tags[0x0112] = orientation
    image.save(tmp_path / f"a{suffix}", exif=tags, dpi=(300, 150))
    with Image.open(tmp_path / f"a{suffix}") as reference:
        expected = np.asarray(ImageOps.exif_transpose(reference).convert("RGB")).astype(int)
    upright = read_picture(tmp_path / f"a{suffix}")
    assert np.abs(upright.pixels - expected).max() <= 2
    if suffix != ".webp":
        turned = (150, 300) if orientation >= 5 else (300, 150)
        assert upright.metadata.dpi == pytest.approx(turned, rel=1e-3)
    write_pages([upright], tmp_path / f"b{suffix}")
    again = read_picture(tmp_path / f"b{suffix}")
    assert again.pixels.shape == upright.pixels.shape
    assert np.abs(again.pixels.astype(int) - upright.pixels).max() <= 8
    with Image.open(tmp_path / f"b{suffix}") as written:
        assert written.getexif().get(0x0112, 1) == 1


def test_a_picture_with_damaged_exif_is_read(tmp_path: Path) -> None:
    """Without a warning, although the EXIF block is garbage."""
    picture().save(tmp_path / "a.jpg", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7fgarbage")
    assert read_picture(tmp_path / "a.jpg").pixels.shape == (9, 13, 3)


@pytest.mark.parametrize(
    ("name", "format"), [("a.jpg", "PNG"), ("a.png", "JPEG"), ("a.bmp", "TIFF")]
)
def test_suffix_does_not_decide_how_a_file_is_read(tmp_path: Path, name: str, format: str) -> None:
    """A file with the suffix of another format is read by its content."""
    picture().save(tmp_path / name, format=format)
    with Image.open(tmp_path / name) as reference:
        assert np.array_equal(read_picture(tmp_path / name).pixels, np.asarray(reference))


def test_the_first_picture_of_a_phone_jpeg_is_read(tmp_path: Path) -> None:
    """Of an MPO file, a JPEG with further pictures, the first one is read."""
    first, second = Image.new("RGB", (16, 16), "red"), Image.new("RGB", (16, 16), "blue")
    first.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[second])
    red, _, blue = read_picture(tmp_path / "a.jpg").pixels[8, 8]
    assert red > 200 > 50 > blue


def test_few_bits_are_widened(tmp_path: Path) -> None:
    """A gray PNG of 4 bits and a BMP of 16 bits a pixel, 5 or 6 a channel, are read as 8."""
    (tmp_path / "a.png").write_bytes(png(2, 1, 4, 0, b"\x00\x0f"))
    assert read_picture(tmp_path / "a.png").pixels.ravel().tolist() == [0, 255]
    header = struct.pack("<2sIHHI", b"BM", 70, 0, 0, 66)
    header += struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, 16, 3, 4, 0, 0, 0, 0)
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    (tmp_path / "a.bmp").write_bytes(header + masks + struct.pack("<HH", 0xF800, 0x001F))
    assert read_picture(tmp_path / "a.bmp").pixels.tolist() == [[[255, 0, 0], [0, 0, 255]]]


def test_only_a_tiff_has_pages_to_count(tmp_path: Path) -> None:
    """Other formats have one, which is known without decoding."""
    picture().save(tmp_path / "a.png")
    assert count_pages(tmp_path / "a.png") == 1
    assert len(read_pages(tmp_path / "a.png")) == 1


def test_reading_in_threads_leaves_the_process_alone(tmp_path: Path) -> None:
    """Warnings of the host program are shown as before, during and after reading."""
    paths = [tmp_path / f"a{suffix}" for suffix in (".png", ".jpg", ".webp", ".bmp", ".tif")]
    for path in paths:
        picture(size=(64, 64)).save(path)
    filters, limit = list(warnings.filters), Image.MAX_IMAGE_PIXELS
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda path: (read_picture(path), list(warnings.filters)), paths * 20))
    assert all(found == filters for _, found in seen)
    assert list(warnings.filters) == filters
    assert limit == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp"])
def test_palettes_and_metadata_give_no_warning_of_pillow(tmp_path: Path, suffix: str) -> None:
    """Pillow does not receive data about which it would warn; tests turn warnings into errors."""
    image = picture("P", (16, 16)) if suffix == ".png" else picture()
    options = {"transparency": bytes(range(256))} if suffix == ".png" else {}
    broken = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x02\x00"
    broken += b"\x0f\x01\x02\x00\xff\xff\x00\x00" * 3
    image.save(tmp_path / f"a{suffix}", exif=broken, **options)
    assert read_picture(tmp_path / f"a{suffix}").pixels.shape == (*image.size[::-1], 3)
