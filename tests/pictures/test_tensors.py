"""Pixels and PIL images as tensors and back, and picture files as PIL images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from restorekit.errors import ImageFileError, InputError
from restorekit.pictures.picture import Metadata, Picture
from restorekit.pictures.tensors import (
    copy_metadata,
    picture_to_image,
    pixels_to_tensor,
    read_image,
    split_alpha,
    tensor_to_pixels,
)
from restorekit.pictures.write_files import write_pages

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(mode: str = "RGB", size: tuple[int, int] = (13, 9), seed: int = 0) -> Image.Image:
    """A picture of random pixels."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    levels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], channels), np.uint8)
    return Image.frombytes(mode, size, levels.tobytes())


def test_float_picture_has_no_8_bit_pixels() -> None:
    """A PIL image of floats or 16 bits is refused instead of converted with a loss."""
    for mode in ("F", "I", "I;16"):
        with pytest.raises(InputError, match=mode):
            split_alpha(Image.new(mode, (2, 2)))


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


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pixels_of_every_level_survive(dtype: type[np.unsignedinteger]) -> None:
    """All levels of 8 and 16 bits survive the conversion to floats and back; white is 1."""
    top = int(np.iinfo(dtype).max)
    pixels = np.arange(top + 1, dtype=dtype).reshape(16, -1, 1)
    tensor = pixels_to_tensor(pixels)
    assert (tensor.dtype, tensor.shape) == (torch.float32, (1, 16, (top + 1) // 16))
    assert (float(tensor.min()), float(tensor.max())) == (0, 1)
    assert torch.allclose(tensor.double().flatten() * top, torch.arange(top + 1.0).double())
    assert np.array_equal(tensor_to_pixels(tensor, np.dtype(dtype)), pixels)


def test_pixels_of_a_camera_s_few_bits_survive() -> None:
    """A white of 4095 becomes 1, and brighter values become 4095 again."""
    pixels = np.arange(4096, dtype=np.uint16).reshape(16, -1, 1)
    tensor = pixels_to_tensor(pixels, 4095)
    assert float(tensor.max()) == 1
    assert np.array_equal(tensor_to_pixels(tensor, np.dtype(np.uint16), 4095), pixels)
    assert tensor_to_pixels(tensor + 0.5, np.dtype(np.uint16), 4095).max() == 4095


def test_floats_leave_the_unit_range_and_integers_do_not() -> None:
    """Floats are unchanged; for integers they are clamped and rounded."""
    tensor = torch.tensor([[[-0.5, 1.5, 0.25]]])
    assert tensor_to_pixels(tensor, np.dtype(np.float32)).ravel().tolist() == [-0.5, 1.5, 0.25]
    levels = tensor_to_pixels(tensor, np.dtype(np.uint16)).ravel().tolist()
    assert levels == [0, 65535, 16384]


@pytest.mark.parametrize(
    ("dtype", "channels", "mode"),
    [(np.uint8, 1, "L"), (np.uint8, 3, "RGB"), (np.uint16, 1, "I;16"), (np.float32, 1, "F")],
)
def test_file_becomes_a_pil_image(tmp_path: Path, dtype: type, channels: int, mode: str) -> None:
    """A PIL image has the pixels and the metadata, if PIL has a mode for them."""
    pixels = np.arange(6 * channels).reshape(2, 3, channels).astype(dtype)
    kept = Metadata(icc_profile=SRGB if channels == 3 else None, dpi=(300, 300))
    write_pages([Picture(pixels, metadata=kept)], tmp_path / "a.tif")
    image = read_image(tmp_path / "a.tif")
    assert image.mode == mode
    assert np.array_equal(np.asarray(image), pixels if channels == 3 else pixels[..., 0])
    assert image.info.get("icc_profile") == kept.icc_profile
    assert image.info["dpi"] == (300, 300)


def test_16_bit_colour_cannot_be_a_pil_image(tmp_path: Path) -> None:
    """PIL has no mode for 16-bit colour; the message says what reads it."""
    write_pages([Picture(np.zeros((2, 2, 3), np.uint16))], tmp_path / "a.png")
    with pytest.raises(ImageFileError, match=r"uint16 channels.*read_picture\(path\)\.pixels"):
        read_image(tmp_path / "a.png")


def test_alpha_and_profile_of_another_kind() -> None:
    """Alpha is in the image; a profile for colour is not copied to a gray picture."""
    image = picture_to_image(Picture(np.zeros((2, 2, 1), np.uint8), np.full((2, 2), 7, np.uint8)))
    assert (image.mode, image.getpixel((0, 0))) == ("LA", (0, 7))
    colour = Image.new("RGB", (1, 1))
    colour.info |= {"icc_profile": SRGB, "dpi": (72, 72)}
    gray = Image.new("L", (1, 1))
    copy_metadata(colour, gray)
    assert gray.info == {"dpi": (72, 72)}


def test_the_thumbnail_of_the_source_is_not_copied() -> None:
    """It shows the source; the other EXIF data is."""
    tags = Image.Exif()
    tags[0x010E] = "a description"
    ifd = tags.get_ifd(1)
    ifd.update({0x0201: 1, 0x0202: 4})
    source, target = Image.new("L", (1, 1)), Image.new("L", (1, 1))
    source.info["exif"] = tags.tobytes()
    copy_metadata(source, target)
    found = target.getexif()
    assert (found[0x010E], found.get_ifd(1)) == ("a description", {})
