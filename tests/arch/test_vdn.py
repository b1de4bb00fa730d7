"""VDN: the published sizes and names, and what its two networks learn together."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from restorekit import create_loss, create_model, load_model
from restorekit.arch.vdn import VDN
from restorekit.errors import ArgumentError, CheckpointError
from restorekit.weights import read_card

# The published colour network: output and input channels of each 3x3 convolution.
CONVOLUTIONS = {
    "DNet.down_path.0.block.0": (64, 3),
    "DNet.down_path.0.block.2": (64, 64),
    "DNet.down_path.1.block.0": (128, 64),
    "DNet.down_path.1.block.2": (128, 128),
    "DNet.down_path.2.block.0": (256, 128),
    "DNet.down_path.2.block.2": (256, 256),
    "DNet.down_path.3.block.0": (512, 256),
    "DNet.down_path.3.block.2": (512, 512),
    "DNet.up_path.0.conv_block.block.0": (256, 512),
    "DNet.up_path.0.conv_block.block.2": (256, 256),
    "DNet.up_path.1.conv_block.block.0": (128, 256),
    "DNet.up_path.1.conv_block.block.2": (128, 128),
    "DNet.up_path.2.conv_block.block.0": (64, 128),
    "DNet.up_path.2.conv_block.block.2": (64, 64),
    "DNet.last": (6, 64),
    "SNet.conv1": (64, 3),
    "SNet.mid_layer.0": (64, 64),
    "SNet.mid_layer.2": (64, 64),
    "SNet.mid_layer.4": (64, 64),
    "SNet.conv_last": (6, 64),
}
UPSCALINGS = {f"DNet.up_path.{i}.up": (512 >> i, 256 >> i) for i in range(3)}


def tiny(channels: int = 1) -> VDN:
    return VDN(channels, width=4, depth=2, sigma_width=4, sigma_depth=3)


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


def test_is_the_published_network() -> None:
    """Keys and shapes of the state dict, and the number of parameters."""
    with torch.device("meta"):
        model = create_model("vdn", preset="color")
    expected: dict[str, tuple[int, ...]] = {}
    for layer, (out, taken) in CONVOLUTIONS.items():
        expected |= {f"{layer}.weight": (out, taken, 3, 3), f"{layer}.bias": (out,)}
    for layer, (taken, out) in UPSCALINGS.items():
        expected |= {f"{layer}.weight": (taken, out, 2, 2), f"{layer}.bias": (out,)}
    assert {key: tuple(x.shape) for key, x in model.state_dict().items()} == expected
    assert sum(p.numel() for p in model.parameters()) == 7_816_780


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
def test_a_published_checkpoint_is_recognised(channels: int, tmp_path: Path) -> None:
    """Also with the prefix of data-parallel training, which the published files have."""
    model = tiny(channels).eval()
    state = {f"module.{key}": tensor for key, tensor in model.state_dict().items()}
    torch.save(state, tmp_path / "net.pth")
    noisy = torch.rand(1, channels, 11, 16)
    assert torch.equal(load_model(tmp_path / "net.pth")(noisy).image, model(noisy).image)
    assert read_card(tmp_path / "net.pth")["model"]["arguments"] == {
        "channels": channels,
        "width": 4,
        "depth": 2,
        "sigma_width": 4,
        "sigma_depth": 3,
    }


def test_other_shapes_are_refused(tmp_path: Path) -> None:
    """The message names the layer."""
    torch.save(
        tiny().state_dict() | {"DNet.last.weight": torch.ones(1, 4, 3, 3)}, tmp_path / "n.pth"
    )
    with pytest.raises(CheckpointError, match=r"'DNet.last.weight' is \(1, 4, 3, 3\), not \(2, 4,"):
        load_model(tmp_path / "n.pth")


@torch.no_grad()
def test_the_noise_is_subtracted() -> None:
    """Image and predicted noise add up to the input; each extra is a map of each channel."""
    noisy = torch.rand(2, 3, 13, 10)
    output = tiny(3).eval()(noisy)
    torch.testing.assert_close(output.image + output.extras["noise"], noisy)
    assert {x.shape for x in output.extras.values()} == {noisy.shape}


@torch.no_grad()
def test_the_noise_level_is_the_mode_of_its_distribution() -> None:
    """The density of the inverse gamma distribution is highest at its square."""
    model, noisy = tiny().double().eval(), torch.rand(1, 1, 6, 6, dtype=torch.float64)
    extras = model(noisy).extras
    alpha, beta = extras["log_alpha"].exp(), extras["log_beta"].exp()

    def log_density(variance: Tensor) -> Tensor:
        return -(alpha + 1) * variance.log() - beta / variance

    variance = model.noise_level(noisy).square()
    for factor in (0.99, 1.01):
        assert bool((log_density(factor * variance) < log_density(variance)).all())


def test_learns_the_noise_level_with_its_loss() -> None:
    """Trained on images of unknown levels, the loss falls, and image and level are right."""

    def batch(count: int, side: int, level: Tensor | float) -> tuple[Tensor, Tensor]:
        corners = torch.rand(count, 1, 2, 2)
        clean = functional.interpolate(corners, size=side, mode="bilinear")
        return clean, clean + level * torch.randn(clean.shape)

    model, loss = VDN(1, width=4, depth=1, sigma_width=16, sigma_depth=3), create_loss("vdn")
    steps, losses = 300, []
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.05, steps)
    for _ in range(steps):
        clean, noisy = batch(8, 16, torch.empty(8, 1, 1, 1).uniform_(0.08, 0.32))
        value = loss(model(noisy), clean)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
        losses.append(value.item())
    assert sum(losses[-20:]) < sum(losses[:20]) / 20
    with torch.no_grad():
        for level in (0.1, 0.2, 0.3):
            clean, noisy = batch(4, 32, level)
            assert float(model.noise_level(noisy).mean()) == pytest.approx(level, rel=0.15)
            error = functional.mse_loss(model(noisy).image, clean).sqrt()
            assert float(error) < 0.6 * level


@pytest.mark.parametrize(
    ("argument", "minimum"),
    [("channels", 1), ("width", 1), ("depth", 1), ("sigma_width", 1), ("sigma_depth", 2)],
)
def test_arguments_below_their_minimum_are_refused(argument: str, minimum: int) -> None:
    """The message names the argument and its minimum."""
    with pytest.raises(ArgumentError, match=f"'{argument}' must be at least {minimum}"):
        create_model("vdn", **{argument: minimum - 1})
