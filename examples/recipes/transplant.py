"""Start one swift network from the weights of another: gray from colour, blind from conditional.

    python examples/recipes/transplant.py colour.safetensors gray.safetensors --channels 1
    python examples/recipes/transplant.py conditional.safetensors blind.safetensors --blind

Only the first and the last convolution differ. A gray picture is a colour picture of three equal
channels: its first convolution is the sum over the colours, its last their mean. A blind network's
first convolution has no noise level to look at. The result is where a training begins
(`load_weight_path`), not a network to use.
"""

from __future__ import annotations

import argparse

import torch

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
    target = create_model(
        "swift", channels=arguments.channels, size=arguments.size, blind=arguments.blind
    )
    weights = source.state_dict()
    head, tail = weights["head.weight"], weights["tail.weight"]
    colours, level = head[:, : source.channels], head[:, source.channels :]
    if target.channels < source.channels:
        colours, tail = colours.sum(1, keepdim=True), tail.mean(0, keepdim=True)
    head = colours if target.blind else torch.cat((colours, level), 1)
    target.load_state_dict({**weights, "head.weight": head, "tail.weight": tail})
    save_model(target, arguments.target)


if __name__ == "__main__":
    main()
