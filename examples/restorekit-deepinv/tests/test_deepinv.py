"""The components keep to their contracts, and compute what DeepInverse computes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import deepinv
import pytest
import torch

import restorekit
from restorekit.testing import check_model, check_noise

SMALL: dict[str, dict[str, Any]] = {
    "deepinv_dncnn": {"depth": 4, "width": 8},
    "deepinv_drunet": {"width": 8, "blocks": 1},
    "deepinv_restormer": {"width": 8, "blocks": [1, 1, 1, 1]},
}


@pytest.mark.parametrize("name", SMALL)
def test_the_networks_keep_to_their_contract(name: str) -> None:
    """Any size, gradients, precision, weights, tiles."""
    check_model({"name": name, **SMALL[name]})
    skipped = ["gradients", "half precision", "state dict", "tiles"]
    check_model({"name": name, "channels": 1, **SMALL[name]}, skip=skipped)


@pytest.mark.parametrize("name", restorekit.list_noises("deepinv_*"))
def test_the_noises_keep_to_their_contract(name: str) -> None:
    """Type, level, and random numbers from the generator alone."""
    check_noise(name)


def test_a_network_computes_what_deepinverse_computes() -> None:
    """Where DeepInverse does not pad the image."""
    model: Any = restorekit.create_model("deepinv_drunet", **SMALL["deepinv_drunet"]).eval()
    noisy = torch.rand(2, 3, 32, 40)
    level = torch.full((2, 1, 1, 1), 0.1)
    with torch.no_grad():
        expected = model.network(noisy, 0.1)
        torch.testing.assert_close(model(noisy, sigma=level), expected)


@pytest.mark.parametrize("normalisation", ["BiasFree", "WithBias"])
@pytest.mark.parametrize("channels", [1, 3])
def test_restormer_of_restorekit_is_that_of_deepinverse(
    normalisation: str, channels: int, tmp_path: Path
) -> None:
    """Loaded from its state dict as a published checkpoint, also at odd sizes."""
    network: Any = deepinv.models.Restormer(
        in_channels=channels,
        out_channels=channels,
        dim=8,
        num_blocks=(1, 2, 1, 1),
        num_refinement_blocks=1,
        LayerNorm_type=normalisation,
        pretrained=None,
    ).eval()
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=weight[0].numel() ** -0.5)
    torch.save({"params": network.state_dict()}, tmp_path / "net.pth")
    model = restorekit.load_model(tmp_path / "net.pth")
    for height, width in ((16, 24), (17, 29)):
        noisy = torch.rand(1, channels, height, width)
        padding = (0, -width % 8, 0, -height % 8)
        with torch.no_grad():
            mirrored = torch.nn.functional.pad(noisy, padding, "reflect")
            expected = network.forward_restormer(mirrored)[..., :height, :width]
            difference = (model(noisy) - expected).abs().max()
        assert float(difference) < 1e-5 * float(expected.max() - expected.min())


def test_published_weights_are_downloaded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not again when the saved network is loaded."""
    trained: dict[str, torch.Tensor] = deepinv.models.DnCNN(pretrained=None).state_dict()
    urls = []

    def download(url: str, **_: object) -> dict[str, torch.Tensor]:
        urls.append(url)
        return trained

    monkeypatch.setattr("deepinv.models.dncnn.load_state_dict_from_url", download)
    model: Any = restorekit.create_model("deepinv_dncnn")
    model.load_published()
    restorekit.save_model(model, tmp_path / "dncnn.safetensors")
    loaded: Any = restorekit.load_model(tmp_path / "dncnn.safetensors")
    assert len(urls) == 1
    for name, weight in loaded.network.state_dict().items():
        assert torch.equal(weight, trained[name])
    small: Any = restorekit.create_model("deepinv_dncnn", **SMALL["deepinv_dncnn"])
    with pytest.raises(RuntimeError):
        small.load_published()


def test_laplace_noise_has_its_deviation() -> None:
    """scale * sqrt(2)."""
    noise = restorekit.create_noise("deepinv_laplace", scale=0.1)
    degraded = noise(torch.full((1, 1, 200, 200), 0.5), torch.Generator().manual_seed(0))
    assert float(degraded.noisy.std()) == pytest.approx(0.1 * math.sqrt(2), rel=0.03)


def test_the_version_is_one_that_works() -> None:
    """Version 0.5 or newer."""
    assert tuple(map(int, deepinv.__version__.split(".")[:2])) >= (0, 5)
