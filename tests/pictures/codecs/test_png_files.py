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

from restorekit.errors import ImageFileError
from restorekit.pictures.codecs import png_files, png_pixels
from restorekit.pictures.picture import Picture
from restorekit.pictures.read_files import read_picture
from tests.pictures.codecs.png_format import CHANNELS, parse, png, samples
from tests.png_chunks import SIGNATURE, chunk


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
