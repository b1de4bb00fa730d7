"""Image files in and out."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from restorekit.data.files import (
    SUFFIXES,
    copy_metadata,
    find_images,
    image_to_bytes,
    image_to_tensor,
    read_image,
    split_alpha,
    tensor_to_image,
    write_image,
)
from restorekit.errors import DataError, ImageFileError, InputError

LOSSLESS = [suffix for suffix in SUFFIXES if suffix not in (".jpg", ".jpeg")]
HOLDS_ALPHA = [suffix for suffix in LOSSLESS if suffix != ".bmp"]
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(mode: str = "RGB", size: tuple[int, int] = (13, 9), seed: int = 0) -> Image.Image:
    """A picture of random pixels."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    levels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], channels), np.uint8)
    return Image.frombytes(mode, size, levels.tobytes())


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes) -> bytes:
    """A PNG file put together by its specification, for what PIL cannot write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def refusal(path: Path) -> str:
    """The one line with which a file is refused."""
    with pytest.raises(ImageFileError) as caught:
        read_image(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


# Tensors and pictures


@given(st.sampled_from(["L", "RGB"]), st.integers(1, 20), st.integers(1, 20), st.integers(0, 99))
def test_uint8_round_trip_is_exact(mode: str, width: int, height: int, seed: int) -> None:
    """Every 8-bit pixel survives the way to a float tensor and back."""
    image = picture(mode, (width, height), seed)
    tensor = image_to_tensor(image)
    assert tensor.shape == (len(mode), height, width)
    assert tensor.dtype == torch.float32
    back = tensor_to_image(tensor)
    assert (back.mode, back.tobytes()) == (mode, image.tobytes())


def test_tensor_holds_level_over_255() -> None:
    """Channel c of pixel (x, y) is its level divided by 255."""
    image = Image.new("RGB", (3, 2))
    image.putpixel((2, 1), (255, 51, 0))
    assert image_to_tensor(image)[:, 1, 2].tolist() == pytest.approx([1, 0.2, 0])


@pytest.mark.parametrize(
    ("mode", "channels"), [("1", 1), ("L", 1), ("LA", 1), ("P", 3), ("RGBA", 3), ("CMYK", 3)]
)
def test_gray_has_one_channel_and_the_rest_three(mode: str, channels: int) -> None:
    """Gray modes become one channel, all others three, with alpha left out."""
    image = picture("RGB").convert("RGBA" if mode == "LA" else "RGB").convert(mode)
    assert image_to_tensor(image).shape == (channels, 9, 13)


def test_tensor_to_image_rounds_and_clamps() -> None:
    """Values between two levels go to the nearer one, values outside [0, 1] to its ends."""
    tensor = torch.tensor([[[-0.5, 1.5, 0.4 / 255, 0.6 / 255, 254.6 / 255]]])
    assert tensor_to_image(tensor).tobytes() == bytes([0, 255, 0, 1, 255])


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(2, 2),
        torch.zeros(5, 2, 2),
        torch.zeros(3, 0, 2),
        torch.zeros(3, 2, 2, dtype=torch.uint8),
        torch.full((1, 2, 2), torch.nan),
    ],
)
def test_tensor_that_is_no_picture_is_refused(tensor: torch.Tensor) -> None:
    """Wrong shapes, wrong types and NaN never become pixels."""
    with pytest.raises(InputError):
        tensor_to_image(tensor)


def test_float_picture_has_no_8_bit_pixels() -> None:
    """A PIL image of floats or 16 bits is refused instead of cut down."""
    for mode in ("F", "I", "I;16"):
        with pytest.raises(InputError, match=mode):
            image_to_bytes(Image.new(mode, (2, 2)))


def test_split_alpha_takes_every_kind_of_transparency() -> None:
    """Alpha channels, a palette's transparent colour and a transparent gray level are all found."""
    alpha = picture("L", seed=1)
    for mode in ("L", "RGB"):
        image = picture(mode)
        image.putalpha(alpha)
        colour, found = split_alpha(image)
        assert (colour.mode, colour.tobytes()) == (mode, picture(mode).tobytes())
        assert found is not None
        assert found.tobytes() == alpha.tobytes()
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((1, 0), 1)
    palette.info["transparency"] = 1
    colour, found = split_alpha(palette)
    assert found is not None
    assert (colour.tobytes(), found.tobytes()) == (bytes([10, 20, 30, 40, 50, 60]), b"\xff\x00")
    gray = Image.new("L", (2, 1), 7)
    gray.info["transparency"] = 7
    colour, found = split_alpha(gray)
    assert found is not None
    assert (colour.mode, found.tobytes()) == ("L", b"\x00\x00")


# Files that can be read


@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
@pytest.mark.parametrize("suffix", LOSSLESS)
def test_lossless_formats_keep_every_pixel(tmp_path: Path, suffix: str, mode: str) -> None:
    """PNG, TIFF, BMP and WebP give back the very pixels that were written."""
    path = tmp_path / f"a{suffix}"
    image = picture("RGB").convert(mode, dither=Image.Dither.NONE)
    write_image(image, path)
    assert read_image(path).convert("RGB").tobytes() == image.convert("RGB").tobytes()


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("suffix", HOLDS_ALPHA)
def test_alpha_keeps_every_pixel(tmp_path: Path, suffix: str, mode: str) -> None:
    """Transparency, and the colour of transparent pixels, survive where the format has it."""
    path = tmp_path / f"a{suffix}"
    image = picture(mode)
    write_image(image, path)
    assert read_image(path).convert("RGBA").tobytes() == image.convert("RGBA").tobytes()


def test_palette_is_read_as_its_colours(tmp_path: Path) -> None:
    """A palette picture becomes the colours its indices stand for."""
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "a.png")
    pixels = image_to_bytes(read_image(tmp_path / "a.png"))
    assert pixels[:, 0].T.tolist() == [[10, 20, 30], [40, 50, 60]]


def test_jpeg_keeps_colour_at_full_resolution(tmp_path: Path) -> None:
    """One-pixel stripes of two colours of equal brightness survive, as 4:2:0 would not let them."""
    stripes = np.zeros((16, 16, 3), np.uint8)
    stripes[:, ::2], stripes[:, 1::2] = (200, 60, 60), (20, 130, 130)
    write_image(Image.fromarray(stripes), tmp_path / "a.jpg")
    written = np.asarray(read_image(tmp_path / "a.jpg")).astype(int)
    assert np.abs(written - stripes).max() < 16
    subsampled = io.BytesIO()
    Image.fromarray(stripes).save(subsampled, "JPEG", quality=95, subsampling=2)
    assert np.abs(np.asarray(Image.open(subsampled)).astype(int) - stripes).max() > 64


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
@pytest.mark.parametrize(
    ("orientation", "corner"), [(1, "bl"), (3, "tr"), (6, "tl"), (8, "br"), (2, "br"), (5, "tr")]
)
def test_exif_orientation_is_applied(
    tmp_path: Path, suffix: str, orientation: int, corner: str
) -> None:
    """The bright corner lies where a viewer shows it, and is not turned a second time."""
    image = Image.new("RGB", (24, 16))
    image.paste((255, 255, 255), (0, 8, 8, 16))  # at the bottom left
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / f"a{suffix}", exif=exif)
    upright = read_image(tmp_path / f"a{suffix}")
    assert upright.size == ((16, 24) if orientation in (5, 6, 8) else (24, 16))
    x = upright.width - 4 if corner[1] == "r" else 3
    y = upright.height - 4 if corner[0] == "b" else 3
    assert upright.convert("L").getpixel((x, y)) > 200
    write_image(upright, tmp_path / f"b{suffix}")
    again = read_image(tmp_path / f"b{suffix}")
    assert again.size == upright.size
    assert again.convert("L").getpixel((x, y)) > 200


def test_damaged_exif_does_not_cost_the_picture(tmp_path: Path) -> None:
    """Pixels are read, without a warning, although the EXIF block is garbage."""
    picture().save(tmp_path / "a.jpg", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7fgarbage")
    assert read_image(tmp_path / "a.jpg").size == (13, 9)


def test_suffix_does_not_decide_how_a_file_is_read(tmp_path: Path) -> None:
    """A PNG under a JPEG's name is read as what it is."""
    picture().save(tmp_path / "a.jpg", format="PNG")
    assert read_image(tmp_path / "a.jpg").tobytes() == picture().tobytes()


def test_phone_jpeg_with_further_views_is_its_first(tmp_path: Path) -> None:
    """An MPO file, a JPEG with more pictures behind it, is read as the first of them."""
    first, second = Image.new("RGB", (16, 16), "red"), Image.new("RGB", (16, 16), "blue")
    first.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[second])
    red, _, blue = read_image(tmp_path / "a.jpg").getpixel((8, 8))
    assert red > 200 > 50 > blue


def test_read_picture_needs_its_file_no_more(tmp_path: Path) -> None:
    """A picture is loaded whole: its file may go."""
    picture().save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    (tmp_path / "a.png").unlink()
    assert image.tobytes() == picture().tobytes()


# Files that cannot


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_truncated_file_is_refused(tmp_path: Path, suffix: str) -> None:
    """A file that ends half-way is an error, not a half-gray picture."""
    path = tmp_path / f"a{suffix}"
    write_image(picture(size=(64, 64)), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refusal(path)


def test_empty_text_folder_and_missing_files_are_refused(tmp_path: Path) -> None:
    """Each line tells the cause; that of a missing file, the nearest name beside it."""
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    picture().save(tmp_path / "animal.gif")
    assert "is empty" in refusal(tmp_path / "empty.png")
    assert "no PNG, JPEG" in refusal(tmp_path / "text.png")
    assert "is a folder" in refusal(tmp_path / "folder.png")
    assert "no PNG, JPEG" in refusal(tmp_path / "animal.gif")
    assert "Did you mean 'text.png'?" in refusal(tmp_path / "texd.png")
    assert "its folder" in refusal(tmp_path / "nowhere" / "a.png")


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_decompression_bomb_is_refused(tmp_path: Path, width: int, height: int) -> None:
    """A file of a hundred bytes that claims gigapixels is refused before it is decoded."""
    (tmp_path / "a.png").write_bytes(png(width, height, 8, 2, b""))
    assert "megapixels" in refusal(tmp_path / "a.png")


def test_large_photograph_is_no_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between PIL's warning and its error, a picture is read without a warning."""
    picture(size=(40, 30)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40 * 30 - 1)
    assert read_image(tmp_path / "a.png").size == (40, 30)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40 * 30 // 2 - 1)
    assert "megapixels" in refusal(tmp_path / "a.png")


def test_more_than_8_bits_are_refused(tmp_path: Path) -> None:
    """16-bit and float pictures are refused, also those PIL would silently cut to 8 bits."""
    row = b"\x00" + bytes(range(24))
    (tmp_path / "colour.png").write_bytes(png(4, 2, 16, 2, row * 2))
    (tmp_path / "gray.png").write_bytes(png(4, 2, 16, 0, (b"\x00" + bytes(8)) * 2))
    (tmp_path / "alpha.png").write_bytes(png(4, 2, 16, 4, (b"\x00" + bytes(16)) * 2))
    tifffile.imwrite(tmp_path / "colour.tif", np.zeros((4, 4, 3), np.uint16), photometric="rgb")
    tifffile.imwrite(tmp_path / "gray.tif", np.zeros((4, 4), np.uint16))
    Image.new("F", (4, 4)).save(tmp_path / "float.tif")
    for path in sorted(tmp_path.iterdir()):
        assert "8 bits" in refusal(path)


def test_few_bits_are_not_many_bits(tmp_path: Path) -> None:
    """A gray PNG of 4 bits and a BMP of 16 bits a pixel, 5 or 6 a channel, are read."""
    (tmp_path / "a.png").write_bytes(png(2, 1, 4, 0, b"\x00\x0f"))
    assert read_image(tmp_path / "a.png").tobytes() == b"\x00\xff"
    header = struct.pack("<2sIHHI", b"BM", 70, 0, 0, 66)
    header += struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, 16, 3, 4, 0, 0, 0, 0)
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    (tmp_path / "a.bmp").write_bytes(header + masks + struct.pack("<HH", 0xF800, 0x001F))
    assert read_image(tmp_path / "a.bmp").tobytes() == bytes([255, 0, 0, 0, 0, 255])


@pytest.mark.parametrize("suffix", [".tif", ".webp", ".png"])
def test_several_pictures_in_a_file_are_refused(tmp_path: Path, suffix: str) -> None:
    """Pages and frames would be lost: such a file is refused."""
    pages = [picture(seed=seed) for seed in range(2)]
    pages[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=pages[1:])
    assert "several pictures" in refusal(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("seed", range(6))
def test_damaged_bytes_are_read_or_refused(tmp_path: Path, suffix: str, seed: int) -> None:
    """Whatever bytes are wrong, the outcome is a picture or an ImageFileError."""
    path = tmp_path / f"a{suffix}"
    write_image(picture(size=(32, 32)), path)
    damaged = bytearray(path.read_bytes())
    random = np.random.default_rng(seed)
    for place in random.integers(4, len(damaged), 12):
        damaged[place] = random.integers(256)
    path.write_bytes(damaged)
    outcome = None
    with contextlib.suppress(ImageFileError):
        outcome = read_image(path)
    if outcome is None:
        refusal(path)
    else:
        assert len(outcome.tobytes()) > 0


# Writing


def test_unknown_suffix_lists_the_known(tmp_path: Path) -> None:
    """The line names what can be written, and the nearest of it."""
    with pytest.raises(ImageFileError, match=r"'\.jpgg'.* Did you mean '\.jpg'\?.*\.webp"):
        write_image(picture(), tmp_path / "a.jpgg")
    with pytest.raises(ImageFileError, match="without a suffix"):
        write_image(picture(), tmp_path / "a")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_transparency_is_not_dropped_unseen(tmp_path: Path, suffix: str) -> None:
    """A format without alpha takes an opaque picture and refuses a transparent one."""
    with pytest.raises(ImageFileError, match=r"transparency.*\.png"):
        write_image(picture("RGBA"), tmp_path / f"a{suffix}")
    opaque = picture("RGB")
    opaque.putalpha(255)
    write_image(opaque, tmp_path / f"a{suffix}")
    assert read_image(tmp_path / f"a{suffix}").mode == "RGB"


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_exif_and_profile_are_kept(tmp_path: Path, suffix: str) -> None:
    """Camera model and ICC profile reach the new file, from the picture or from `like`."""
    exif = Image.Exif()
    exif[0x0110] = "a camera"
    exif[0x0100] = 9999  # a width, which must not become the TIFF's own
    picture().save(tmp_path / "source.jpg", exif=exif, icc_profile=SRGB)
    source = read_image(tmp_path / "source.jpg")
    write_image(source, tmp_path / f"a{suffix}")
    write_image(picture(seed=3), tmp_path / f"b{suffix}", like=source)
    for name in "ab":
        written = read_image(tmp_path / f"{name}{suffix}")
        assert written.size == (13, 9)
        assert written.getexif()[0x0110] == "a camera"
        assert written.info["icc_profile"] == SRGB


def test_profile_of_another_colour_space_is_left_out(tmp_path: Path) -> None:
    """A CMYK profile does not end up on RGB pixels, nor an RGB profile on gray ones."""
    cmyk = picture("CMYK")
    cmyk.info["icc_profile"] = SRGB[:16] + b"CMYK" + SRGB[20:]
    write_image(cmyk.convert("RGB"), tmp_path / "a.png", like=cmyk)
    gray = picture("L")
    gray.info["icc_profile"] = SRGB
    write_image(gray, tmp_path / "b.png")
    target = picture("L")
    copy_metadata(gray, target)
    assert "icc_profile" not in read_image(tmp_path / "a.png").info
    assert "icc_profile" not in read_image(tmp_path / "b.png").info
    assert "icc_profile" not in target.info


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """What cannot be written is one line, and the file that was there stays."""
    path = tmp_path / "a.webp"
    write_image(picture(), path)
    before = path.read_bytes()
    with pytest.raises(ImageFileError, match=r"cannot write '.*a\.webp'"):
        write_image(Image.new("L", (20_000, 1)), path)  # WebP ends at 16,383 pixels
    with pytest.raises(ImageFileError, match="cannot write"):
        write_image(picture(), path / "b.png")
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.webp"]


# Finding


def test_find_images_is_recursive_sorted_and_blind_to_the_hidden(tmp_path: Path) -> None:
    """Pictures of every suffix in either case, below folders too; nothing hidden, nothing else."""
    wanted = ["B.PNG", "a/c.jpeg", "a/d/e.TIF", "z.webp"]
    for name in [*wanted, ".f.png", ".hidden/g.png", "notes.txt", "a/h.gif", "png"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = find_images(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in found] == wanted
    assert find_images(str(tmp_path / "a" / "d")) == [tmp_path / "a" / "d" / "e.TIF"]


def test_missing_folder_names_the_nearest(tmp_path: Path) -> None:
    """A mistyped folder is met with the one that was meant; a file is told from a folder."""
    (tmp_path / "photos").mkdir()
    picture().save(tmp_path / "photo.png")
    with pytest.raises(DataError, match=r"does not exist\. Did you mean 'photos'\?"):
        find_images(tmp_path / "phots")
    with pytest.raises(DataError, match="is a file, not a folder"):
        find_images(tmp_path / "photo.png")
