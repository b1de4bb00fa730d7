"""CBDNet: the published state dict with a reference by functions of torch, and the given level."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, conv_transpose2d

from restorekit import create_model
from restorekit.weights import read_card
from tests.arch.reference_networks import loaded, parameters, randomise, relative_difference

# The blocks of each stage there: number of convolutions, input and output width in units.
STAGES = {
    "inc": (2, None, 1),
    "conv1": (3, 1, 2),
    "conv2": (6, 2, 4),
    "conv3": (3, 2, 2),
    "conv4": (2, 1, 1),
}


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


def published(channels: int, width: int, estimator_width: int) -> nn.Module:
    """The layers under the names of IDKiro's implementation."""
    sizes = [channels, *[estimator_width] * 4, channels]
    fcn = {str(2 * i): nn.Conv2d(sizes[i], sizes[i + 1], 3) for i in range(5)}
    unet: dict[str, nn.Module] = {}
    for name, (count, taken, made) in STAGES.items():
        taken_width = 2 * channels if taken is None else taken * width
        convs = [nn.Conv2d(taken_width, made * width, 3)]
        convs += [nn.Conv2d(made * width, made * width, 3) for _ in range(count - 1)]
        blocks = (nn.ModuleDict({"conv": nn.Sequential(conv)}) for conv in convs)
        unet[name] = nn.ModuleList(blocks)
    unet["up1"] = nn.ModuleDict({"up": nn.ConvTranspose2d(4 * width, 2 * width, 2, stride=2)})
    unet["up2"] = nn.ModuleDict({"up": nn.ConvTranspose2d(2 * width, width, 2, stride=2)})
    unet["outc"] = nn.ModuleDict({"conv": nn.Conv2d(width, channels, 1)})
    fully = nn.ModuleDict({"fcn": nn.ModuleDict(fcn)})
    return nn.ModuleDict({"fcn": fully, "unet": nn.ModuleDict(unet)})


def reference(network: nn.Module, noisy: Tensor) -> tuple[Tensor, Tensor]:
    """The estimated level and the image."""
    state, level = network.state_dict(), noisy

    def stage(name: str, x: Tensor) -> Tensor:
        for number in range(STAGES[name][0]):
            key = f"unet.{name}.{number}.conv.0"
            x = conv2d(x, state[f"{key}.weight"], state[f"{key}.bias"], padding=1).relu()
        return x

    def up(name: str, x: Tensor) -> Tensor:
        weight, bias = state[f"unet.{name}.up.weight"], state[f"unet.{name}.up.bias"]
        return conv_transpose2d(x, weight, bias, stride=2)

    for place in range(0, 10, 2):
        weight, bias = state[f"fcn.fcn.{place}.weight"], state[f"fcn.fcn.{place}.bias"]
        level = conv2d(level, weight, bias, padding=1).relu()
    first = stage("inc", torch.cat((noisy, level), dim=1))
    second = stage("conv1", avg_pool2d(first, 2))
    x = stage("conv3", up("up1", stage("conv2", avg_pool2d(second, 2))) + second)
    x = stage("conv4", up("up2", x) + first)
    return level, noisy + conv2d(x, state["unet.outc.conv.weight"], state["unet.outc.conv.bias"])


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
def test_is_the_published_network(channels: int, tmp_path: Path) -> None:
    """At sizes that 4 divides; others are padded by mirroring here, and by zeros there."""
    network, noisy = randomise(published(channels, 4, 6)), torch.rand(2, channels, 12, 20)
    level, expected = reference(network, noisy)
    model = loaded(network, tmp_path / "net.pth", "state_dict")
    assert relative_difference(model, noisy, expected) < 1e-5
    torch.testing.assert_close(model(noisy).extras["noise_level"], level)
    arguments = {"channels": channels, "width": 4, "estimator_width": 6}
    assert read_card(tmp_path / "net.pth")["model"]["arguments"] == arguments


def test_published_size() -> None:
    """What the published implementation counts; tables of other papers have 4.4 million."""
    with torch.device("meta"):
        assert parameters(create_model("cbdnet", preset="color")) == 4_365_382


@torch.no_grad()
def test_a_given_level_is_returned_for_the_loss() -> None:
    """And only if it is given."""
    model, noisy = create_model("cbdnet", preset="tiny").eval(), torch.rand(2, 3, 13, 10)
    assert list(model(noisy).extras) == ["noise_level"]
    assert float(model(noisy, torch.tensor(0.25, dtype=torch.float64)).extras["sigma"]) == 0.25


@torch.no_grad()
def test_a_given_level_replaces_the_estimate_only_if_asked_for() -> None:
    """Blind by default; with `use_sigma` the given level is what the U-Net gets."""
    blind = create_model("cbdnet", preset="tiny").eval()
    model = create_model("cbdnet", preset="tiny", use_sigma=True).eval()
    model.load_state_dict(blind.state_dict())
    noisy, sigma = torch.rand(2, 3, 13, 10), torch.full((2, 1, 1, 1), 0.3)
    assert torch.equal(blind(noisy, sigma).image, blind(noisy).image)
    assert torch.equal(model(noisy).image, blind(noisy).image)
    given = model(noisy, sigma)
    torch.testing.assert_close(given.extras["noise_level"], torch.full_like(noisy, 0.3))
    assert not torch.allclose(given.image, blind(noisy).image)
    # The same as the blind network whose estimation always answers 0.3.
    nn.init.zeros_(blind.estimator[-2].weight)
    nn.init.constant_(blind.estimator[-2].bias, 0.3)
    torch.testing.assert_close(given.image, blind(noisy).image)
