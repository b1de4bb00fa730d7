"""Kill a run at random moments, resume it each time, and compare the results.

    python benchmarks/kill_and_resume.py [--kills 50]

A small run (U-Net, moving average, warm-up, accumulation, bfloat16 autocast, two data workers) is
executed once without interruption. It is then repeated with a SIGKILL at random moments, each
followed by `restorekit train --resume`. Prints how many training states were damaged, and whether
the final weights, training state and metrics are equal bit for bit.
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
    """Return a configuration that uses everything that has a state."""
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
    """Start the run in its own process group, so that its workers are killed with it."""
    command = [sys.executable, "-m", "restorekit", "train", str(config), *more]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def damaged_states(run: Path) -> int:
    """Count the training states that cannot be used."""
    count = 0
    for path in (run / STATE, run / PREVIOUS):
        if path.is_file():
            try:
                read_state(path)
            except CheckpointError:
                count += 1
    return count


def same(a: Any, b: Any) -> bool:
    """Compare bit for bit, also within dicts and lists."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def rows(run: Path) -> list[dict[str, Any]]:
    """Return the metrics without the speed."""
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in TIMED} for line in lines]


def main() -> None:
    """Run, kill, resume and compare."""
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
            # Usually during the run, sometimes while it starts.
            time.sleep(chance.uniform(2, 7))
            if process.poll() is not None:
                break  # finished before the last kill
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
