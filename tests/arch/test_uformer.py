"""Uformer, compared with spandrel's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from spandrel.architectures.Uformer import Uformer as Reference
from torch import nn

from restorekit import create_model
from restorekit.errors import ArgumentError, CheckpointError
from restorekit.weights import read_card
from tests.arch.reference_networks import loaded, parameters, randomise, relative_difference

BLOCKS = [1, 2, 1, 1, 2, 1, 1, 2, 1]


def published(patch: int = 32, **arguments: object) -> nn.Module:
    """A small network of the authors' layout, made for patches of a size."""
    torch.manual_seed(0)
    sizes = {"img_size": patch, "embed_dim": 4, "depths": BLOCKS, "win_size": 2, "modulator": True}
    return randomise(Reference(**sizes | arguments))


@torch.no_grad()
def test_is_the_published_network(tmp_path: Path) -> None:
    """Loaded from its state dict, at the sizes that the reference takes: squares, not padded."""
    network = published()
    model = loaded(network, tmp_path / "net.pth", "state_dict")
    assert read_card(tmp_path / "net.pth")["model"]["arguments"] == {
        "channels": 3,
        "width": 4,
        "blocks": BLOCKS,
        "heads": 1,
        "window": 2,
        "mlp_ratio": 4,
        "modulators": True,
    }
    for side in (32, 64):
        noisy = torch.rand(2, 3, side, side)
        assert relative_difference(model, noisy, network(noisy)) < 1e-5


@torch.no_grad()
def test_the_smallest_scale_is_shifted_for_larger_patches(tmp_path: Path) -> None:
    """As in the network against motion blur; the weights are the same."""
    network = published(patch=64)
    plain = loaded(network, tmp_path / "net.pth", "state_dict")
    shifted = create_model("uformer", width=4, blocks=BLOCKS, window=2, shift_bottom=True).eval()
    shifted.load_state_dict(plain.state_dict())
    noisy = torch.rand(1, 3, 64, 64)
    expected = network(noisy)
    assert relative_difference(shifted, noisy, expected) < 1e-5
    assert relative_difference(plain, noisy, expected) > 1e-3


@torch.no_grad()
def test_modulators_are_optional(tmp_path: Path) -> None:
    """As in the first release of the authors."""
    network = published(modulator=False)
    noisy = torch.rand(1, 3, 32, 32)
    model = loaded(network, tmp_path / "net.pth", "state_dict")
    assert relative_difference(model, noisy, network(noisy)) < 1e-5


@pytest.mark.parametrize(
    ("preset", "expected", "modulators", "stated"),
    [
        ("t", 5_291_853, False, 5.23),
        ("s", 20_751_197, False, 20.63),
        ("b", 50_880_946, True, 50.88),
    ],
)
def test_published_sizes(preset: str, expected: int, modulators: bool, stated: float) -> None:
    """As the authors' code makes them. The paper's table counts the modulators for B only."""
    with torch.device("meta"):
        model = create_model("uformer", preset=preset)
        counted = create_model("uformer", preset=preset, modulators=modulators)
    assert parameters(model) == expected
    assert round(parameters(counted) / 1e6, 2) == stated


def test_other_forms_are_refused_with_the_reason(tmp_path: Path) -> None:
    """Plain feed-forward layers, cross attention, full convolutions, other channels."""
    for arguments in ({"token_mlp": "mlp"}, {"cross_modulator": True}):
        with pytest.raises(CheckpointError, match="not of the published networks"):
            loaded(published(**arguments), tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match=r"the shape of '.*dwconv\.0\.weight' is"):
        loaded(published(token_mlp="fastleff"), tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match=r"the shape of 'output_proj\.proj\.0\.weight' is"):
        loaded(published(dd_in=6), tmp_path / "net.pth")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"blocks": [1, 1, 1, 1]}, "'blocks' has 4 numbers; it has an odd count"),
        ({"blocks": []}, "'blocks' must be at least 1, not 0"),
        ({"heads": 3}, "'width' must be a multiple of 3, not 32; the nearest is 33"),
    ],
)
def test_arguments_that_cannot_work_are_refused(arguments: dict[str, object], message: str) -> None:
    """The message names the argument and what is possible."""
    with pytest.raises(ArgumentError, match=message):
        create_model("uformer", **arguments)
