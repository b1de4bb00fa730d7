"""Start one swift network from the weights of another: larger, gray from colour, blind.

    python examples/recipes/transplant.py medium.safetensors large.safetensors --size large
    python examples/recipes/transplant.py colour.safetensors gray.safetensors --channels 1
    python examples/recipes/transplant.py conditional.safetensors blind.safetensors --blind

A larger size has more blocks of the same widths: those that are added answer nothing at first, so
that the network restores as before. Gray and blind differ in the first and the last convolution
alone. A gray picture is a colour picture of three equal channels: its first convolution is the sum
over the colours, its last their mean. A blind network's first convolution has no noise level to
look at, so that this is where a training begins (`load_weight_path`), not a network to use.
"""

from __future__ import annotations

import argparse

import torch
from torch import nn

from restorekit import create_model, load_model, save_model


def main() -> None:
    """Read weights, write weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--channels", type=int, choices=(1, 3), default=3)
    parser.add_argument("--blind", action="store_true")
    parser.add_argument("--size", default="medium")
    arguments = parser.parse_args()
    source = load_model(arguments.source)
    torch.manual_seed(0)
    target = create_model(
        "swift", channels=arguments.channels, size=arguments.size, blind=arguments.blind
    )
    weights = {**added_blocks(target, source), **source.state_dict()}
    head, tail = weights["head.weight"], weights["tail.weight"]
    colours, level = head[:, : source.channels], head[:, source.channels :]
    if target.channels < source.channels:
        colours, tail = colours.sum(1, keepdim=True), tail.mean(0, keepdim=True)
    head = colours if target.blind else torch.cat((colours, level), 1)
    target.load_state_dict({**weights, "head.weight": head, "tail.weight": tail})
    save_model(target, arguments.target)


def added_blocks(target: nn.Module, source: nn.Module) -> dict[str, torch.Tensor]:
    """The weights that only the target has, such that its additional blocks add nothing."""
    known = source.state_dict()
    return {
        name: torch.zeros_like(weight) if name.endswith("second.weight") else weight
        for name, weight in target.state_dict().items()
        if name not in known
    }


if __name__ == "__main__":
    main()
