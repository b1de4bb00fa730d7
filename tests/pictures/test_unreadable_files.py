"""Files that are refused when they are read."""

from __future__ import annotations

import contextlib
import errno
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from restorekit.errors import ImageFileError
from restorekit.pictures import picture as pictures
from restorekit.pictures.codecs import png_files
from restorekit.pictures.file_formats import suffixes
from restorekit.pictures.picture import Picture
from restorekit.pictures.read_files import read_pages, read_picture
from restorekit.pictures.write_files import write_pages
from tests.pictures.sample_pictures import picture, png
from tests.png_chunks import SIGNATURE

Refusal = Callable[[Path], str]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", suffixes())
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


@pytest.mark.parametrize("suffix", [*suffixes(), "16.png", "16.tif"])
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
