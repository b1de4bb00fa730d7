"""Images of more than 8 bits, and files."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from tempfile import SpooledTemporaryFile, gettempdir
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from torch import Tensor, nn

from restorekit.errors import ImageFileError, InputError
from restorekit.pictures.read_files import read_pages
from restorekit.pictures.write_files import write_pages
from restorekit.restore.analyze import analyze
from restorekit.restore.denoise import denoise
from restorekit.restore.denoiser import Denoiser
from restorekit.restore.estimate_noise import estimate_noise


class Seeing(nn.Module):
    """Returns its input and records it."""

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        self.noisy, self.sigma = noisy, sigma
        return noisy


class Heeding(Seeing):
    """Adds sigma."""

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        super().forward(noisy, sigma)
        assert sigma is not None
        return noisy + sigma


class Named:
    """A path by its protocol only; its text is different."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


def deep_picture(mode: str) -> Image.Image:
    random = np.random.default_rng(0)
    if mode == "F":
        return Image.fromarray(random.random((5, 7), np.float32))
    levels = random.integers(0, 65536, (5, 7), dtype=np.uint16)
    if mode == "I":
        return Image.fromarray(levels.astype(np.int32))
    return Image.frombytes(mode, (7, 5), levels.astype(">u2" if mode == "I;16B" else "<u2"))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I", "F"])
def test_deep_pictures_come_back(mode: str, channels: int) -> None:
    """Gray of 16 bits, of 32-bit integers within 16 bits, and of floats, with metadata."""
    image, model = deep_picture(mode), Seeing()
    model.channels = channels  # type: ignore[assignment]
    image.info["dpi"] = (300, 300)
    restored = denoise(image, model)
    assert restored.mode == mode
    assert np.allclose(np.asarray(restored), np.asarray(image), rtol=0, atol=1e-6)
    assert restored.info == image.info
    assert 0.9 < float(model.noisy.max()) <= 1


@pytest.mark.parametrize("as_path", [str, Path, Named])
def test_paths_become_pictures(tmp_path: Path, as_path: Any) -> None:
    """The result is the restored picture of the file."""
    image = Image.fromarray(np.arange(24, dtype=np.uint8).reshape(2, 4, 3))
    image.save(tmp_path / "a.png")
    restored = denoise(as_path(tmp_path / "a.png"), Seeing())
    assert isinstance(restored, Image.Image)
    assert restored.tobytes() == image.tobytes()


def test_bytes_and_streams_are_read_as_files(tmp_path: Path) -> None:
    """Every format is recognised without a suffix, and the result is that of the file."""
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8))
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    for suffix in ("png", "jpg", "tif", "webp", "bmp"):
        path = tmp_path / f"a.{suffix}"
        picture.save(path, **({} if suffix == "bmp" else {"exif": exif}))
        expected, data = denoise(path, Seeing()), path.read_bytes()
        with path.open("rb") as file, SpooledTemporaryFile() as spool:
            spool.write(data)
            spool.seek(0)
            for given in (data, bytearray(data), memoryview(data), BytesIO(data), file, spool):
                restored = denoise(given, Seeing())
                assert isinstance(restored, Image.Image)
                assert restored.tobytes() == expected.tobytes()
                assert dict(restored.getexif()) == dict(expected.getexif())
            assert analyze(data).size == (20, 24)
            assert torch.equal(estimate_noise(data), estimate_noise(path))


def test_deep_gray_in_bytes_keeps_its_depth() -> None:
    """As from a file; nothing is left in the folder for temporary files."""
    levels = np.random.default_rng(0).integers(0, 65536, (8, 9), dtype=np.uint16)
    stream = BytesIO()
    tifffile.imwrite(stream, levels)
    before = set(Path(gettempdir()).glob("restorekit-*"))
    restored = denoise(stream.getvalue(), Seeing())
    assert np.array_equal(np.asarray(restored), levels)
    assert set(Path(gettempdir()).glob("restorekit-*")) <= before


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_batch_of_arrays_is_that_of_tensors(channels: int, dtype: Any) -> None:
    """(B, H, W, C) gives what (B, C, H, W) gives; alpha is kept."""
    values = np.random.default_rng(0).random((2, 12, 16, channels))
    images = values.astype(dtype) if dtype == np.float32 else (values * 65535).astype(dtype)
    denoiser = Denoiser(Heeding(), sigma=0.1, force=True)
    restored = denoiser(images)
    assert (restored.shape, restored.dtype) == (images.shape, images.dtype)
    expected = denoiser(torch.from_numpy(np.moveaxis(images, -1, 1).copy()))
    assert np.array_equal(np.moveaxis(restored, -1, 1), expected.numpy())
    assert (restored != images).any()
    alpha = slice(-1, None) if channels in (2, 4) else slice(0, 0)
    assert np.array_equal(restored[..., alpha], images[..., alpha])


def test_a_batch_of_arrays_is_restored_in_place_and_measured() -> None:
    """The memory is reused, and the noise of each image is returned; one image is analyzed."""
    images = np.random.default_rng(0).normal(0.5, 0.1, (2, 32, 32, 3)).astype(np.float32)
    assert estimate_noise(images).shape == (2, 3)
    assert analyze(images[:1]).size == (32, 32)
    with pytest.raises(InputError, match="this is a batch of 2 images; analyze one at a time"):
        analyze(images)
    outcome = Denoiser(Heeding(), sigma=0.1, force=True).restore(images, in_place=True)
    assert outcome.image is images or np.shares_memory(outcome.image, images)


def test_image_whose_file_is_cut_off_is_refused(tmp_path: Path) -> None:
    """Pillow reads the pixels late; an error at that time is reported in one line."""
    path = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 60), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with Image.open(path) as image, pytest.raises(InputError, match="truncated"):
        denoise(image, Seeing())


def test_exif_of_a_tiff_is_kept(tmp_path: Path) -> None:
    """Pillow stores it separately from other metadata; entries of the layout are left out."""
    tags = Image.Exif()
    tags[0x010F], tags.get_ifd(0x8769)[0x829A] = "a maker", 0.25
    gray = Image.fromarray(np.arange(24, dtype=np.uint8).reshape(4, 6))
    gray.save(tmp_path / "a.tif", exif=tags.tobytes())
    with Image.open(tmp_path / "a.tif") as image:
        kept = denoise(image, Seeing()).getexif()
    assert dict(kept).keys() == {0x010F, 0x8769}
    assert (kept[0x010F], kept.get_ifd(0x8769)[0x829A]) == ("a maker", 0.25)


@pytest.mark.parametrize("mode", ["I;16", "F", "L"])
def test_gray_keeps_its_profile_at_any_depth(mode: str) -> None:
    """A gray profile is valid for 16 bits and floats, too."""
    image = Image.new(mode, (4, 4))
    image.info["icc_profile"] = bytes(16) + b"GRAY" + bytes(108)
    assert denoise(image, Seeing()).info == image.info


def test_paths_of_what_pil_cannot_hold(tmp_path: Path) -> None:
    """The message for deep colour and pages says how to read them, which works."""
    pages = np.random.default_rng(0).integers(0, 65536, (2, 5, 7, 3)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "one.tif", pages[0], photometric="rgb")
    tifffile.imwrite(tmp_path / "two.tif", pages, photometric="rgb")
    for name, said in (("one", "read_picture"), ("two", "read_pages")):
        with pytest.raises(ImageFileError, match=rf"{said}.*restorekit\.pictures\.read_files"):
            denoise(tmp_path / f"{name}.tif", Seeing())
    restored = [
        replace(page, pixels=denoise(page.pixels, Seeing()))
        for page in read_pages(tmp_path / "two.tif")
    ]
    write_pages(restored, tmp_path / "new.tif")
    assert np.array_equal(tifffile.imread(tmp_path / "new.tif"), pages)


@pytest.mark.parametrize(("highest", "white"), [(4000, 4095), (1023, 1023), (16383, 16383)])
def test_low_bits_of_16_are_seen_as_a_whole_range(highest: int, white: int) -> None:
    """A 12-bit frame in 16 bits is not seen as a black picture, and keeps its range of values."""
    frame, model = np.linspace(0, highest, 60).astype(np.uint16).reshape(6, 10), Seeing()
    assert np.array_equal(denoise(frame, model), frame)
    assert float(model.noisy.max()) == pytest.approx(highest / white)


def test_full_16_bits_have_white_65535() -> None:
    """If a value reaches 2^14."""
    model = Seeing()
    denoise(np.array([[0, 16384]], np.uint16), model, force=True)
    assert float(model.noisy.max()) == pytest.approx(16384 / 65535)


def test_black_frames_are_accepted() -> None:
    """Zeros stay zeros, without a division by zero."""
    assert not denoise(np.zeros((4, 4), np.uint16), Seeing()).any()


def test_sigma_is_relative_to_white() -> None:
    """For a 12-bit frame in 16 bits, 50 levels are 50/4095 for the user and the network."""
    frame, model = np.full((6, 10), 4000, np.uint16), Heeding()
    restored = Denoiser(model, sigma=50 / 4095, force=True)(frame)
    assert float(model.sigma.max()) == pytest.approx(50 / 4095)
    assert np.array_equal(restored, frame + 50)


def test_one_level_for_each_image_of_a_batch(estimate: None) -> None:
    """The estimates of a batch are separate; a gray network gets one for each channel."""
    model = Heeding()
    batch = torch.rand(2, 3, 8, 8) * 0.5
    batch[0, 1] = 0.5  # no contrast: no noise
    restored = Denoiser(model)(batch)
    assert model.sigma.shape == (2, 1, 1, 1)
    assert model.sigma.flatten().tolist() == pytest.approx([0.125 * (2 / 3) ** 0.5, 0.125])
    model.channels = 1  # type: ignore[assignment]
    restored = Denoiser(model)(batch)
    assert model.sigma.flatten().tolist() == pytest.approx([0.125, 0, 0.125, 0.125, 0.125, 0.125])
    assert torch.allclose(restored[0, 1], batch[0, 1])
    assert torch.allclose(restored[1], batch[1] + 0.125)
