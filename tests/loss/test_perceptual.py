"""The perceptual loss: features by hand, and weights from a file."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn

from restorekit.errors import ArgumentError, CheckpointError
from restorekit.loss.perceptual import Perceptual

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, 3, 40, 40, generator=generator), torch.rand(
        2, 3, 40, 40, generator=generator
    )


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 2, 3))


def test_features_of_named_modules_are_compared() -> None:
    """Before the ReLU that works in place; each layer has the same weight."""
    network, (restored, target) = small(), pair()
    loss = Perceptual(network, ["0", "2"])
    inputs = [(each - MEAN) / STD for each in (restored, target)]
    first = [network[0](each) for each in inputs]
    last = [network(each) for each in inputs]
    expected = sum((a - b).abs().mean() for a, b in (first, last)) / 2
    torch.testing.assert_close(loss(restored, target), expected)


def test_the_network_is_not_trained() -> None:
    """The gradient reaches the image only, and batch statistics stay as they are."""
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5))
    before = {k: v.clone() for k, v in network.state_dict().items()}
    loss = Perceptual(network).train()
    restored, target = pair()
    restored.requires_grad_()
    loss(restored, target).backward()
    assert restored.grad is not None
    assert restored.grad.abs().sum() > 0
    assert all(not p.requires_grad and p.grad is None for p in network.parameters())
    assert all(torch.equal(v, network.state_dict()[k]) for k, v in before.items())


def test_weights_are_read_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state dict of torchvision's whole network; there is no connection; gray becomes colour."""
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection"))
    torch.manual_seed(0)
    whole = torchvision.models.alexnet(weights=None)
    torch.save(whole.state_dict(), tmp_path / "alexnet.pth")
    loss = Perceptual(str(tmp_path / "alexnet.pth"), ["3"], "alexnet")
    restored, target = (each.mean(1, keepdim=True) for each in pair())
    features = [whole.features[:4]((each - MEAN) / STD) for each in (restored, target)]
    expected = (features[0] - features[1]).abs().mean()
    torch.testing.assert_close(loss(restored, target), expected)


def test_what_cannot_be_used_is_refused(tmp_path: Path) -> None:
    """A missing file, one of another network, and a module that is not in the network."""
    with pytest.raises(CheckpointError, match=r"does not exist; perceptual downloads no weights"):
        Perceptual(str(tmp_path / "vgg16.pth"))
    torch.save(small().state_dict(), tmp_path / "small.pth")
    with pytest.raises(CheckpointError, match="has no weights of vgg16"):
        Perceptual(str(tmp_path / "small.pth"))
    (tmp_path / "text.pth").write_text("not a checkpoint")
    with pytest.raises(CheckpointError, match="has no weights of vgg16"):
        Perceptual(str(tmp_path / "text.pth"))
    with pytest.raises(ValueError, match="the network has no module '7'; it has: 0, 1, 2"):
        Perceptual(small(), ["7"])
    assert issubclass(ArgumentError, ValueError)
