"""ADNet: the published state dict, and a reference by functions of torch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, conv2d

from restorekit import create_model
from restorekit.weights import read_card
from tests.arch.reference_networks import loaded, parameters, randomise, relative_difference


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


def published(channels: int, width: int) -> nn.Module:
    """The layers under the names of the authors."""
    layers = {}
    for number in range(1, 16):
        conv = nn.Conv2d(channels if number == 1 else width, width, 3, bias=False)
        layers[f"conv1_{number}"] = nn.Sequential(conv, nn.BatchNorm2d(width))
    last = {"conv1_16": nn.Conv2d(width, channels, 3, bias=False)}
    return nn.ModuleDict(layers | last | {"conv3": nn.Conv2d(2 * channels, channels, 1)})


def reference(network: nn.Module, noisy: Tensor) -> Tensor:
    """Dilations at layers 2, 5, 9 and 12, and the noise weighted by the attention."""
    state, x = network.state_dict(), noisy
    for number in range(1, 16):
        dilation = 2 if number in (2, 5, 9, 12) else 1
        name = f"conv1_{number}"
        x = conv2d(x, state[f"{name}.0.weight"], padding=dilation, dilation=dilation)
        statistics = state[f"{name}.1.running_mean"], state[f"{name}.1.running_var"]
        x = batch_norm(x, *statistics, state[f"{name}.1.weight"], state[f"{name}.1.bias"]).relu()
    noise = conv2d(x, state["conv1_16.weight"], padding=1)
    both = torch.cat((noisy, noise), dim=1).tanh()
    return noisy - noise * conv2d(both, state["conv3.weight"], state["conv3.bias"])


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(16, 16), (11, 18)])
def test_is_the_published_network(channels: int, size: tuple[int, int], tmp_path: Path) -> None:
    """Loaded from its state dict, inside the wrapper of DataParallel."""
    network = randomise(published(channels, 6))
    noisy = torch.rand(2, channels, *size)
    model = loaded(nn.ModuleDict({"module": network}), tmp_path / "net.pth", "state_dict")
    assert relative_difference(model, noisy, reference(network, noisy)) < 1e-5
    arguments = {"channels": channels, "width": 6}
    assert read_card(tmp_path / "net.pth")["model"]["arguments"] == arguments


@pytest.mark.parametrize(("preset", "count"), [("gray", 519_171), ("color", 521_493)])
def test_published_sizes(preset: str, count: int) -> None:
    """The tensors of the authors' checkpoints; the paper rounds to 0.52 million."""
    with torch.device("meta"):
        assert parameters(create_model("adnet", preset=preset)) == count


def test_sees_41_pixels() -> None:
    """Twelve plain layers and four dilated ones reach 20 pixels each way."""
    model = create_model("adnet", preset="tiny", channels=1).double().eval()
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.1)  # so that no ReLU is off
    noisy = torch.rand(1, 1, 49, 49).double().requires_grad_()
    model(noisy)[0, 0, 24, 24].backward()
    assert noisy.grad is not None
    rows = (noisy.grad[0, 0] != 0).any(dim=1).nonzero().flatten()
    assert (rows.min(), rows.max()) == (4, 44)
