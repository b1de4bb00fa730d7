"""The properties of DnCNN."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from restorekit import create_model, load_model, save_model
from restorekit.arch.dncnn import DnCNN, fold_batch_norm
from restorekit.errors import ArgumentError


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


def count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_gray_network_has_the_published_size() -> None:
    """The 17-layer gray network has the 556,032 parameters that are published for it."""
    assert count(DnCNN(channels=1)) == 556_032


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("depth", [2, 5, 20])
@pytest.mark.parametrize("width", [8, 64])
def test_size_follows_the_formula(channels: int, depth: int, width: int) -> None:
    """Weights, and a scale and shift per normalised channel, or else a bias per channel."""
    weights = 9 * width * (2 * channels + (depth - 2) * width)
    normalised = 2 * width * (depth - 2)
    biases = width * (depth - 1) + channels
    assert count(DnCNN(channels, depth, width)) == weights + normalised
    assert count(DnCNN(channels, depth, width, batch_norm=False)) == weights + biases


@pytest.mark.parametrize("depth", [2, 3, 6])
def test_receptive_field(depth: int) -> None:
    """The gradient of one output pixel covers a square of 2 * depth + 1, and no more."""
    model = DnCNN(channels=1, depth=depth, width=8).double().eval()
    noisy = torch.rand(1, 1, 31, 31).double().requires_grad_()
    model(noisy)[0, 0, 15, 15].backward()
    assert noisy.grad is not None
    reached = noisy.grad[0, 0] != 0
    inside = slice(15 - depth, 16 + depth)
    for axis in (0, 1):
        seen = reached.any(dim=axis)
        assert seen.sum().item() == 2 * depth + 1
        assert bool(seen[inside].all())


@pytest.mark.parametrize("batch_norm", [True, False])
def test_layers_are_one_flat_sequence(batch_norm: bool) -> None:
    """Convolution, normalisation where asked for, ReLU, in the paper's order."""
    layers = DnCNN(depth=4, batch_norm=batch_norm).layers
    hidden = [nn.Conv2d, *([nn.BatchNorm2d] if batch_norm else []), nn.ReLU]
    expected = [nn.Conv2d, nn.ReLU, *hidden, *hidden, nn.Conv2d]
    assert [type(layer) for layer in layers] == expected


@torch.no_grad()
def test_predicts_the_noise() -> None:
    """The image is the input minus the output of the layers."""
    model, noisy = DnCNN(depth=4, width=8).eval(), torch.rand(1, 3, 9, 9)
    torch.testing.assert_close(model(noisy) + model.layers(noisy), noisy)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_overfits_one_noisy_image(batch_norm: bool) -> None:
    """In a few steps the error on one image falls to a fifth of its noise."""
    coarse = torch.rand(1, 1, 5, 5, generator=torch.Generator().manual_seed(3))
    clean = functional.interpolate(coarse, size=32, mode="bicubic").clamp(0, 1)
    noisy = clean + 25 / 255 * torch.randn(clean.shape)
    model = DnCNN(channels=1, depth=6, width=16, batch_norm=batch_norm)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(150):
        loss = functional.mse_loss(model(noisy), clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < functional.mse_loss(noisy, clean).item() / 5


@torch.no_grad()
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_starts_close_to_the_identity(batch_norm: bool, training: bool) -> None:
    """Untrained, the network changes an image by less than noise of 25/255 does."""
    noisy = torch.rand(2, 3, 32, 32)
    change = DnCNN(batch_norm=batch_norm).train(training)(noisy) - noisy
    assert 0 < change.square().mean().sqrt() < 25 / 255


@torch.no_grad()
def test_hidden_layers_keep_the_scale() -> None:
    """As He et al. derive, the signal neither vanishes nor explodes through 20 layers."""
    layers = DnCNN(depth=20, batch_norm=False).layers
    first, last = layers[:2](torch.rand(2, 3, 32, 32)), layers[:-1](torch.rand(2, 3, 32, 32))
    ratio = last.square().mean() / first.square().mean()
    assert 0.1 < ratio < 10


@torch.no_grad()
def test_is_blind() -> None:
    """Sigma is accepted and changes nothing."""
    model, noisy = DnCNN(depth=3, width=4).eval(), torch.rand(1, 3, 12, 12)
    assert torch.equal(model(noisy, sigma=torch.tensor(0.5)), model(noisy))


@pytest.mark.parametrize(("argument", "minimum"), [("channels", 1), ("width", 1), ("depth", 2)])
def test_arguments_below_their_minimum_are_refused(argument: str, minimum: int) -> None:
    """The message names the argument and its minimum."""
    with pytest.raises(ArgumentError, match=f"'{argument}' must be at least {minimum}"):
        create_model("dncnn", **{argument: minimum - 1})


def trained(depth: int = 5) -> nn.Module:
    """A network whose normalisation has seen data."""
    model = create_model("dncnn", channels=1, depth=depth, width=8)
    for layer in model.layers:
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 2)
            nn.init.normal_(layer.bias)
    for _ in range(5):
        model(2 * torch.rand(4, 1, 16, 16))
    return model


@torch.no_grad()
def test_folded_batch_norm_gives_the_same_image() -> None:
    """To 1e-5. The original network is unchanged, also in training mode."""
    model, noisy = trained(), torch.rand(2, 1, 19, 24)
    folded = fold_batch_norm(model)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in folded.layers)
    assert model.training
    torch.testing.assert_close(folded(noisy), model.eval()(noisy), rtol=0, atol=1e-5)
    assert fold_batch_norm(folded) is folded


@torch.no_grad()
def test_a_folded_network_is_saved_by_name(tmp_path: Path) -> None:
    """Its card describes a network without normalisation."""
    folded = fold_batch_norm(trained())
    save_model(folded, tmp_path / "folded.safetensors")
    loaded, noisy = load_model(tmp_path / "folded.safetensors"), torch.rand(1, 1, 9, 9)
    assert torch.equal(loaded(noisy), folded(noisy))
