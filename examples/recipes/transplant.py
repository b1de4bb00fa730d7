"""Initialise a swift network from the weights of another: a larger, a gray or a blind one.

    python examples/recipes/transplant.py medium.safetensors large.safetensors --size large
    python examples/recipes/transplant.py colour.safetensors gray.safetensors --channels 1
    python examples/recipes/transplant.py conditional.safetensors blind.safetensors --blind

A larger size has more blocks of the same widths. The additional blocks return zero at first, so the
result is the same as before. Gray and blind networks differ only in the first and the last
convolution. A gray picture is treated as a colour picture with three equal channels: the first
convolution is summed over the colours, and the last one is averaged. The first convolution of a
blind network has no input for the noise level. The blind network has to be trained further
(`load_weight_path`) before it can be used.
"""

from __future__ import annotations

import argparse

import torch
from torch import nn

from restorekit import create_model, load_model, save_model


def main() -> None:
    """Read weights, convert and write them."""
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
    if arguments.channels < colours.shape[1]:
        colours, tail = colours.sum(1, keepdim=True), tail.mean(0, keepdim=True)
    head = colours if target.blind else torch.cat((colours, level), 1)
    target.load_state_dict({**weights, "head.weight": head, "tail.weight": tail})
    save_model(target, arguments.target)


def added_blocks(target: nn.Module, source: nn.Module) -> dict[str, torch.Tensor]:
    """Return the weights that only the target has, so that its additional blocks return zero."""
    known = source.state_dict()
    return {
        name: torch.zeros_like(weight) if name.endswith("second.weight") else weight
        for name, weight in target.state_dict().items()
        if name not in known
    }


if __name__ == "__main__":
    main()
