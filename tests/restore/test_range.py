"""Images with values in other units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from restorekit.errors import ArgumentError, InputError, RestoreWarning
from restorekit.networks.network import Network
from restorekit.restore.denoise import denoise
from restorekit.restore.denoiser import Denoiser
from restorekit.restore.pixel_meaning import PixelMeaning


class Halving(nn.Module):
    """Halves each value and records its input."""

    channels = 3

    def forward(self, noisy: Tensor) -> Tensor:
        self.noisy = noisy
        return noisy / 2


class Together(Halving):
    """The mean of all channels."""

    def forward(self, noisy: Tensor) -> Tensor:
        return noisy.mean(1, keepdim=True).expand_as(noisy)


UNIT = np.random.default_rng(0).random((12, 10))
TYPES = ("int8", "int16", "int32", "uint8", "uint16", "uint32", "float16", "float32", "float64")


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("as_tensor", [False, True])
def test_values_of_every_type_come_back_in_their_units(kind: str, as_tensor: bool) -> None:
    """Half of the way to black is correct in the units and type of the image."""
    black, white = {"i": (-100, 100), "u": (50, 200), "f": (-1, 1)}[kind[0]]
    values = (black + UNIT * (white - black)).astype(kind)
    image: Any = torch.from_numpy(values)[None] if as_tensor else values
    model = Halving()
    restored = denoise(image, model, black=black, white=white)
    assert restored.dtype == image.dtype
    expected = black + (values.astype(float) - black) / 2
    step = {"f": 2e-3, "i": 0.51, "u": 0.51}[kind[0]]
    assert np.allclose(np.asarray(restored).squeeze().astype(float), expected, atol=step)
    assert np.allclose(model.noisy[0, 0].numpy(), UNIT, atol=1 / abs(white - black) + 2e-3)


@pytest.mark.parametrize("kind", TYPES)
def test_identity_changes_no_value(kind: str) -> None:
    """Every digit of 32-bit integers and of double precision is kept."""
    limits = np.iinfo(kind) if kind[0] in "iu" else None
    high = 1e5 if kind == "float64" else 1000.0 if limits is None else float(limits.max)
    low = -high if limits is None else float(limits.min)
    values = (low + UNIT * (high - low)).astype(kind)
    values[0, :2] = low, high
    restored = denoise(values, nn.Identity(), black=low, white=high)
    tolerance = {"int32": 300, "uint32": 300, "float64": 0.02, "float32": 1e-3}.get(kind, 0)
    assert np.allclose(restored.astype(float), values.astype(float), atol=tolerance, rtol=0)
    unchanged = denoise(values, nn.Identity(), strength=0, black=low, white=high)
    assert np.array_equal(unchanged, values)


def test_a_detected_range_is_reported() -> None:
    """Values from -1 to 1 are scaled to [0, 1] for the network, and a warning says so."""
    model, ramp = Halving(), np.linspace(-1, 1, 120, dtype=np.float32).reshape(12, 10)
    with pytest.warns(RestoreWarning, match="black -1 and white 1 were taken from the values"):
        outcome = Denoiser(model).restore(ramp)
    assert (outcome.black, outcome.white) == (-1, 1)
    assert np.allclose(model.noisy[0, 0].numpy(), (ramp + 1) / 2, atol=1e-6)


def test_range_that_does_not_fit_is_refused() -> None:
    """Values up to 255 with a white of 1 are refused, because hot pixels do not explain them."""
    with pytest.raises(InputError, match=r"black is 0 and white 1, but .* of the values lie far"):
        denoise(255 * UNIT, Halving(), black=0, white=1)
    with pytest.raises(ArgumentError, match="white must be greater than black"):
        Denoiser(Halving(), black=3, white=2)


def test_channels_beyond_colour_go_one_at_a_time() -> None:
    """They are not mixed; only the colour channels of a picture are restored together."""
    image = np.random.default_rng(1).random((12, 10, 5), np.float32)
    alone = denoise(image, Together())
    assert np.allclose(alone, image, atol=1e-6)
    denoiser = Denoiser(Together())
    found = denoiser.restore(image, meaning=PixelMeaning(0, 1, False, colours=3)).image
    assert np.allclose(found[..., :3], image[..., :3].mean(2, keepdims=True), atol=1e-6)
    assert np.allclose(found[..., 3:], image[..., 3:], atol=1e-6)


def test_last_of_two_channels_is_restored_unless_it_is_alpha() -> None:
    """For example two dyes under a microscope. Without a statement, the last one is alpha."""
    image = np.random.default_rng(1).random((12, 10, 2), np.float32)
    both = Denoiser(Halving()).restore(image, meaning=PixelMeaning(0, 1, has_alpha=False)).image
    assert np.allclose(both, image / 2, atol=1e-6)
    assert np.array_equal(denoise(image, Halving())[..., 1], image[..., 1])


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_an_option(channels: int) -> None:
    """For arrays and tensors, by `Denoiser` and by `denoise`; alpha of a picture stays alpha."""
    image = np.random.default_rng(1).random((12, 10, channels), np.float32)
    assert np.allclose(denoise(image, Halving(), alpha=False), image / 2, atol=1e-6)
    tensor = torch.from_numpy(image).movedim(2, 0)
    assert torch.allclose(Denoiser(Halving(), alpha=False)(tensor), tensor / 2, atol=1e-6)
    clear = Image.new("RGBA", (10, 12), (200, 100, 50, 60))
    assert denoise(clear, Halving(), alpha=False).getpixel((0, 0))[3] == 60


def test_sigma_of_each_channel_goes_with_it() -> None:
    """If channels are restored one at a time, each has its own noise level."""

    class Adding(nn.Module):
        channels = 3

        def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
            return noisy + sigma

    sigma = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5]).view(1, 5, 1, 1)
    restored = Network(Adding())(torch.zeros(1, 5, 4, 4), sigma)
    assert torch.allclose(restored[0, :, 0, 0], sigma.flatten())
