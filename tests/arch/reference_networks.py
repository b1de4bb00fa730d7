"""What the comparisons with networks of other libraries share."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from restorekit import load_model
from restorekit.records import as_restoration


@torch.no_grad()
def randomise(network: nn.Module) -> nn.Module:
    """Draw all weights so that each affects the output, which keeps the scale of the input."""
    for parameter in network.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
        else:  # biases, and the weights of normalisations
            nn.init.uniform_(parameter, 0.2, 0.8)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.running_mean, std=0.1)  # type: ignore[arg-type]
            nn.init.uniform_(layer.running_var, 0.5, 1.5)  # type: ignore[arg-type]
    return network.eval()


def loaded(network: nn.Module, path: Path, wrapper: str = "params") -> nn.Module:
    """Our network, made from a published checkpoint: the state dict of another one in a file."""
    torch.save({wrapper: network.state_dict()}, path)
    return load_model(path)


@torch.no_grad()
def relative_difference(model: nn.Module, noisy: Tensor, expected: Tensor) -> float:
    """The largest difference between the output of a model and the expected one, of its range."""
    span = float(expected.max() - expected.min())
    restored = as_restoration(model(noisy)).image
    return float((restored - expected).abs().max()) / span


def parameters(network: nn.Module) -> int:
    """The number of trained numbers of a network."""
    return sum(parameter.numel() for parameter in network.parameters())
