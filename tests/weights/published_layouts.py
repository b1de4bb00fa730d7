"""Networks in the layouts of published checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from torch import Tensor, nn

State = dict[str, Tensor]
Network = Callable[[Tensor, float], Tensor]


def stack(
    *channels: int,
    norm: bool = False,
    biases: tuple[bool, bool, bool] = (True, True, True),
    eps: float = 1e-5,
) -> nn.Sequential:
    """Convolutions, optional normalisations and ReLUs; all numbers affect the result."""
    first, middle, last = biases
    count = len(channels) - 1
    layers: list[nn.Module] = []
    for place, (taken, made) in enumerate(pairwise(channels)):
        bias = first if place == 0 else last if place == count - 1 else middle
        layers.append(nn.Conv2d(taken, made, 3, padding=1, bias=bias))
        if norm and 0 < place < count - 1:
            layers.append(nn.BatchNorm2d(made, eps=eps))
        if place < count - 1:
            layers.append(nn.ReLU())
    network = nn.Sequential(*layers)
    for layer in network:
        if isinstance(layer, nn.BatchNorm2d):
            # A variance as small as this shows whether the right epsilon is used.
            nn.init.uniform_(layer.running_var, 1e-3, 2e-3)  # type: ignore[arg-type]
            nn.init.normal_(layer.running_mean, std=0.1)  # type: ignore[arg-type]
            nn.init.uniform_(layer.weight, 0.1, 0.3)
            nn.init.normal_(layer.bias)
    return network.eval()


def named(network: nn.Module, prefix: str) -> State:
    """A state dict with a prefix."""
    return {f"{prefix}.{key}": value.clone() for key, value in network.state_dict().items()}


def kair_dncnn(channels: int, norm: bool = False) -> tuple[State, Network]:
    net = stack(channels, 8, 8, 8, channels, norm=norm, eps=1e-4)
    return named(net, "model"), lambda noisy, _: noisy - net(noisy)


def saoyan(channels: int) -> tuple[State, Network]:
    net = stack(channels, 8, 8, 8, channels, norm=True, biases=(False, False, False))
    return named(net, "module.dncnn"), lambda noisy, _: noisy - net(noisy)


def deepinv(channels: int) -> tuple[State, Network]:
    net = stack(channels, 8, 8, 8, channels)
    state = named(net[0], "in_conv") | named(net[-1], "out_conv")
    state |= named(nn.ModuleList([net[2], net[4]]), "conv_list")
    return state, lambda noisy, _: net(noisy) + noisy
