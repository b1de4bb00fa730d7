"""JPEG files: missing parts, false sizes, and metadata."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from restorekit.errors import ImageFileError, RestoreWarning
from restorekit.pictures.picture import Metadata, Picture
from restorekit.pictures.read_files import read_picture
from restorekit.pictures.write_files import write_pages

Refusal = Callable[[Path], str]


def photo(width: int = 60, height: int = 44) -> Image.Image:
    levels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(levels)


def encoded(image: Image.Image | None = None, **options: Any) -> bytes:
    file = io.BytesIO()
    (image or photo()).save(file, "JPEG", **options)
    return file.getvalue()


def with_size(data: bytes, width: int, height: int) -> bytes:
    """A JPEG whose frame claims another size."""
    place = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    return data[: place + 5] + struct.pack(">HH", height, width) + data[place + 9 :]


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [1, 2])
def test_a_file_that_lacks_its_end_marker_alone_is_read(
    tmp_path: Path, progressive: bool, missing: int
) -> None:
    """A warning names the file; no pixel differs."""
    data = encoded(progressive=progressive)
    (tmp_path / "a.jpg").write_bytes(data)
    whole = read_picture(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").write_bytes(data[:-missing])
    with pytest.warns(RestoreWarning, match=r"a\.jpg' lacks its end"):
        assert np.array_equal(read_picture(tmp_path / "a.jpg").pixels, whole.pixels)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [8, 50, 1000])
def test_a_file_that_lacks_pixels_is_refused(
    refusal: Refusal, tmp_path: Path, progressive: bool, missing: int
) -> None:
    """Even if only a few are missing."""
    (tmp_path / "a.jpg").write_bytes(encoded(progressive=progressive)[:-missing])
    assert "ends too early" in refusal(tmp_path / "a.jpg")


@pytest.mark.parametrize("progressive", [False, True])
def test_a_size_that_a_file_cannot_hold_is_refused(
    refusal: Refusal, tmp_path: Path, progressive: bool
) -> None:
    """Before anything is decoded or allocated."""
    data = with_size(encoded(progressive=progressive), 20_000, 20_000)
    (tmp_path / "a.jpg").write_bytes(data)
    assert "cannot hold 20000x20000 pixels" in refusal(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"optimize": True}, {"subsampling": "4:2:0"}]
)
def test_pictures_that_take_few_bits_are_read(tmp_path: Path, options: dict[str, Any]) -> None:
    """A picture of one colour needs nearly the minimum of bits."""
    flat = Image.new("RGB", (400, 300), (128, 128, 128))
    (tmp_path / "a.jpg").write_bytes(encoded(flat, quality=1, **options))
    assert (read_picture(tmp_path / "a.jpg").pixels == 128).all()


def test_very_many_scans_are_refused(refusal: Refusal, tmp_path: Path) -> None:
    """For each the decoder passes over the whole picture."""
    data = encoded(progressive=True)
    last = data.rindex(b"\xff\xda")
    (tmp_path / "a.jpg").write_bytes(data[:-2] + data[last:-2] * 200 + data[-2:])
    assert "scans" in refusal(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    ("marker", "bits", "said"), [(0xC3, 8, "lossless"), (0xC1, 12, "12-bit channels")]
)
def test_unsupported_kinds_are_named(
    refusal: Refusal, tmp_path: Path, marker: int, bits: int, said: str
) -> None:
    """They are not reported as damaged."""
    data = bytearray(encoded())
    place = data.index(b"\xff\xc0")
    data[place + 1], data[place + 4] = marker, bits
    (tmp_path / "a.jpg").write_bytes(data)
    assert said in refusal(tmp_path / "a.jpg")


def test_metadata_is_what_pillow_reads(tmp_path: Path) -> None:
    """A profile of several segments, resolution, EXIF, XMP and comment, also when written."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile += np.random.default_rng(0).integers(0, 256, 150_000, np.uint8).tobytes()
    exif = Image.Exif()
    exif[0x0110] = "a camera"
    kept = {"icc_profile": profile, "dpi": (300, 150), "comment": b"seen", "xmp": b"<x/>"}
    photo().save(tmp_path / "a.jpg", exif=exif, **kept)
    metadata = read_picture(tmp_path / "a.jpg").metadata
    assert (metadata.icc_profile, metadata.dpi) == (profile, (300, 150))
    assert (metadata.comment, metadata.xmp) == (b"seen", b"<x/>")
    write_pages([read_picture(tmp_path / "a.jpg")], tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as image:
        assert {name: image.info[name] for name in kept} == kept
        assert image.getexif()[0x0110] == "a camera"


def test_the_resolution_in_the_exif_is_the_second_choice(tmp_path: Path) -> None:
    """Per inch or per centimetre."""
    for unit, expected in (2, 72), (3, 72 * 2.54):
        exif = Image.Exif()
        exif[0x011A], exif[0x011B], exif[0x0128] = 72.0, 72.0, unit
        photo().save(tmp_path / "a.jpg", exif=exif)
        assert read_picture(tmp_path / "a.jpg").metadata.dpi == pytest.approx((expected,) * 2)


def test_metadata_that_is_left_out_is_named(tmp_path: Path) -> None:
    """Content credentials, which hold for the old bytes alone, and notes of other programs."""
    extra = b"".join(
        struct.pack(">BBH", 0xFF, 0xE0 + number, 2 + len(content)) + content
        for number, content in [
            (0, b"JFXX\x00\x10thumbnail"),
            (2, b"FPXR\x00more"),
            (4, b"something"),
            (11, b"JP\x00\x01jumbf"),
            (13, b"Photoshop 3.0\x00" + struct.pack(">4sHHI", b"8BIM", 2000, 0, 4) + b"path"),
            (13, b"Photoshop 3.0\x00" + struct.pack(">4sHHI", b"8BIM", 0x0425, 0, 4) + b"hash"),
        ]
    )
    photo().save(tmp_path / "a.jpg", extra=extra)
    assert read_picture(tmp_path / "a.jpg").metadata.left_out == (
        "JFIF thumbnail",
        "FlashPix",
        "segment APP4",
        "content credentials (JUMBF)",
        "Photoshop resources",
    )


@pytest.mark.parametrize("field", ["exif", "xmp", "iptc", "comment"])
def test_what_is_too_long_for_a_segment_is_left_out_and_named(tmp_path: Path, field: str) -> None:
    """The picture is written."""
    whole = Picture(np.asarray(photo()), metadata=Metadata(**{field: b"II*\x00" + bytes(70_000)}))
    left_out = write_pages([whole], tmp_path / "a.jpg")
    assert len(left_out) == 1
    assert left_out[0].lower().endswith(field)
    assert getattr(read_picture(tmp_path / "a.jpg").metadata, field) is None


def test_bytes_before_the_first_frame_are_not_a_picture(tmp_path: Path) -> None:
    """A file that has only segments is refused."""
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xfe\x00\x04hi\xff\xd9")
    with pytest.raises(ImageFileError, match="ends before its pixels"):
        read_picture(tmp_path / "a.jpg")
