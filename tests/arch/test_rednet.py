"""RED-Net: its skips, its published size, and checkpoints of a PyTorch implementation."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d

from restorekit import ArgumentError, create_model
from restorekit.weights import read_card
from tests.arch.reference_networks import loaded, parameters, randomise, relative_difference


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


class PublishedREDNet(torch.nn.Module):
    """The keys of yjn870's implementation; `forward` computes what it does, link by link."""

    def __init__(self, count: int, width: int = 4) -> None:
        super().__init__()
        sizes = [3, *[width] * count]
        convs = [torch.nn.Conv2d(*pair, 3) for pair in pairwise(sizes)]
        self.conv_layers = torch.nn.ModuleList(torch.nn.Sequential(conv) for conv in convs)
        deconvs = [torch.nn.ConvTranspose2d(width, width, 3) for _ in range(count - 1)]
        self.deconv_layers = torch.nn.ModuleList(torch.nn.Sequential(layer) for layer in deconvs)
        self.deconv_layers.append(torch.nn.ConvTranspose2d(width, 3, 3))

    def forward(self, noisy: Tensor, links: dict[int, int]) -> Tensor:
        """`links` has the convolution of each deconvolution to which a skip leads, from 1."""
        weights = list(self.parameters())
        half, states = len(self.conv_layers), [noisy]
        for place in range(half):
            stride = 2 if place == 0 else 1
            layer = weights[2 * place], weights[2 * place + 1]
            states.append(conv2d(states[-1], *layer, stride, padding=1).relu())
        x = states[-1]
        for place in range(half, 2 * half - 1):
            x = conv_transpose2d(x, weights[2 * place], weights[2 * place + 1], padding=1).relu()
            if (number := place - half + 1) in links:
                x = (x + states[links[number]]).relu()
        x = conv_transpose2d(x, *weights[-2:], stride=2, padding=1, output_padding=1)
        return (x + noisy).relu()


@torch.no_grad()
@pytest.mark.parametrize(
    ("count", "links"),
    [
        (5, {}),
        (10, {2: 8, 4: 6, 6: 4, 8: 2}),
        (15, {1: 14, 3: 12, 5: 10, 7: 8, 9: 6, 11: 4, 13: 2}),
    ],
)
def test_is_the_published_implementation(count: int, links: dict[int, int], tmp_path: Path) -> None:
    """RED10, RED20 and RED30 with a stride of 2, at even sizes: others fail there."""
    network = randomise(PublishedREDNet(count))
    noisy = torch.rand(2, 3, 14, 18)
    model = loaded(network, tmp_path / "net.pth")
    assert relative_difference(model, noisy, network(noisy, links)) < 1e-5
    arguments = read_card(tmp_path / "net.pth")["model"]["arguments"]
    assert (arguments["depth"], arguments["skips"]) == (2 * count, bool(links))
    assert model(noisy[..., :13, :17]).shape == (2, 3, 13, 17)


@pytest.mark.parametrize(
    ("preset", "weights"),
    # 4,131 thousand for RED30 in table 4 of Tai et al., MemNet, ICCV 2017; the others with 64
    # features by the same rule: 2 * 9 * width + (depth - 2) * 9 * width^2 for gray.
    [("red10", 296_064), ("red20", 664_704), ("red30", 4_131_072)],
)
def test_published_sizes(preset: str, weights: int) -> None:
    """The weights of the presets, without biases, for gray images."""
    with torch.device("meta"):
        model = create_model("rednet", preset=preset, channels=1)
    biases = sum(p.numel() for p in model.parameters() if p.ndim == 1)
    assert parameters(model) - biases == weights


@torch.no_grad()
def test_a_skip_is_added_before_the_relu() -> None:
    """As the paper states: a negative output of a deconvolution reduces what the skip brings."""
    model = create_model("rednet", channels=1, depth=8, width=2).eval()
    noisy = torch.rand(1, 1, 8, 8)
    skipped = model.convs[1](model.convs[0](noisy).relu()).relu()
    seen: list[Tensor] = []
    model.deconvs[2].register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    model.deconvs[1].register_forward_hook(lambda *_: torch.full_like(skipped, -0.1))
    model(noisy)
    torch.testing.assert_close(seen[0], (skipped - 0.1).relu())


def test_an_odd_depth_is_refused() -> None:
    """Every convolution has its deconvolution."""
    with pytest.raises(ArgumentError, match="'depth' must be a multiple of 2, not 7"):
        create_model("rednet", depth=7)
