"""Kills of a run at random moments, each followed by a resume; does the end come out the same?

    python benchmarks/kill_and_resume.py [--kills 50]

A small run (U-Net, moving average, warm-up, accumulation, bfloat16 autocast, two data workers) is
once left alone and once killed with SIGKILL at random moments, again and again, and resumed with
`restorekit train --resume`. Prints how many training states were found damaged, and whether the
final weights, training state and metrics are equal bit for bit.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from restorekit import CheckpointError, load_model
from restorekit.train.checkpoint import PREVIOUS, STATE, read_state

TIMED = ("images_per_second",)


def configuration(folder: Path, run: str, steps: int) -> Path:
    """A run that touches everything that has a state."""
    path = folder / f"{run}.json"
    path.write_text(
        json.dumps(
            {
                "model": {"name": "unet", "width": 8, "depth": 2},
                "noise": "classic_mixture",
                "loss": {"l1": 1.0, "ssim": 0.1},
                "dataset": {"name": "samples", "patch_size": 48, "patches_per_image": 4},
                "device": "cpu",
                "save_weight_path": str(folder / run),
                "train": {
                    "steps": steps,
                    "batch_size": 8,
                    "accumulate": 2,
                    "ema": 0.99,
                    "warmup_steps": 20,
                    "clip_norm": 1.0,
                    "precision": "bfloat16",
                    "num_workers": 2,
                    "checkpoint_every": 5,
                    "validate_every": 100,
                    "log_every": 7,
                },
            }
        )
    )
    return path


def start(config: Path, *more: str) -> subprocess.Popen[bytes]:
    """The run as a process group of its own, so that its workers die with it."""
    command = [sys.executable, "-m", "restorekit", "train", str(config), *more]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def damaged_states(run: Path) -> int:
    """How many of the training states there are cannot be used."""
    count = 0
    for path in (run / STATE, run / PREVIOUS):
        if path.is_file():
            try:
                read_state(path)
            except CheckpointError:
                count += 1
    return count


def same(a: Any, b: Any) -> bool:
    """Equal to the bit, through dicts and lists."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def rows(run: Path) -> list[dict[str, Any]]:
    """The metrics without the speed."""
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in TIMED} for line in lines]


def main() -> None:
    """Run, kill, resume, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.monotonic()
        if start(configuration(folder, "whole", arguments.steps)).wait():
            sys.exit("the run that is left alone did not end well")
        alone = time.monotonic() - began
        config, run = configuration(folder, "killed", arguments.steps), folder / "killed"
        kills = damaged = 0
        while kills < arguments.kills:
            process = start(config, "--resume")
            # Mostly within the run, sometimes while it starts.
            time.sleep(chance.uniform(2, 7))
            if process.poll() is not None:
                break  # came to its end before the last kill
            process.kill()
            process.wait()
            kills += 1
            damaged += damaged_states(run)
        code = start(config, "--resume").wait()
        whole, killed = (load_model(p / "last.safetensors") for p in (folder / "whole", run))
        print(
            f"alone {alone:.0f} s; {kills} kills, {damaged} damaged states, last exit code {code}"
        )
        print(f"weights equal: {same(whole.state_dict(), killed.state_dict())}")
        states = [read_state(p / STATE) for p in (folder / "whole", run)]
        print(f"training state equal: {same(*states)}")
        print(f"metrics equal: {rows(folder / 'whole') == rows(run)} ({len(rows(run))} rows)")


if __name__ == "__main__":
    main()
