"""DnCNN, FDnCNN and IRCNN in KAIR's layout, and the published sizes of the plain networks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from spandrel.architectures.DnCNN import DnCNN as Reference
from torch import nn

from restorekit import CheckpointError, InputError, create_model, load_model
from restorekit.weights import read_card
from tests.arch.reference_networks import loaded, parameters, randomise, relative_difference
from tests.weights.published_layouts import named


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("act_mode", ["R", "BR"])
def test_dncnn_is_that_of_kair(channels: int, act_mode: str, tmp_path: Path) -> None:
    """With and without batch normalisation, which is merged when it is loaded."""
    network = randomise(Reference(in_nc=channels, out_nc=channels, nc=8, nb=9, act_mode=act_mode))
    noisy = torch.rand(2, channels, 17, 22)
    model = loaded(network, tmp_path / "net.pth")
    assert relative_difference(model, noisy, network(noisy)) < 1e-5
    assert read_card(tmp_path / "net.pth")["model"]["name"] == "dncnn"


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
def test_fdncnn_is_that_of_kair(channels: int, tmp_path: Path) -> None:
    """The map of the level follows the image, and the image is predicted."""
    network = Reference(
        in_nc=channels + 1, out_nc=channels, nc=8, nb=9, act_mode="R", mode="FDnCNN"
    )
    noisy, level = torch.rand(2, channels, 17, 22), torch.rand(2, 1, 17, 22)
    expected = randomise(network)(torch.cat((noisy, level), dim=1))
    model = loaded(network, tmp_path / "net.pth")
    span = expected.max() - expected.min()
    assert (model(noisy, sigma=level) - expected).abs().max() < 1e-5 * span
    assert read_card(tmp_path / "net.pth")["model"] | {"provider": "", "version": ""} == {
        "name": "fdncnn",
        "arguments": {"channels": channels, "depth": 9, "width": 8},
        "provider": "",
        "version": "",
    }


@torch.no_grad()
def test_fdncnn_takes_one_level_or_a_map() -> None:
    """A constant map equals a level, and a missing level is an error."""
    model, noisy = create_model("fdncnn", preset="tiny").eval(), torch.rand(2, 3, 9, 12)
    one = model(noisy, sigma=torch.tensor(0.2))
    torch.testing.assert_close(model(noisy, sigma=torch.full((2, 1, 9, 12), 0.2)), one)
    with pytest.raises(InputError, match="'fdncnn' needs sigma, the standard deviation"):
        model(noisy)


def kair_ircnn(channels: int) -> nn.Sequential:
    """The layers of the published network, with dilations and padding as in the paper."""
    layers: list[nn.Module] = []
    sizes = [channels, *[8] * 6, channels]
    for taken, made, dilation in zip(sizes, sizes[1:], (1, 2, 3, 4, 3, 2, 1), strict=False):
        conv = nn.Conv2d(taken, made, 3, padding=dilation, dilation=dilation)
        layers += [conv, nn.ReLU()]
    network = nn.Sequential(*layers[:-1])
    randomise(network)
    return network


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
def test_ircnn_is_that_of_kair(channels: int, tmp_path: Path) -> None:
    """Its noise is subtracted."""
    network, noisy = kair_ircnn(channels), torch.rand(2, channels, 17, 22)
    torch.save(named(network, "model"), tmp_path / "net.pth")
    model = load_model(tmp_path / "net.pth")
    assert relative_difference(model, noisy, noisy - network(noisy)) < 1e-5
    arguments = {"channels": channels, "width": 8, "batch_norm": False}
    assert read_card(tmp_path / "net.pth")["model"]["arguments"] == arguments


def test_a_file_of_25_networks_says_how_to_choose_one(tmp_path: Path) -> None:
    """KAIR's IRCNN has one for each range of the level; the advice works."""
    networks = {str(number): named(kair_ircnn(1), "model") for number in range(25)}
    torch.save(networks, tmp_path / "ircnn_gray.pth")
    with pytest.raises(CheckpointError) as caught:
        load_model(tmp_path / "ircnn_gray.pth")
    message = str(caught.value)
    assert "has 25 state dicts under '0', '1', .., '24'; save one in a file of its own" in message
    advice = "torch.save(torch.load('ircnn_gray.pth', map_location='cpu')['0'], 'one.pth')"
    assert advice in message
    assert "\n" not in message
    torch.save(torch.load(tmp_path / "ircnn_gray.pth")["12"], tmp_path / "one.pth")
    assert load_model(tmp_path / "one.pth").channels == 1


def test_ircnn_sees_33_pixels() -> None:
    """The gradient of one output pixel reaches 16 pixels, the sum of the dilations, each way."""
    model = create_model("ircnn", preset="tiny", channels=1).double().eval()
    noisy = torch.rand(1, 1, 49, 49).double().requires_grad_()
    model(noisy)[0, 0, 24, 24].backward()
    assert noisy.grad is not None
    rows = (noisy.grad[0, 0] != 0).any(dim=1).nonzero().flatten()
    assert (rows.min(), rows.max()) == (8, 40)


def test_ircnn_has_a_normalisation_in_its_middle_layers() -> None:
    """As in the figure of the paper; the first and the last layer have none."""
    layers = create_model("ircnn", preset="tiny").layers
    middle = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]
    expected = [nn.Conv2d, nn.ReLU, *middle * 5, nn.Conv2d]
    assert [type(layer) for layer in layers] == expected


@pytest.mark.parametrize(
    ("model", "preset", "count"),
    [
        # 9 * 64 * (2 C + (depth - 2) * 64) weights, and two numbers for each normalised channel.
        ("dncnn", "s_gray", 556_032),
        ("dncnn", "s_color", 558_336),
        ("dncnn", "b_gray", 667_008),
        ("dncnn", "b_color", 669_312),
        ("dncnn", "three_gray", 667_008),
        # What KAIR's definitions of these networks count.
        ("fdncnn", "gray", 666_497),
        ("fdncnn", "color", 668_803),
        ("ffdnet", "gray", 485_316),
        ("ffdnet", "color", 852_108),
    ],
)
def test_published_sizes(model: str, preset: str, count: int) -> None:
    """The presets have the published numbers of parameters."""
    with torch.device("meta"):
        assert parameters(create_model(model, preset=preset)) == count


@pytest.mark.parametrize(("preset", "count"), [("gray", 185_857), ("color", 188_163)])
def test_published_size_of_ircnn(preset: str, count: int) -> None:
    """KAIR's networks, whose normalisation is merged."""
    with torch.device("meta"):
        assert parameters(create_model("ircnn", preset=preset, batch_norm=False)) == count
