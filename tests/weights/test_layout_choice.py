"""A layout that the user names, and shapes that do not fit a recognised layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from typer.testing import CliRunner

from restorekit import CheckpointError, UnknownNameError, convert_weights, create_model, load_model
from restorekit.weights import read_card
from tests.arch import test_adnet, test_cbdnet, test_lg_bpn, test_mwcnn, test_rednet, test_ridnet
from tests.weights.published_layouts import State, named, stack

PUBLISHED: dict[str, Callable[[], State]] = {
    "adnet": lambda: test_adnet.published(3, 4).state_dict(),
    "ap_bsn": lambda: dict(create_model("ap_bsn", preset="tiny").state_dict()),
    "cbdnet": lambda: test_cbdnet.published(3, 4, 4).state_dict(),
    "drunet": lambda: create_model("drunet", preset="tiny").state_dict(),
    "lg_bpn": lambda: test_lg_bpn.published(create_model("lg_bpn", preset="tiny", blocks=2)),
    "mwcnn": lambda: test_mwcnn.PublishedMWCNN(1, 4, 4, 1).state_dict(),
    "rednet": lambda: test_rednet.PublishedREDNet(5).state_dict(),
    "ridnet": lambda: test_ridnet.published(16, 1, 1, 1.0),
    "vdn": lambda: create_model("vdn", preset="tiny").state_dict(),
}


@pytest.fixture
def seven_layers(tmp_path: Path) -> tuple[Path, nn.Sequential]:
    """A DnCNN of seven layers in KAIR's layout, in a file, and the network."""
    torch.manual_seed(0)
    network = stack(1, *[4] * 6, 1)
    torch.save(named(network, "model"), tmp_path / "net.pth")
    return tmp_path / "net.pth", network


def test_a_named_layout_decides_where_several_fit(
    seven_layers: tuple[Path, nn.Sequential], tmp_path: Path
) -> None:
    """The keys of a DnCNN of seven layers are those of an IRCNN; the result is another image."""
    path, network = seven_layers
    noisy = torch.rand(1, 1, 16, 16)
    assert type(load_model(path)).__name__ == "IRCNN"
    with torch.no_grad():
        restored = load_model(path, layout="kair_dncnn")(noisy)
        torch.testing.assert_close(restored, noisy - network(noisy))
        assert not torch.allclose(load_model(path)(noisy), restored)
    assert convert_weights(path, tmp_path / "a.safetensors", layout="kair_dncnn").arguments == {
        "channels": 1,
        "depth": 7,
        "width": 4,
        "batch_norm": False,
    }
    assert type(load_model(tmp_path / "a.safetensors")).__name__ == "DnCNN"


def test_the_command_takes_it(seven_layers: tuple[Path, nn.Sequential], tmp_path: Path) -> None:
    """`restorekit convert --layout`."""
    from restorekit.cli.main import app

    output = tmp_path / "b.safetensors"
    words = ["convert", str(seven_layers[0]), str(output), "--layout", "kair_dncnn"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert read_card(output)["model"]["name"] == "dncnn"


def test_another_layout_is_refused(seven_layers: tuple[Path, nn.Sequential]) -> None:
    """In one line, with the keys that it has and those that the file has; nothing else is tried."""
    path, _ = seven_layers
    with pytest.raises(CheckpointError) as caught:
        load_model(path, layout="adnet_authors")
    text = str(caught.value)
    assert text.startswith(f"{path}: not in the layout 'adnet_authors', the authors' ADNet (conv1_")
    assert "it has model.0.weight (4, 1, 3, 3)" in text
    with pytest.raises(UnknownNameError, match=r"layout 'kair_dncn'.*Did you mean 'kair_dncnn'"):
        load_model(path, layout="kair_dncn")


def refusal(state: State, path: Path) -> str:
    """The message of loading a state dict."""
    torch.save(state, path)
    with pytest.raises(CheckpointError) as caught:
        load_model(path)
    return str(caught.value)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_shape_that_does_not_fit_is_named(name: str, tmp_path: Path) -> None:
    """With the key of the file: a vector instead of a kernel, or other sizes, at any layer."""
    state = dict(PUBLISHED[name]())
    kernels = [key for key, tensor in state.items() if tensor.ndim == 4]
    for key in (kernels[0], kernels[len(kernels) // 2], kernels[-1]):
        for wrong in (torch.zeros(3), nn.functional.pad(state[key], (0, 1))):
            message = refusal({**state, key: wrong}, tmp_path / "net.pth")
            assert "the keys are those of " in message
            assert f"'{key}' is {tuple(wrong.shape)}" in message
            assert "\n" not in message


def test_a_network_that_cannot_be_is_refused(tmp_path: Path) -> None:
    """Keys of a RED-Net with too few layers for one."""
    state: dict[str, Tensor] = {
        "conv_layers.0.0.weight": torch.zeros(4, 3, 3, 3),
        "deconv_layers.0.weight": torch.zeros(4, 3, 3, 3),
    }
    message = refusal(state, tmp_path / "net.pth")
    assert "the keys are those of yjn870's PyTorch RED-Net, but model 'rednet': argument" in message
