"""PNG files: chunks and 16-bit pixels, compared with a simple reader by zlib and struct."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageCms

from restorekit.errors import ImageFileError
from restorekit.pictures.codecs import png_files, png_pixels
from restorekit.pictures.picture import Metadata, Picture
from restorekit.pictures.read_files import read_picture
from restorekit.pictures.write_files import write_pages
from tests.png_chunks import SIGNATURE, chunk

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LINEAR = struct.pack(">I", 100_000)  # a gAMA chunk's content: values proportional to light
CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}


def png(samples: Any, colour_type: int, *extra: tuple[bytes, bytes], after: bytes = b"") -> bytes:
    """A 16-bit PNG of samples (H, W, C), built by the specification."""
    height, width, _ = samples.shape
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    rows = b"".join(b"\x00" + row.astype(">u2").tobytes() for row in samples)
    parts = [(b"IHDR", header), *extra, (b"IDAT", zlib.compress(rows))]
    return SIGNATURE + b"".join(chunk(*part) for part in parts) + after + chunk(b"IEND", b"")


def parse(data: bytes) -> tuple[list[tuple[bytes, bytes]], Any]:
    """The chunks of a PNG with verified checksums, and its samples (H, W, C) without filters."""
    assert data[:8] == SIGNATURE
    place, found = 8, []
    while place < len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        content = data[place + 8 : place + 8 + length]
        (check,) = struct.unpack_from(">I", data, place + 8 + length)
        assert check == zlib.crc32(kind + content)
        found.append((kind, content))
        place += 12 + length
    width, height, depth, colour_type = struct.unpack_from(">IIBB", found[0][1])
    raw = zlib.decompress(b"".join(content for kind, content in found if kind == b"IDAT"))
    step = CHANNELS[colour_type] * depth // 8
    rows = [bytearray(step + width * step)]
    for y in range(height):
        line = raw[y * (1 + width * step) :][: 1 + width * step]
        rows.append(unfiltered(line[0], line[1:], rows[-1], step))
    samples = np.frombuffer(b"".join(row[step:] for row in rows[1:]), f">u{depth // 8}")
    return found, samples.reshape(height, width, -1)


def unfiltered(kind: int, line: bytes, above: bytearray, step: int) -> bytearray:
    """A row with its filter undone, behind `step` zeros (https://www.w3.org/TR/png-3/#9Filters)."""
    row = bytearray(step) + bytearray(line)
    for x in range(step, len(row)):
        a, b, c = row[x - step], above[x], above[x - step]
        paeth = min((a, b, c), key=lambda near: abs(a + b - c - near))
        row[x] = (row[x] + (0, a, b, (a + b) // 2, paeth)[kind]) % 256
    return row


def samples(channels: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(0, 65536, (4, 5, channels)).astype(np.uint16)


@given(
    st.sampled_from([np.uint8, np.uint16]),
    st.integers(1, 6),
    st.integers(1, 6),
    st.sampled_from([1, 2, 3, 4]),
    st.data(),
)
def test_written_pixels_are_those_of_the_specification(
    dtype: type, height: int, width: int, channels: int, data: st.DataObject
) -> None:
    """A reader that follows the specification finds every sample, gray or colour, with alpha."""
    values = data.draw(arrays(dtype, (height, width, channels)))
    alpha = values[..., -1] if channels in (2, 4) else None
    pixels = values if alpha is None else values[..., :-1]
    file = io.BytesIO()
    png_files.write(Picture(pixels, alpha), file)
    assert np.array_equal(parse(file.getvalue())[1], values)


@pytest.mark.parametrize("colour_type", CHANNELS)
def test_16_bits_are_read(tmp_path: Path, colour_type: int) -> None:
    """Every sample of each kind of 16-bit file is read, with alpha separately."""
    values = samples(CHANNELS[colour_type])
    (tmp_path / "a.png").write_bytes(png(values, colour_type))
    picture = read_picture(tmp_path / "a.png")
    assert picture.pixels.dtype == np.uint16
    if colour_type & 4:
        assert np.array_equal(picture.channels(), values)
    else:
        assert picture.alpha is None
        assert np.array_equal(picture.pixels, values)


def test_transparent_colour_of_16_bits_becomes_alpha(tmp_path: Path) -> None:
    """Exactly the colour that the file declares transparent."""
    values = samples(3)
    key = struct.pack(">3H", *values[1, 2])
    (tmp_path / "a.png").write_bytes(png(values, 2, (b"tRNS", key)))
    picture = read_picture(tmp_path / "a.png")
    expected = np.full((4, 5), 65535)
    expected[1, 2] = 0
    assert np.array_equal(picture.alpha, expected)  # type: ignore[arg-type]
    assert np.array_equal(picture.pixels, values)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_metadata_is_written_as_the_specification_says(tmp_path: Path, dtype: type) -> None:
    """Every chunk occurs once, before the pixels, with a correct checksum and its content."""
    exif = Image.Exif()
    exif[0x0110] = "a camera"
    block = exif.tobytes()[6:]
    chunks = ((b"gAMA", LINEAR), (b"cHRM", bytes(range(32))))
    kept = Metadata(block, SRGB, (300, 150), b"<x:xmpmeta/>", chunks)
    write_pages([Picture(np.zeros((2, 3, 3), dtype), metadata=kept)], tmp_path / "a.png")
    found, _ = parse((tmp_path / "a.png").read_bytes())
    kinds = [kind for kind, _ in found]
    assert kinds == [
        b"IHDR",
        b"gAMA",
        b"cHRM",
        b"iCCP",
        b"pHYs",
        b"eXIf",
        b"iTXt",
        b"IDAT",
        b"IEND",
    ]
    content = dict(found)
    assert content[b"gAMA"] == LINEAR
    assert content[b"eXIf"] == block
    assert struct.unpack(">IIB", content[b"pHYs"]) == (11811, 5906, 1)
    name, profile = content[b"iCCP"].split(b"\x00\x00", 1)
    assert name
    assert zlib.decompress(profile) == SRGB
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        assert image.info["icc_profile"] == SRGB
        assert image.info["dpi"] == pytest.approx((300, 150), rel=1e-4)
        assert image.info["gamma"] == 1.0
        assert image.getexif()[0x0110] == "a camera"
        assert image.info["XML:com.adobe.xmp"] == "<x:xmpmeta/>"
    again = read_picture(tmp_path / "a.png").metadata
    assert again.dpi == pytest.approx((300, 150), rel=1e-4)
    assert (again.exif, again.icc_profile, again.xmp, again.colour_chunks) == (
        (block, SRGB, b"<x:xmpmeta/>", chunks)
    )


def test_colour_chunks_survive_16_bits_and_values_with_them(tmp_path: Path) -> None:
    """A linear file stays linear: neither the values nor their declaration change."""
    values = samples(3)
    source, target = tmp_path / "a.png", tmp_path / "b.png"
    source.write_bytes(
        png(values, 2, (b"gAMA", LINEAR), (b"sRGB", b"\x00"), (b"cICP", b"\x09\x10\x00\x01"))
    )
    write_pages([read_picture(source)], target)
    found, written = parse(target.read_bytes())
    assert np.array_equal(written, values)
    assert dict(found)[b"gAMA"] == LINEAR
    assert dict(found)[b"cICP"] == b"\x09\x10\x00\x01"
    assert dict(found)[b"sRGB"] == b"\x00"


def test_exif_after_the_pixels_turns_the_picture(tmp_path: Path) -> None:
    """The format allows the block after the pixels; its orientation is applied once."""
    values, exif = samples(3), Image.Exif()
    exif[0x0112] = 6
    after = chunk(b"eXIf", exif.tobytes()[6:])
    (tmp_path / "a.png").write_bytes(png(values, 2, after=after))
    picture = read_picture(tmp_path / "a.png")
    assert np.array_equal(picture.pixels, np.rot90(values, -1))
    write_pages([picture], tmp_path / "b.png")
    assert np.array_equal(read_picture(tmp_path / "b.png").pixels, picture.pixels)


def test_texts_are_kept_as_they_are(tmp_path: Path) -> None:
    """Of every kind, before and after the pixels, in order; only damaged ones are left out."""
    author, title = (
        (b"tEXt", b"Author\x00A. Name"),
        (b"zTXt", b"Title\x00\x00" + zlib.compress(b"x")),
    )
    note = (b"iTXt", b"Note\x00\x00\x00de\x00Notiz\x00" + "größer".encode())
    broken = (b"tEXt", b"no zero")
    data = png(samples(1), 0, author, broken, author, after=chunk(*title) + chunk(*note))
    (tmp_path / "a.png").write_bytes(data)
    write_pages([read_picture(tmp_path / "a.png")], tmp_path / "b.png")
    found, _ = parse((tmp_path / "b.png").read_bytes())
    assert [part for part in found if part[0][1:] in (b"EXt", b"TXt")] == [
        author,
        author,
        title,
        note,
    ]
    with Image.open(tmp_path / "b.png") as image:
        assert (image.info["Author"], image.info["Note"]) == ("A. Name", "größer")


def test_exif_in_a_text_is_kept_only_where_it_is_all(tmp_path: Path) -> None:
    """With an Exif block, made upright, as well, a viewer could turn the picture twice."""
    raw, exif = (b"zTXt", b"Raw profile type exif\x00\x00" + zlib.compress(b"")), Image.Exif()
    exif[0x0112] = 6
    for number, chunks in enumerate(([raw], [raw, (b"eXIf", exif.tobytes()[6:])])):
        (tmp_path / "a.png").write_bytes(png(samples(1), 0, *chunks))
        kept = read_picture(tmp_path / "a.png").metadata.text_chunks
        assert kept == ((), (raw,))[number == 0]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (b"iCCP", b"no zero"),
        (b"iCCP", b"name\x00\x00no zlib"),
        (b"iCCP", b"name\x00\x01" + zlib.compress(SRGB)),
        (b"pHYs", b"\x00"),
        (b"pHYs", struct.pack(">IIB", 0, 5, 1)),
        (b"pHYs", struct.pack(">IIB", 5, 5, 0)),
        (b"eXIf", b"II*\x00\xff\xff\xff\xff"),
        (b"iTXt", b"XML:com.adobe.xmp\x00\x01\x00\x00\x00junk"),
        (b"iTXt", b"Comment\x00\x00\x00\x00\x00hello"),
    ],
)
def test_damaged_metadata_does_not_cost_the_pixels(
    tmp_path: Path, kind: bytes, content: bytes
) -> None:
    """Only the content of the damaged chunk is left out."""
    (tmp_path / "a.png").write_bytes(png(samples(1), 0, (kind, content)))
    picture = read_picture(tmp_path / "a.png")
    assert np.array_equal(picture.pixels, samples(1))
    metadata = picture.metadata
    assert (metadata.icc_profile, metadata.dpi, metadata.xmp) == (None, None, None)


def test_compressed_xmp_is_read(tmp_path: Path) -> None:
    """A packet may be compressed."""
    content = b"XML:com.adobe.xmp\x00\x01\x00en\x00\x00" + zlib.compress(b"<x/>")
    (tmp_path / "a.png").write_bytes(png(samples(1), 0, (b"iTXt", content)))
    assert read_picture(tmp_path / "a.png").metadata.xmp == b"<x/>"


def test_metadata_that_unpacks_without_end_is_left_out(tmp_path: Path) -> None:
    """A profile or text of a few bytes that expands to a huge size is left out; Pillow reads it."""
    bomb = zlib.compress(bytes(70_000_000), 9)
    extra = [(b"iCCP", b"name\x00\x00" + bomb), (b"zTXt", b"Comment\x00\x00" + bomb)]
    extra += [(b"iTXt", b"Note\x00\x01\x00\x00\x00" + bomb)]
    extra += [(b"iTXt", b"XML:com.adobe.xmp\x00\x01\x00\x00\x00" + bomb)]
    (tmp_path / "a.png").write_bytes(png(samples(1), 0, *extra))
    picture = read_picture(tmp_path / "a.png")
    assert (picture.metadata.icc_profile, picture.metadata.xmp) == (None, None)
    kinds = ("iCCP", "zTXt", "iTXt", "iTXt")
    assert picture.metadata.left_out == tuple(f"PNG chunk {kind}" for kind in kinds)
    write_pages([picture], tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as image:
        image.load()


def test_animation_of_16_bits_is_refused(tmp_path: Path) -> None:
    """Its frames would be lost."""
    (tmp_path / "a.png").write_bytes(png(samples(1), 0, (b"acTL", struct.pack(">II", 2, 0))))
    with pytest.raises(ImageFileError, match="several pictures"):
        read_picture(tmp_path / "a.png")


def interlaced(samples: Any, colour_type: int) -> bytes:
    """A 16-bit PNG in seven passes (https://www.w3.org/TR/png-3/#8Interlace)."""
    height, width, _ = samples.shape
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 1)
    rows = b""
    for left, top, across, down in zip(
        (0, 4, 0, 2, 0, 1, 0),
        (0, 0, 4, 0, 2, 0, 1),
        (8, 8, 4, 4, 2, 2, 1),
        (8, 8, 8, 4, 4, 2, 2),
        strict=True,
    ):
        part = samples[top::down, left::across]
        rows += b"".join(b"\x00" + row.astype(">u2").tobytes() for row in part if part.size)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return SIGNATURE + b"".join(chunk(*part) for part in parts)


@pytest.mark.parametrize("colour_type", [0, 2, 4, 6])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 9), (17, 13)])
def test_interlaced_16_bits_are_read_in_silence(
    tmp_path: Path, colour_type: int, width: int, height: int, capfd: Any
) -> None:
    """For every size, also with empty passes; libpng prints nothing."""
    given = np.random.default_rng(0).integers(
        0, 65536, (height, width, CHANNELS[colour_type]), np.uint16
    )
    (tmp_path / "a.png").write_bytes(interlaced(given, colour_type))
    read = read_picture(tmp_path / "a.png")
    alpha = [] if read.alpha is None else [read.alpha[..., None]]
    assert np.array_equal(np.concatenate([read.pixels, *alpha], axis=2), given)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("colour_type", [0, 2, 4, 6])
def test_filters_across_bands_are_undone(tmp_path: Path, colour_type: int) -> None:
    """Rows depend on those above, also if they are decoded a few hundred at a time."""
    ramp = np.arange(600 * 5 * CHANNELS[colour_type]).reshape(600, 5, -1) * 7 % 65536
    noise = np.random.default_rng(0).integers(0, 9, ramp.shape)
    given = ((ramp + noise) % 65536).astype(np.uint16)
    data = imagecodecs.png_encode(given, level=6)
    assert any(row[0] for row in np.frombuffer(unpacked(data), np.uint8).reshape(600, -1))
    (tmp_path / "a.png").write_bytes(data)
    read = read_picture(tmp_path / "a.png")
    assert np.array_equal(read.channels().reshape(given.shape), given)


def unpacked(data: bytes) -> bytes:
    return zlib.decompress(b"".join(c for kind, c in png_files.chunks(data) if kind == b"IDAT"))


@pytest.mark.parametrize(
    "extra",
    [
        (b"iCCP", b"name\x00\x00" + zlib.compress(b"no profile")),
        (b"tRNS", b"\x00"),
        (b"sBIT", b"\x63" * 9),
        (b"bKGD", b""),
        (b"gAMA", bytes(4)),
    ],
)
def test_decoders_print_nothing(tmp_path: Path, extra: tuple[bytes, bytes], capfd: Any) -> None:
    """For damaged metadata and for data after the pixels, about which libpng would warn."""
    data = png(samples(3), 2, extra)
    packed = zlib.compress(unpacked(data) + b"and more") + b"and still more"
    data = data[: data.index(b"IDAT") - 4] + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(data)
    assert np.array_equal(read_picture(tmp_path / "a.png").pixels, samples(3))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("depth", [1, 8, 16])
def test_a_size_that_a_file_cannot_unpack_to_is_refused(tmp_path: Path, depth: int) -> None:
    """Before memory is allocated for it."""
    header = struct.pack(">IIBBBBB", 20_000, 20_000, depth, 0, 0, 0, 0)
    data = b"".join(
        chunk(*part)
        for part in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(999))), (b"IEND", b""))
    )
    (tmp_path / "a.png").write_bytes(png_pixels.SIGNATURE + data)
    with pytest.raises(ImageFileError, match="cannot hold 20000x20000 pixels"):
        read_picture(tmp_path / "a.png")


def test_chunks_that_are_not_kept_are_named(tmp_path: Path) -> None:
    """For example the significant bits, which apply to the old pixels only."""
    extra = ((b"sBIT", b"\x05\x06\x05"), (b"bKGD", bytes(6)), (b"tIME", bytes(7)))
    (tmp_path / "a.png").write_bytes(png(samples(3), 2, *extra))
    names = ("PNG chunk sBIT", "PNG chunk bKGD", "PNG chunk tIME")
    assert read_picture(tmp_path / "a.png").metadata.left_out == names
