"""MWCNN: its wavelet transform, and the published state dict with a reference by slices."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import pywt
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from restorekit import create_model
from restorekit.arch.mwcnn import haar, inverse_haar
from restorekit.weights import read_card
from tests.arch.reference_networks import loaded, parameters, randomise, relative_difference


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


def test_the_transform_is_that_of_pywavelets() -> None:
    """Means, horizontal, vertical and diagonal differences, up to the sign of the differences."""
    image = torch.rand(8, 6, dtype=torch.float64)
    bands = haar(image[None, None])[0].numpy()
    means, (vertical, horizontal, diagonal) = pywt.dwt2(image.numpy(), "haar")
    for found, expected in zip(bands, (means, horizontal, vertical, diagonal), strict=True):
        assert np.allclose(abs(found), abs(expected), rtol=0, atol=1e-12)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_transform_loses_nothing(channels: int) -> None:
    """It is orthonormal: its inverse restores the image, and it keeps the sum of squares."""
    image = torch.rand(2, channels, 8, 6, dtype=torch.float64)
    bands = haar(image)
    assert bands.shape == (2, 4 * channels, 4, 3)
    torch.testing.assert_close(inverse_haar(bands), image, rtol=0, atol=1e-14)
    torch.testing.assert_close(bands.square().sum(), image.square().sum())


class PublishedMWCNN(nn.Module):
    """The keys of the authors' PyTorch code; `forward` computes what it does."""

    def __init__(self, channels: int, width: int, inner: int, more: int) -> None:
        super().__init__()
        stages = {
            "head": [4 * channels, width],
            "d_l2": [4 * width, *[inner] * (more + 1)],
            "d_l1": [width] * (more + 1),
            "pro_l3": [4 * inner, *[inner] * (2 * more + 1), 4 * inner],
            "i_l2": [*[inner] * (more + 1), 4 * width],
            "i_l1": [width] * (more + 1),
        }
        for name, sizes in stages.items():
            convs = (nn.Conv2d(*pair, 3) for pair in pairwise(sizes))
            blocks = (nn.ModuleDict({"body": nn.Sequential(conv)}) for conv in convs)
            self.add_module(name, nn.ModuleList(blocks))
        self.tail = nn.Sequential(nn.Conv2d(width, 4 * channels, 3))

    def forward(self, noisy: Tensor) -> Tensor:
        first = self._stage("d_l1", self._stage("head", split(noisy)))
        second = self._stage("d_l2", split(first))
        x = joined(self._stage("pro_l3", split(second))) + second
        x = self._stage("i_l1", joined(self._stage("i_l2", x)) + first)
        return noisy + joined(conv2d(x, self.tail[0].weight, self.tail[0].bias, padding=1))

    def _stage(self, name: str, x: Tensor) -> Tensor:
        for block in getattr(self, name):
            x = conv2d(x, block["body"][0].weight, block["body"][0].bias, padding=1).relu()
        return x


def split(x: Tensor) -> Tensor:
    """The published transform, by slices."""
    a, b = x[..., ::2, ::2] / 2, x[..., 1::2, ::2] / 2
    c, d = x[..., ::2, 1::2] / 2, x[..., 1::2, 1::2] / 2
    return torch.cat((a + b + c + d, -a - b + c + d, -a + b - c + d, a - b - c + d), dim=1)


def joined(x: Tensor) -> Tensor:
    """Its inverse, by slices."""
    a, b, c, d = (x / 2).chunk(4, dim=1)
    image = x.new_empty(*a.shape[:2], 2 * a.shape[2], 2 * a.shape[3])
    image[..., ::2, ::2], image[..., 1::2, ::2] = a - b - c + d, a - b + c - d
    image[..., ::2, 1::2], image[..., 1::2, 1::2] = a + b - c - d, a + b + c + d
    return image


@torch.no_grad()
@pytest.mark.parametrize(("channels", "more"), [(1, 3), (3, 1)])
def test_is_the_published_network(channels: int, more: int, tmp_path: Path) -> None:
    """At sizes that 8 divides: others fail there, and are padded by mirroring here."""
    network = randomise(PublishedMWCNN(channels, 4, 6, more))
    noisy = torch.rand(2, channels, 16, 24)
    model = loaded(network, tmp_path / "net.pth")
    assert relative_difference(model, noisy, network(noisy)) < 1e-5
    arguments = {"channels": channels, "width": 4, "inner_width": 6, "layers": more + 1}
    assert read_card(tmp_path / "net.pth")["model"]["arguments"] == arguments
    assert model(noisy[..., :13, :19]).shape == (2, channels, 13, 19)


def test_published_size() -> None:
    """What the authors' PyTorch code counts for gray images, in 24 convolutions."""
    with torch.device("meta"):
        model = create_model("mwcnn", preset="gray")
    assert parameters(model) == 16_145_892
    assert sum(isinstance(layer, nn.Conv2d) for layer in model.modules()) == 24
