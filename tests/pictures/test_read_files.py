"""Reading picture files: pixels, and messages for files that cannot be read."""

from __future__ import annotations

import contextlib
import errno
import os
import struct
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from restorekit.errors import ImageFileError
from restorekit.pictures import picture as pictures
from restorekit.pictures.codecs import png_files
from restorekit.pictures.file_formats import SUFFIXES
from restorekit.pictures.picture import Picture
from restorekit.pictures.read_files import count_pages, read_pages, read_picture
from restorekit.pictures.write_files import write_pages
from tests.png_chunks import SIGNATURE, chunk

Refusal = Callable[[Path], str]


def picture(mode: str = "RGB", size: tuple[int, int] = (13, 9), seed: int = 0) -> Image.Image:
    """A PIL image of random pixels."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    levels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], channels), np.uint8)
    return Image.frombytes(mode, size, levels.tobytes())


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes) -> bytes:
    """A PNG file built by the specification, for kinds that PIL cannot write."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return SIGNATURE + b"".join(chunk(*part) for part in parts)


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


# Files that cannot


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_truncated_file_is_refused(
    refusal: Refusal, tmp_path: Path, suffix: str, dtype: type
) -> None:
    """A truncated file is an error, not a partly gray picture."""
    path = tmp_path / f"a{suffix}"
    levels = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(dtype)
    write_pages([Picture(levels * np.array(257 if dtype is np.uint16 else 1, dtype))], path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refusal(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_refused(refusal: Refusal, tmp_path: Path) -> None:
    """A file is read more than once, and opening a pipe would wait forever."""
    os.mkfifo(tmp_path / "a.png")
    assert "is a pipe or a device" in refusal(tmp_path / "a.png")


def test_a_circular_link_is_refused(refusal: Refusal, tmp_path: Path) -> None:
    """It is not reported as a missing file."""
    (tmp_path / "a.png").symlink_to(tmp_path / "a.png")
    assert "a link that leads back to itself" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (MemoryError(), "there is not enough memory for it"),
        (PermissionError(errno.EACCES, "Permission denied"), "permission denied"),
        (ValueError("bad marker\nat 7"), "it is damaged (bad marker at 7)"),
        (KeyError(), "it is damaged (KeyError)"),
    ],
)
def test_errors_of_decoders_and_of_the_system_are_distinguished(
    error: Exception, cause: str, refusal: Refusal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lack of memory or of permission does not mean that the file is damaged."""

    def fail(path: Path) -> None:
        raise error

    monkeypatch.setattr(png_files, "read", fail)
    (tmp_path / "a.png").write_bytes(SIGNATURE + bytes(16))
    assert refusal(tmp_path / "a.png").endswith(f": {cause}")


def test_empty_text_folder_and_missing_files_are_refused(refusal: Refusal, tmp_path: Path) -> None:
    """Each line states the cause; that of a missing file suggests a similar name."""
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "head.tif").write_bytes(b"II*\x00")
    picture().save(tmp_path / "animal.gif")
    assert "is empty" in refusal(tmp_path / "empty.png")
    assert "not a PNG, JPEG" in refusal(tmp_path / "text.png")
    assert "is a folder" in refusal(tmp_path / "folder.png")
    assert "damaged" in refusal(tmp_path / "head.tif")
    assert "is a GIF, of 256 colours at most, which is not supported" in refusal(
        tmp_path / "animal.gif"
    )
    assert "Did you mean 'text.png'?" in refusal(tmp_path / "texd.png")
    assert "its folder" in refusal(tmp_path / "nowhere" / "a.png")


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"\x00\x00\x00\x1cftypheic\x00\x00", "a HEIC picture"),
        (b"\x00\x00\x00\x1cftypavif\x00\x00", "an AVIF picture"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
        (b"8BPS\x00\x01", "a Photoshop document"),
        (b"v/1\x01\x02\x00", "an OpenEXR picture"),
    ],
)
def test_other_formats_are_called_by_their_names(
    refusal: Refusal, tmp_path: Path, start: bytes, name: str
) -> None:
    """The message says what the file is, and how to convert it."""
    (tmp_path / "a.jpg").write_bytes(start + bytes(50))
    assert f"is {name}, which is not supported; convert it to PNG" in refusal(tmp_path / "a.jpg")


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_the_limit_in_the_message_is_exact(refusal: Refusal, tmp_path: Path, suffix: str) -> None:
    """For any size above it."""
    picture().save(tmp_path / f"a{suffix}")
    data = bytearray((tmp_path / f"a{suffix}").read_bytes())
    if suffix == ".bmp":
        data[18:26] = struct.pack("<ii", 60_000, 60_000)
    else:
        data = bytearray(png(60_000, 60_000, 8, 2, b""))
    (tmp_path / f"a{suffix}").write_bytes(data)
    assert "it has 3600 megapixels; at most 400 can be read" in refusal(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (20_001, 20_000), (2**31 - 1, 2)])
def test_decompression_bomb_is_refused(
    refusal: Refusal, tmp_path: Path, width: int, height: int, depth: int
) -> None:
    """A file of a hundred bytes that declares gigapixels is refused before it is decoded."""
    (tmp_path / "a.png").write_bytes(png(width, height, depth, 2, b""))
    assert "megapixels" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp"])
def test_limit_is_ours_and_pils_is_left_alone(
    refusal: Refusal, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures above PIL's limit are read up to ours, which applies to every format."""
    picture(size=(40, 30)).save(tmp_path / f"a{suffix}")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert read_picture(tmp_path / f"a{suffix}").pixels.shape == (30, 40, 3)
    assert Image.MAX_IMAGE_PIXELS == 100
    monkeypatch.setattr(pictures, "MAX_PIXELS", 40 * 30 - 1)
    assert "megapixels" in refusal(tmp_path / f"a{suffix}")


def test_webp_has_a_lower_limit(refusal: Refusal, tmp_path: Path) -> None:
    """Its decoder needs much additional memory, even for a valid file of 38 bytes."""
    size = 15_999 | 15_999 << 14
    chunk = b"VP8L" + struct.pack("<IBI", 5, 0x2F, size) + bytes(1)
    (tmp_path / "a.webp").write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk)
    assert "256 megapixels; at most 200 " in refusal(tmp_path / "a.webp")


def test_truncated_16_bit_png_with_a_whole_header(refusal: Refusal, tmp_path: Path) -> None:
    """Missing pixels are not invented, even if the file is well-formed."""
    (tmp_path / "a.png").write_bytes(png(4, 4, 16, 2, (b"\x00" + bytes(24)) * 3))
    assert "damaged" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", [".webp", ".png"])
def test_animation_is_refused(refusal: Refusal, tmp_path: Path, suffix: str) -> None:
    """Its other frames would be lost."""
    frames = [picture(seed=seed) for seed in range(2)]
    frames[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=frames[1:])
    assert "several pictures" in refusal(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", [*SUFFIXES, "16.png", "16.tif"])
@pytest.mark.parametrize("seed", range(6))
def test_damaged_bytes_are_read_or_refused(
    refusal: Refusal, tmp_path: Path, suffix: str, seed: int, capfd: Any
) -> None:
    """For any damage, the result is a picture or one error, and nothing is printed."""
    path = tmp_path / f"a{suffix}"
    levels = np.asarray(picture(size=(32, 32)))
    write_pages([Picture(levels.astype(np.uint16) * 257 if "16" in suffix else levels)], path)
    damaged = bytearray(path.read_bytes())
    random = np.random.default_rng(seed)
    for place in random.integers(4, len(damaged), 12):
        damaged[place] = random.integers(256)
    path.write_bytes(damaged)
    outcome: list[Picture] = []
    with contextlib.suppress(ImageFileError):
        outcome = read_pages(path)
    if not outcome:
        refusal(path)
    assert capfd.readouterr() == ("", "")


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
