"""Convert a network of the GPU recipe to a weights file that restorekit loads.

    python examples/recipes/gpu/finish.py runs/gpu/gaussian.safetensors gaussian.safetensors
    python examples/recipes/gpu/finish.py runs/gpu/photo.safetensors photo.safetensors --blind

`photo` was also trained without the noise level, which was then 0. It becomes optional, or is
removed by `--blind`: the first convolution loses that channel.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import degrade
import safetensors.torch
from learn import TASKS

from restorekit import create_model, save_model


def main() -> None:
    """Read a state and write weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("state", type=Path, help="file named after the task of the network")
    parser.add_argument("target", type=Path)
    parser.add_argument("--blind", action="store_true")
    arguments = parser.parse_args()
    task = TASKS[arguments.state.stem]
    weights = safetensors.torch.load_file(arguments.state)
    if arguments.blind:
        weights["head.weight"] = weights["head.weight"][:, : task.channels].contiguous()
    blind = task.blind or arguments.blind
    optional = task.noise is degrade.photograph and not blind
    model = create_model(
        "swift", channels=task.channels, size=task.size, blind=blind, optional_sigma=optional
    )
    model.load_state_dict(weights)
    save_model(model, arguments.target)


if __name__ == "__main__":
    main()
