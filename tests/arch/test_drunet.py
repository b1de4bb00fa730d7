"""DRUNet, compared with spandrel's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from spandrel.architectures.DRUNet import DRUNet as Reference
from torch import nn
from torch.nn import functional

from restorekit import create_model, load_model
from restorekit.arch.drunet import DRUNet
from restorekit.errors import ArgumentError, CheckpointError, InputError
from restorekit.weights import read_card


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


def published(channels: int, inputs: int, blocks: int = 2) -> nn.Module:
    """A small network of the authors' layout, whose weights all affect the result."""
    network = Reference(in_nc=inputs, out_nc=channels, nc=[4, 8, 16, 32], nb=blocks).eval()
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=1.5 * parameter[0].numel() ** -0.5)
    return network


@torch.no_grad()
@pytest.mark.parametrize(
    ("channels", "blind", "blocks"), [(1, False, 2), (3, False, 1), (3, False, 2), (3, True, 2)]
)
@pytest.mark.parametrize("size", [(24, 16), (19, 29), (5, 3)])
def test_is_the_published_network(
    channels: int, blind: bool, blocks: int, size: tuple[int, int], tmp_path: Path
) -> None:
    """Loaded from its state dict, with the level last, and edges repeated at odd sizes.

    A network of one block has other names at the smallest scale, which is then no sequence.
    """
    network = published(channels, channels + (not blind), blocks)
    torch.save(network.state_dict(), tmp_path / "net.pth")
    noisy = torch.rand(2, channels, *size)
    level = torch.rand(2, 1, *size)
    padding = (0, -size[1] % 8, 0, -size[0] % 8)
    inputs = noisy if blind else torch.cat((noisy, level), dim=1)
    expected = network(functional.pad(inputs, padding, "replicate"))[..., : size[0], : size[1]]

    model = load_model(tmp_path / "net.pth")
    assert read_card(tmp_path / "net.pth")["model"]["arguments"] == {
        "channels": channels,
        "width": 4,
        "blocks": blocks,
        "blind": blind,
    }
    span = float(expected.max() - expected.min())
    assert float((model(noisy, sigma=level) - expected).abs().max()) < 1e-5 * span


@pytest.mark.parametrize(("preset", "parameters"), [("color", 32_640_960), ("gray", 32_638_656)])
def test_published_sizes(preset: str, parameters: int) -> None:
    """The paper states 32.64 million."""
    with torch.device("meta"):
        model = create_model("drunet", preset=preset)
    assert sum(p.numel() for p in model.parameters()) == parameters


def test_names_are_those_of_the_published_state_dict() -> None:
    """Keys and shapes at the published size."""
    with torch.device("meta"):
        model, network = DRUNet(), Reference(in_nc=4, out_nc=3)
    shapes = [{k: v.shape for k, v in each.state_dict().items()} for each in (model, network)]
    assert shapes[0] == shapes[1]


@torch.no_grad()
def test_scaling_the_input_scales_the_output() -> None:
    """There are no biases, so image and level scale alike."""
    model, noisy, sigma = (
        DRUNet(width=4, blocks=1).eval(),
        torch.rand(1, 3, 16, 16),
        torch.tensor(0.1),
    )
    torch.testing.assert_close(model(3 * noisy, 3 * sigma), 3 * model(noisy, sigma))
    assert not torch.allclose(model(noisy, 3 * sigma), model(noisy, sigma))


@torch.no_grad()
def test_the_signal_keeps_its_scale() -> None:
    """Untrained, the RMS of the output is within a factor of 3 of the input's."""
    noisy = torch.randn(1, 3, 32, 32)
    output = DRUNet(width=16)(noisy, torch.tensor(0.1))
    assert 1 / 3 < float(output.square().mean().sqrt()) < 3


def test_the_level_is_needed() -> None:
    """A missing level is an error that names the form that needs none."""
    with pytest.raises(InputError, match=r"'drunet' needs sigma, .* blind=True"):
        DRUNet(width=2, blocks=1)(torch.rand(1, 3, 8, 8))


@pytest.mark.parametrize(
    ("key", "shape", "message"),
    [
        ("m_head.weight", (4, 6, 3, 3), "6 input and 3 output channels"),
        ("m_down1.2.weight", (8, 4, 1, 1), r"'m_down1.2.weight' is \(8, 4, 1, 1\), not"),
        ("m_up1.0.weight", (16, 4, 3, 3), r"'m_up1.0.weight' is \(16, 4, 3, 3\), not"),
    ],
)
def test_other_shapes_are_refused(
    key: str, shape: tuple[int, ...], message: str, tmp_path: Path
) -> None:
    """Other ways to resize, or other channels, are not this network."""
    state = {**published(3, 4).state_dict(), key: torch.zeros(shape)}
    torch.save(state, tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match=message):
        load_model(tmp_path / "net.pth")


@pytest.mark.parametrize("argument", ["channels", "width", "blocks"])
def test_arguments_below_one_are_refused(argument: str) -> None:
    """The message names the argument and its minimum."""
    with pytest.raises(ArgumentError, match=f"'{argument}' must be at least 1, not 0"):
        create_model("drunet", **{argument: 0})
