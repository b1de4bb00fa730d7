"""Restoring images of every kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms
from torch import Tensor, nn

import restorekit
from restorekit.errors import InputError
from restorekit.restore.denoise import denoise
from restorekit.restore.denoiser import Denoiser
from restorekit.weights import save_model
from tests.restore.probe_network import Probe, identity

MODES = ["1", "L", "LA", "P", "RGB", "RGBA"]


class Weighted(nn.Module):
    """A network of three channels that multiplies each by another number."""

    channels = 3

    def forward(self, noisy: Tensor) -> Tensor:
        return noisy * torch.tensor([0.2, 0.3, 0.7])[:, None, None]


class Reversed(Weighted):
    """A network that swaps red and blue."""

    def forward(self, noisy: Tensor) -> Tensor:
        return noisy.flip(1)


def picture(mode: str, size: tuple[int, int] = (11, 7)) -> Image.Image:
    random = np.random.default_rng(0)
    image = Image.fromarray(random.integers(0, 256, (*size[::-1], 3), np.uint8))
    if mode in ("LA", "RGBA"):
        image = image.convert(mode.rstrip("A"))
        image.putalpha(Image.fromarray(random.integers(0, 256, size[::-1], np.uint8)))
    return image.convert(mode)


# An identity keeps everything


@pytest.mark.parametrize("channels", [None, 1, 3])
@pytest.mark.parametrize("mode", MODES)
def test_identity_keeps_every_picture(mode: str, channels: int | None) -> None:
    """With an identity network, every pixel and the mode are unchanged."""
    image = picture(mode)
    restored = denoise(image, identity(channels))
    assert restored.mode == {"P": "RGB"}.get(mode, mode)
    assert restored.tobytes() == image.convert(restored.mode).tobytes()
    assert restored is not image


@pytest.mark.parametrize("channels", [None, 1, 3])
@pytest.mark.parametrize(
    "dtype", ["uint8", "uint16", ">u2", "float16", "float32", "float64", ">f4"]
)
@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 1), (5, 6, 2), (5, 6, 3), (5, 6, 4), (1, 1)])
def test_identity_keeps_every_array(
    shape: tuple[int, ...], dtype: str, channels: int | None
) -> None:
    """Shape, type and values of arrays are unchanged; alpha of floats is not rounded."""
    random = np.random.default_rng(0)
    most = {"uint8": 256, "uint16": 65536, ">u2": 65536}.get(dtype)
    levels = random.random(shape) if most is None else random.integers(0, most, shape)
    image = levels.astype(dtype)
    restored = denoise(image, identity(channels))
    assert (restored.shape, restored.dtype) == (image.shape, image.dtype)
    assert np.allclose(restored, image, rtol=0, atol=0 if most else 1e-7)
    if shape[-1] in (2, 4):
        assert np.array_equal(restored[..., -1], image[..., -1])


@given(
    st.sampled_from([torch.uint8, torch.uint16, torch.float16, torch.bfloat16, torch.float32]),
    st.lists(st.integers(1, 5), min_size=2, max_size=2),
    st.sampled_from([(1,), (3,), (2, 1), (2, 3), (4,)]),
    st.sampled_from([None, 1, 3]),
)
def test_identity_keeps_every_tensor(
    dtype: torch.dtype, size: list[int], front: tuple[int, ...], channels: int | None
) -> None:
    """Tensors of any size, with and without a batch axis, are unchanged; uint8 bit for bit."""
    image = torch.rand(*front, *size)
    image[..., 0, 0] = 1  # all values near 0 would be a scale of their own
    if not dtype.is_floating_point:
        image = (image * torch.iinfo(dtype).max).round()
    image = image.to(dtype)
    restored = denoise(image, identity(channels))
    assert restored.dtype == dtype
    exact = not dtype.is_floating_point
    assert torch.allclose(restored.double(), image.double(), rtol=0, atol=0 if exact else 1e-7)


def test_strided_and_read_only_arrays_are_accepted() -> None:
    """For example a mirrored, read-only view."""
    image = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)[::-1, ::2]
    image.flags.writeable = False
    assert np.array_equal(denoise(image, identity()), image)


# What the network sees, and what becomes of its answer


def test_network_sees_a_float_batch_in_unit_range() -> None:
    """Level 51 of 255 becomes 0.2, in a float32 batch (1, C, H, W), in evaluation mode."""
    for image in (Image.new("RGB", (4, 2), (51,) * 3), np.full((2, 4, 3), 51, np.uint8)):
        model = identity()
        denoise(image, model, force=True)
        (seen,) = model.seen
        assert (seen.shape, seen.dtype) == ((1, 3, 2, 4), torch.float32)
        assert torch.allclose(seen, torch.tensor(0.2))


def test_constant_is_added_and_clamped() -> None:
    """Adding 0.1 adds 25.5 levels, and white stays white, for every kind of image."""
    model = Probe(0.1)
    levels = np.array([[0, 100, 250]], np.uint8)
    expected = np.array([[26, 126, 255]], np.uint8)  # 25.5 and 125.5 round to even
    assert np.array_equal(denoise(levels, model, force=True), expected)
    assert np.array_equal(np.asarray(denoise(Image.fromarray(levels), model, force=True)), expected)
    deep = denoise(np.array([[0, 30000, 65000]], np.uint16), model, force=True)
    assert np.array_equal(deep, np.array([[6554, 36554, 65535]], np.uint16))  # 6553.5 more
    floats = denoise(torch.tensor([[[0.0, 0.5, 0.95]]]), model, force=True)
    assert torch.allclose(floats, torch.tensor([[[0.1, 0.6, 1.0]]]))


def test_floats_keep_the_range_they_have() -> None:
    """Values above white are not clipped, and the result does not exceed the largest input."""
    unit = {"black": 0, "white": 1}
    restored = denoise(torch.tensor([[[-0.5, 0.5, 4.0, 3.0]]]), Probe(0.1), **unit, force=True)
    assert torch.allclose(restored, torch.tensor([[[-0.4, 0.6, 4.0, 3.1]]]))
    restored = denoise(torch.tensor([[[-0.5, 0.5, 4.0, 3.0]]]), Probe(-0.1), **unit, force=True)
    assert torch.allclose(restored, torch.tensor([[[-0.5, 0.4, 3.9, 2.9]]]))


def test_colour_goes_through_a_gray_network_by_channel() -> None:
    """Each channel of each image is restored as a gray image, in the right order."""
    model = identity(1)
    image = torch.rand(2, 3, 4, 5)
    assert torch.equal(denoise(image, model), image)
    assert torch.equal(model.seen[0], image.reshape(6, 1, 4, 5))


def test_gray_goes_through_a_colour_network_and_is_averaged() -> None:
    """Gray is repeated, and the result is the mean, here of 0.2, 0.3 and 0.7."""
    image = torch.rand(1, 4, 5)
    assert torch.allclose(denoise(image, Weighted(), force=True), image * 0.4)
    gray = denoise(Image.new("L", (3, 3), 200), Weighted(), force=True)
    assert (gray.mode, gray.getpixel((1, 1))) == ("L", 80)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_channels_reach_the_network_in_order(mode: str) -> None:
    """Red is the first channel of pictures and arrays; alpha is not passed."""
    image = picture(mode)
    expected = np.asarray(image).copy()
    expected[..., :3] = expected[..., 2::-1]
    assert np.array_equal(np.asarray(denoise(image, Reversed())), expected)
    assert np.array_equal(denoise(np.asarray(image), Reversed()), expected)


def test_network_of_four_channels_gets_all_four() -> None:
    """If a network declares four channels, the fourth is not taken for alpha."""
    model = Probe(0.25, channels=4)
    assert torch.allclose(
        denoise(torch.full((4, 2, 2), 0.5), model, force=True), torch.tensor(0.75)
    )
    with pytest.raises(InputError, match="takes 4 channels, the image has 3"):
        denoise(torch.rand(3, 2, 2), model, force=True)


def test_transparent_palette_becomes_colour_with_alpha() -> None:
    """A palette's transparent index stays transparent."""
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    image.info["transparency"] = 1
    restored = denoise(image, identity())
    assert (restored.mode, restored.tobytes()) == ("RGBA", bytes([10, 20, 30, 255, 40, 50, 60, 0]))
    assert "transparency" not in restored.info


def test_metadata_stays() -> None:
    """The restored picture has EXIF, ICC profile and resolution."""
    image, exif = picture("RGB"), Image.Exif()
    exif[0x0110] = "a camera"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image.info |= {"exif": exif.tobytes(), "icc_profile": profile, "dpi": (300, 300)}
    restored = denoise(image, identity())
    assert restored.info == image.info
    assert restored.getexif()[0x0110] == "a camera"


def test_model_is_left_as_it_was() -> None:
    """Training mode, and evaluation mode of frozen parts, are restored afterwards."""
    model = nn.Sequential(nn.BatchNorm2d(3), nn.BatchNorm2d(3), identity())
    model[1].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    denoise(torch.rand(3, 4, 4), model)
    assert [module.training for module in model.modules()] == [True, True, False, True]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_result_is_an_ordinary_tensor() -> None:
    """The result can be trained on: not an inference tensor, and without shared memory."""
    image = torch.rand(3, 4, 4)
    restored = denoise(image, identity())
    assert not restored.is_inference()
    restored.mul_(0)
    assert image.max() > 0


def test_network_in_double_precision_runs_in_it() -> None:
    """The image has the dtype of the weights."""
    model = Probe(0.1).double()
    restored = denoise(torch.zeros(1, 2, 2, dtype=torch.float64), model, force=True)
    assert model.seen[0].dtype == torch.float64
    assert torch.equal(restored, torch.full((1, 2, 2), 0.1, dtype=torch.float32).double())


# Weights


@pytest.mark.parametrize("channels", [1, 3])
def test_weights_file_and_run_folder(tmp_path: Path, channels: int) -> None:
    """Weights from a file or the folder of a run give the same result as the network."""
    model = restorekit.create_model("unet", channels=channels, width=4, depth=1)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.2, generator=torch.Generator().manual_seed(1))
    save_model(model, tmp_path / "last.safetensors")
    image = torch.rand(channels, 9, 7, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        expected = model.eval()(image[None])[0].clamp(0, 1)
    assert not torch.equal(expected, image)
    for weights in (tmp_path / "last.safetensors", str(tmp_path), model):
        restored = Denoiser(weights, device="cpu")(image)
        assert torch.allclose(restored, expected, atol=1e-6)
    assert Denoiser(tmp_path, device="cpu")(picture("RGBA")).mode == "RGBA"
    assert Denoiser(tmp_path, device="cpu")(picture("L")).mode == "L"
