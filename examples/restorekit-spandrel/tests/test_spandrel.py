"""Checkpoints of spandrel give the results of spandrel itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from spandrel import ImageModelDescriptor, ModelLoader
from spandrel.architectures.Compact import Compact
from spandrel.architectures.DRUNet import DRUNet
from spandrel.architectures.FBCNN import FBCNN
from spandrel.architectures.RetinexFormer import RetinexFormer

import restorekit
from restorekit.cli.main import main

# Checkpoints that restorekit does not read itself; this DRUNet has other widths than the published.
NETWORKS: dict[str, Any] = {
    "DRUNet": lambda: DRUNet(in_nc=4, out_nc=3, nc=[8, 8, 8, 8], nb=2),
    "FBCNN": lambda: FBCNN(nc=[4, 4, 8, 512], nb=2),
    "RetinexFormer": lambda: RetinexFormer(n_feat=8, stage=1, num_blocks=[1, 1, 1]),
}


@pytest.fixture(params=NETWORKS)
def file(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint of a new small network, as their projects publish it."""
    torch.manual_seed(0)
    monkeypatch.chdir(tmp_path)
    network = NETWORKS[request.param]()
    for parameter in network.parameters():  # some are zero at first
        torch.nn.init.normal_(parameter, std=0.05)
    path = tmp_path / f"{request.param}.pth"
    torch.save({"params": network.state_dict()}, path)
    return path


@torch.no_grad()
def test_a_checkpoint_gives_the_results_of_spandrel(file: Path) -> None:
    """Read as it is or converted; DRUNet with the level that spandrel always uses."""
    original = ModelLoader().load_from_file(file)
    assert isinstance(original, ImageModelDescriptor)
    noisy = torch.rand(1, 3, 44, 51)
    expected = original(noisy)
    assert main(["convert", file.name, "out.safetensors", "--license", "MIT"]) == 0
    for path in (file, Path("out.safetensors")):
        model = restorekit.load_model(path)
        restored = model(noisy, sigma=torch.full((1, 1, 1, 1), 15 / 255)).clamp(0, 1)
        if original.size_requirements.check(51, 44):
            torch.testing.assert_close(restored, expected, rtol=0, atol=1e-6)
        # Elsewhere the border differs, since spandrel pads with a reflection.
        torch.testing.assert_close(restored[..., :8, :8], expected[..., :8, :8], rtol=0, atol=0.1)
    assert restorekit.read_card("out.safetensors")["model"]["name"] == "spandrel"


def test_pictures_are_restored(file: Path) -> None:
    """By the same call as with any other network."""
    noisy = torch.rand(3, 40, 48)
    restored = (
        restorekit.denoise(noisy, file, sigma=0.1)
        if "DRUNet" in file.name
        else (restorekit.denoise(noisy, file))
    )
    assert restored.shape == noisy.shape


def test_an_upscaler_is_refused(tmp_path: Path) -> None:
    """In one line that says what the network is for."""
    torch.save(Compact(num_feat=8, num_conv=2, upscale=2).state_dict(), tmp_path / "x.pth")
    with pytest.raises(
        restorekit.CheckpointError, match="is a network for SR, not for restoration"
    ):
        restorekit.load_model(tmp_path / "x.pth")


def test_unknown_names_are_refused() -> None:
    """The arguments of a card cannot import anything else."""
    with pytest.raises(restorekit.ArgumentError, match="spandrel has no architecture 'os'"):
        restorekit.create_model("spandrel", architecture="os", network="path", parameters={})
    with pytest.raises(restorekit.ArgumentError, match="SCUNet has no network 'torch'"):
        restorekit.create_model("spandrel", architecture="SCUNet", network="torch", parameters={})
