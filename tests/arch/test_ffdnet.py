"""FFDNet, compared with a reference by functions of torch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit import create_model
from restorekit.arch.ffdnet import FFDNet
from restorekit.errors import ArgumentError, InputError


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


def small(**arguments: object) -> FFDNet:
    """A network whose weights and biases all affect the result."""
    model = FFDNet(depth=3, width=8, **arguments).eval()  # type: ignore[arg-type]
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.2)
    return model


def reference(model: FFDNet, noisy: Tensor, sigma: float) -> Tensor:
    """The network of the paper for one level, with phases by slicing."""
    height, width = noisy.shape[-2:]
    padded = functional.pad(noisy, (0, width % 2, 0, height % 2), mode="replicate")
    phases = [
        padded[:, channel, y::2, x::2]
        for channel in range(noisy.shape[1])
        for y in (0, 1)
        for x in (0, 1)
    ]
    features = torch.stack([*phases, torch.full_like(phases[0], sigma)], dim=1)
    weights = list(model.parameters())
    for weight, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        features = functional.conv2d(features, weight, bias, padding=1).relu()
    features = functional.conv2d(features, weights[-2], weights[-1], padding=1)
    image = torch.empty_like(padded)
    for place in range(features.shape[1]):
        channel, y, x = place // 4, place % 4 // 2, place % 2
        image[:, channel, y::2, x::2] = features[:, place]
    return image[..., :height, :width]


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(8, 8), (7, 12), (12, 9), (5, 5)])
def test_is_the_published_network(channels: int, size: tuple[int, int]) -> None:
    """Phases first, the noise level last, and edges repeated at odd sizes."""
    model, noisy = small(channels=channels), torch.rand(2, channels, *size)
    expected = reference(model, noisy, 0.1)
    torch.testing.assert_close(model(noisy, sigma=torch.full((2, 1, 1, 1), 0.1)), expected)


@pytest.mark.parametrize(
    ("channels", "depth", "width", "parameters"), [(1, 15, 64, 485_316), (3, 12, 96, 852_108)]
)
def test_published_sizes(channels: int, depth: int, width: int, parameters: int) -> None:
    """The defaults are the published networks: 15 layers of 64 for gray, 12 of 96 for colour."""
    model = FFDNet(channels)
    convs = [layer for layer in model.layers if isinstance(layer, nn.Conv2d)]
    assert (len(convs), convs[0].out_channels) == (depth, width)
    assert sum(p.numel() for p in model.parameters()) == parameters


@torch.no_grad()
def test_the_level_may_differ_from_place_to_place() -> None:
    """A constant map equals a level; a local change of the map changes the image there only."""
    model, noisy = small(), torch.rand(1, 3, 33, 40)
    level = torch.full((1, 1, 33, 40), 0.2)
    one = model(noisy, sigma=torch.full((1, 1, 1, 1), 0.2))
    torch.testing.assert_close(model(noisy, sigma=level), one)
    level[..., 20:] = 0.6
    two = model(noisy, sigma=level)
    reach = 2 * 3  # three 3x3 convolutions at half size
    torch.testing.assert_close(two[..., : 20 - reach], one[..., : 20 - reach])
    assert not torch.allclose(two[..., 20:], one[..., 20:])


@torch.no_grad()
def test_each_sample_has_its_own_level() -> None:
    """A batch with two levels equals the two images alone."""
    model, noisy = small(), torch.rand(2, 3, 8, 8)
    sigma = torch.tensor([0.1, 0.4]).reshape(2, 1, 1, 1)
    apart = [model(noisy[i : i + 1], sigma=sigma[i : i + 1]) for i in range(2)]
    torch.testing.assert_close(model(noisy, sigma=sigma), torch.cat(apart))


def test_the_level_is_needed() -> None:
    """A missing level is an error."""
    with pytest.raises(InputError, match="'ffdnet' needs sigma, the standard deviation"):
        small()(torch.rand(1, 3, 8, 8))


@torch.no_grad()
def test_a_residual_network_predicts_the_noise() -> None:
    """The image is the input minus the output of the plain network."""
    plain, residual, noisy = small(), small(residual=True), torch.rand(1, 3, 9, 8)
    residual.load_state_dict(plain.state_dict())
    sigma = torch.tensor(0.1)
    torch.testing.assert_close(residual(noisy, sigma) + plain(noisy, sigma), noisy)


def test_overfits_one_noisy_image() -> None:
    """In a few steps the error on one image falls to a third of its noise."""
    coarse = torch.rand(1, 1, 5, 5, generator=torch.Generator().manual_seed(3))
    clean = functional.interpolate(coarse, size=32, mode="bicubic").clamp(0, 1)
    noisy = clean + 25 / 255 * torch.randn(clean.shape)
    model = FFDNet(channels=1, depth=5, width=24)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(200):
        loss = functional.mse_loss(model(noisy, sigma=torch.tensor(25 / 255)), clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < functional.mse_loss(noisy, clean).item() / 3


@pytest.mark.parametrize(("argument", "minimum"), [("channels", 1), ("width", 1), ("depth", 2)])
def test_arguments_below_their_minimum_are_refused(argument: str, minimum: int) -> None:
    """The message names the argument and its minimum."""
    with pytest.raises(ArgumentError, match=f"'{argument}' must be at least {minimum}"):
        create_model("ffdnet", **{argument: minimum - 1})
