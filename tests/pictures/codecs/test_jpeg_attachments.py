"""JPEG files of phones: data after the picture is kept, or no longer referred to."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps
from PIL.MpoImagePlugin import MpoImageFile

from restorekit.errors import ImageFileError, RestoreWarning
from restorekit.pictures.processing.one_file import WriteOptions, one_at_a_time
from restorekit.pictures.read_files import read_picture
from restorekit.pictures.tensors import picture_to_image
from restorekit.pictures.write_files import write_pages
from tests.file_processing import process_file

VIDEO = struct.pack(">I4s4sI", 24, b"ftyp", b"mp42", 0) + bytes(8) + b"a video" * 50
XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
 xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"
 xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"
 GCamera:MotionPhoto="1" GCamera:MicroVideoOffset="{}" hdrgm:Version="1.0"/></rdf:RDF>
</x:xmpmeta>"""
KEPT = one_at_a_time(lambda picture, place: picture)


def smooth(width: int, height: int, seed: int = 0) -> Image.Image:
    """A picture that JPEG changes little."""
    small = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def gain_map() -> bytes:
    """A small gray JPEG that is marked as a gain map."""
    file = io.BytesIO()
    packet = b'<x xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"/>'
    smooth(12, 8, 1).convert("L").save(file, "JPEG", xmp=packet)
    return file.getvalue()


def phone_file(path: Path, orientation: int = 1, kind: int = 0, video: bytes = VIDEO) -> None:
    """A picture with a second one in its index (CIPA DC-007) and a video at the end."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif.get_ifd(0x8769).update({0xA002: 96, 0xA003: 64})
    first, second = io.BytesIO(), gain_map()
    packet = XMP.format(len(video)).encode()
    smooth(96, 64).save(first, "JPEG", quality=95, exif=exif, xmp=packet)
    picture = first.getvalue()
    base = 2 + 4 + 4  # the index comes first, and counts from behind its name
    size = 2 + 2 + 4 + 82 + len(picture)
    index = struct.pack(">2sHIH", b"MM", 42, 8, 3)
    index += struct.pack(">HHI4s", 0xB000, 7, 4, b"0100")
    index += struct.pack(">HHII", 0xB001, 4, 1, 2)
    index += struct.pack(">HHIII", 0xB002, 7, 32, 50, 0)
    index += struct.pack(">IIIHH", 0x20030000, size, 0, 2, 0)
    index += struct.pack(">IIIHH", kind, len(second), size - base, 0, 0)
    segment = struct.pack(">HH", 0xFFE2, 6 + len(index)) + b"MPF\x00" + index
    data = picture[:2] + segment + picture[2:]
    assert len(data) == size
    path.write_bytes(data + second + video)


def frames(path: Path) -> list[Any]:
    """The pictures at the offsets in the index of a file."""
    data = path.read_bytes()
    with MpoImageFile(path) as image:
        entries, base = image.mpinfo[0xB002], data.index(b"MPF\x00") + 4
    places = [(entry["DataOffset"], entry["Size"]) for entry in entries]
    starts = [(offset + base if offset else 0, size) for offset, size in places]
    # Each on its own: Pillow 11 decodes the second of such a file wrongly.
    return [np.asarray(Image.open(io.BytesIO(data[at : at + size]))) for at, size in starts]


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_gain_map_and_video_of_a_jpeg_stay(tmp_path: Path, orientation: int) -> None:
    """In place too: the index leads to the gain map, the offset to the video, and the picture lies
    as it did, so that the gain map fits it."""
    path = tmp_path / "a.jpg"
    phone_file(path, orientation)
    before, (_, expected) = read_picture(path), frames(path)
    with Image.open(path) as image:
        shown = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(before.pixels, shown)
    assert process_file(path, path, KEPT, WriteOptions(overwrite_input=True)) == ()
    again, found = frames(path)
    assert np.array_equal(found, expected)
    assert again.shape == (64, 96, 3)
    assert path.read_bytes().endswith(VIDEO)
    with Image.open(path) as image:
        assert b'MotionPhoto="1"' in image.info["xmp"]
        assert f'MicroVideoOffset="{len(VIDEO)}"'.encode() in image.info["xmp"]
        assert image.getexif()[0x0112] == orientation
        assert image.getexif().get_ifd(0x8769) == {0xA002: 96, 0xA003: 64}
        after = np.asarray(ImageOps.exif_transpose(image)).astype(int)
    assert np.abs(after - before.pixels).mean() < 1


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".bmp"])
def test_formats_that_hold_no_more_than_a_picture(tmp_path: Path, suffix: str) -> None:
    """What is left out is named, and no longer referred to."""
    phone_file(tmp_path / "a.jpg")
    with pytest.warns(RestoreWarning, match=r"a\.jpg' holds more .*\(gain map, video\)"):
        left_out = process_file(tmp_path / "a.jpg", tmp_path / f"a{suffix}", KEPT)
    assert {"gain map", "video"} <= set(left_out)
    written = (tmp_path / f"a{suffix}").read_bytes()
    assert not any(word in written for word in (b"MotionPhoto", b"MicroVideo", b"hdrgm"))


def test_in_place_refuses_what_it_would_lose(tmp_path: Path) -> None:
    """For example a JPEG with the suffix of another format."""
    phone_file(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    with pytest.raises(ImageFileError, match=r"gain map, video.*choose another output"):
        process_file(
            tmp_path / "a.png", tmp_path / "a.png", KEPT, WriteOptions(overwrite_input=True)
        )
    assert (tmp_path / "a.png").read_bytes() == before


@pytest.mark.parametrize("video", [VIDEO, b""])
def test_previews_are_left_out(tmp_path: Path, video: bytes) -> None:
    """They show the noisy picture; a video after one is kept."""
    phone_file(tmp_path / "a.jpg", kind=0x010001, video=video)
    left_out = process_file(tmp_path / "a.jpg", tmp_path / "b.jpg", KEPT)
    assert left_out == ("preview",)
    written = (tmp_path / "b.jpg").read_bytes()
    assert b"MPF\x00" not in written
    assert written.endswith(video)
    assert gain_map() not in written
    assert (b"MotionPhoto" in written) == bool(video)


def test_a_reference_to_missing_data_is_removed(tmp_path: Path) -> None:
    """Other programs leave such references when they write only the picture."""
    smooth(32, 16).save(tmp_path / "a.jpg", xmp=XMP.format(4711).encode())
    write_pages([read_picture(tmp_path / "a.jpg")], tmp_path / "b.jpg")
    assert b"MotionPhoto" not in (tmp_path / "b.jpg").read_bytes()


def test_a_pil_image_claims_nothing(tmp_path: Path) -> None:
    """A PIL image has only the picture."""
    phone_file(tmp_path / "a.jpg")
    assert b"MotionPhoto" not in picture_to_image(read_picture(tmp_path / "a.jpg")).info["xmp"]


def test_extended_xmp_stays_in_a_jpeg(tmp_path: Path) -> None:
    """In other formats it is reported as left out, and the packet no longer refers to it."""
    name = b"http://ns.adobe.com/xmp/extension/\x00"
    content = name + b"0" * 32 + struct.pack(">II", 4, 0) + b"<a/>"
    segment = struct.pack(">HH", 0xFFE1, len(content) + 2) + content
    packet = b'<a xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="0000"/>'
    smooth(32, 16).save(tmp_path / "a.jpg", xmp=packet, extra=segment)
    assert process_file(tmp_path / "a.jpg", tmp_path / "b.jpg", KEPT) == ()
    written = (tmp_path / "b.jpg").read_bytes()
    assert segment in written
    assert written.index(b"HasExtendedXMP") < written.index(segment)
    assert process_file(tmp_path / "a.jpg", tmp_path / "b.png", KEPT) == ("extended XMP",)
    assert b"HasExtendedXMP" not in (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_index_does_not_affect_the_picture(tmp_path: Path, seed: int) -> None:
    """For any damage, the picture is read and the data after it is kept."""
    phone_file(tmp_path / "a.jpg")
    data = bytearray((tmp_path / "a.jpg").read_bytes())
    start = data.index(b"MPF\x00") + 4
    random = np.random.default_rng(seed)
    data[start : start + 82] = random.integers(0, 256, 82, np.uint8).tobytes() if seed else b"II*\0"
    (tmp_path / "a.jpg").write_bytes(data)
    process_file(tmp_path / "a.jpg", tmp_path / "b.jpg", KEPT)
    assert (tmp_path / "b.jpg").read_bytes().endswith(gain_map() + VIDEO)
