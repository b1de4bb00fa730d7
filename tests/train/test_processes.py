"""A run in several processes equals one in a single process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from restorekit import ConfigError, load_model
from restorekit.distributed import Launch
from restorekit.train.checkpoint import read_state
from restorekit.train.processes import Processes

BATCH = 6


@given(batch=st.integers(1, 40), world=st.integers(1, 12))
def test_every_place_belongs_to_one_process(batch: int, world: int) -> None:
    """The places of all processes form the global batch, in order."""
    processes = [Processes(Launch(rank, world), torch.device("cpu")) for rank in range(world)]
    if batch < world:
        with pytest.raises(ConfigError, match="less than the"):
            processes[0].places(batch)
    else:
        assert [place for p in processes for place in p.places(batch)] == list(range(batch))


def write_run(folder: Path, **train: Any) -> Path:
    """A configuration with six pictures to train on and three others to validate on."""
    pictures, held_out = folder / "pictures", folder / "held_out"
    generator = torch.Generator().manual_seed(0)
    for index in range(9):
        path = (pictures if index < 6 else held_out) / f"{index}.png"
        path.parent.mkdir(exist_ok=True)
        small = torch.randint(0, 256, (5, 5, 3), dtype=torch.uint8, generator=generator).numpy()
        Image.fromarray(small).resize((48, 40)).save(path)
    config = {
        "model": {"name": "unet", "width": 4, "depth": 1},
        "noise": "classic_mixture",
        "loss": {"l1": 1.0, "total_variation": 0.01},
        "dataset": {"name": "folder", "path": str(pictures), "patch_size": 24},
        "validation_dataset": {"name": "folder", "path": str(held_out), "patch_size": 16},
        "device": "cpu",
        "train": {
            "steps": 12,
            "batch_size": BATCH,
            "precision": "float32",
            "log_every": 4,
            "validate_every": 6,
            "ema": 0.9,
            "clip_norm": 0.05,
            "accumulate": 2,
            **train,
        },
    }
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return path


def launch(world: int, config: Path, run: Path, *more: str) -> subprocess.Popen[str]:
    """`restorekit train`, alone or under torchrun."""
    prefix = [sys.executable, "-m"]
    if world > 1:
        prefix += ["torch.distributed.run", "--standalone", "--nproc-per-node", str(world), "-m"]
    return start(
        [*prefix, "restorekit", "train", str(config), "-s", f"save_weight_path={run}", *more]
    )


def start(command: list[str]) -> subprocess.Popen[str]:
    """A command whose processes have one thread each."""
    quiet = {"OMP_NUM_THREADS": "1", "TORCH_CPP_LOG_LEVEL": "ERROR"}
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **quiet},
    )


def finish(process: subprocess.Popen[str]) -> str:
    """The output of a process that succeeds."""
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output
    return output


def largest_difference(a: Path, b: Path, name: str = "last") -> float:
    first, second = (load_model(p / f"{name}.safetensors").state_dict() for p in (a, b))
    return max(float((first[k] - second[k]).abs().max()) for k in first)


def metrics(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    """The same global batch gives the same weights and metrics, whoever computes them.

    Stopped after a step and resumed with another number of processes, too; with the same number,
    the end is the same to the bit.
    """
    config = write_run(tmp_path)
    finish(launch(1, config, tmp_path / "one"))
    output = finish(launch(2, config, tmp_path / "two"))
    assert largest_difference(tmp_path / "one", tmp_path / "two") < 1e-6
    one, two = metrics(tmp_path / "one"), metrics(tmp_path / "two")
    assert [row["step"] for row in one] == [row["step"] for row in two]
    for first, second in zip(one, two, strict=True):
        assert second["loss"] == pytest.approx(first["loss"], abs=1e-5)
        assert second.get("psnr") == pytest.approx(first.get("psnr"), abs=1e-3)
    assert output.count("weights:") == 1  # one process speaks

    for before, after in ((1, 2), (2, 1), (2, 2)):
        run = tmp_path / f"from{before}to{after}"
        finish(launch(before, config, run, "-s", "train.max_minutes=1e-6"))
        finish(launch(after, config, run, "--resume"))
        assert largest_difference(tmp_path / "one", run) < 1e-6
    assert largest_difference(tmp_path / "two", tmp_path / "from2to2") == 0


def test_two_processes_train_on_real_noise_as_one(tmp_path: Path) -> None:
    """A mixture of clean pictures and of pairs gives the same weights and metrics."""
    config = write_run(tmp_path)
    data = json.loads(config.read_text())
    for role in ("training", "validation"):
        source = tmp_path / ("pictures" if role == "training" else "held_out")
        for number, path in enumerate(sorted(source.iterdir())):
            with Image.open(path) as image:
                for kind, add in (("gt", 0), ("noisy", 20)):
                    place = tmp_path / role / kind / f"{number}.png"
                    place.parent.mkdir(parents=True, exist_ok=True)
                    image.transpose(Image.Transpose.ROTATE_180).point(
                        lambda level, add=add: min(level + add, 255)
                    ).save(place)
    pairs = [
        {"name": "pairs", "path": str(tmp_path / role), "patch_size": side}
        for role, side in (("training", 24), ("validation", 16))
    ]
    data["dataset"] = {"name": "mixture", "datasets": [data["dataset"], pairs[0]]}
    data["validation_dataset"] = {"clean": data["validation_dataset"], "real": pairs[1]}
    config.write_text(json.dumps(data))
    finish(launch(1, config, tmp_path / "one"))
    finish(launch(2, config, tmp_path / "two"))
    assert largest_difference(tmp_path / "one", tmp_path / "two") < 1e-6
    one, two = (metrics(tmp_path / run)[-1] for run in ("one", "two"))
    assert "real/real noise" in one["conditions"]
    for name, row in one["conditions"].items():
        assert two["conditions"][name]["psnr"] == pytest.approx(row["psnr"], abs=1e-3)


def test_split_weights_train_as_whole_ones(tmp_path: Path) -> None:
    """FSDP is a key of the configuration: the same weights, saved whole, stopped and resumed too.

    Five images in two processes, in two parts, and one to validate on: the processes have unequal
    work, and must still make the same calls.
    """
    config = write_run(tmp_path, batch_size=5, validation_images=1)
    split = ("-s", "train.strategy=fsdp")
    finish(launch(1, config, tmp_path / "one"))
    finish(launch(2, config, tmp_path / "split", *split, "-s", "train.max_minutes=1e-6"))
    finish(launch(2, config, tmp_path / "split", *split, "--resume"))
    assert largest_difference(tmp_path / "one", tmp_path / "split") < 1e-6
    assert largest_difference(tmp_path / "one", tmp_path / "split", "best") < 1e-6


# Trains with objectives that compute a risk of their own in several passes.
RISKS = """
import sys
import torch
from restorekit import Trainer

IMAGES = torch.rand(8, 3, 16, 16, generator=torch.Generator().manual_seed(0))
for objective in ("unsure", "blind2unblind"):
    for strategy in sys.argv[2:]:
        Trainer(
            model={"name": "unet", "width": 4, "depth": 1},
            noise={"name": "gaussian", "std": 0.1},
            objective=objective,
            loss="mse",
            dataset=list(IMAGES),
            save_weight_path=f"{sys.argv[1]}/{objective}-{strategy}",
            steps=3,
            batch_size=5,
            accumulate=2,
            optimizer={"name": "sgd", "lr": 0.1},
            validation_split=0,
            device="cpu",
            precision="float32",
            strategy=strategy,
        ).fit()
"""


def test_risks_of_objectives_in_two_processes(tmp_path: Path) -> None:
    """Several forward passes in a step give the same weights, whether these are split or not."""
    (tmp_path / "risks.py").write_text(RISKS)
    prefix = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    for run, prepended, strategies in (("one", [], ["ddp"]), ("two", prefix, ["ddp", "fsdp"])):
        command = [*prepended, str(tmp_path / "risks.py"), str(tmp_path / run), *strategies]
        finish(start([sys.executable, *(["-m"] if prepended else []), *command]))
    for split in (tmp_path / "two").iterdir():
        one = tmp_path / "one" / f"{split.name.partition('-')[0]}-ddp"
        assert largest_difference(one, split) < 1e-6
    assert len(list((tmp_path / "two").iterdir())) == 4


def test_processes_without_an_image_to_validate_do_not_wait(tmp_path: Path) -> None:
    """Running statistics are exchanged in training only."""
    config = write_run(tmp_path, steps=2, validate_every=1, validation_images=1)
    model = 'model={"name": "dncnn", "depth": 3, "width": 4}'
    finish(launch(2, config, tmp_path / "run", "-s", model))
    assert len(metrics(tmp_path / "run")) > 1


def test_all_processes_stop_at_the_same_step(tmp_path: Path) -> None:
    """A SIGTERM to the launcher also reaches the data workers; one state is still saved."""
    config = write_run(tmp_path, steps=100000, log_every=1, validate_every=100000, num_workers=1)
    process = launch(2, config, tmp_path / "run")
    for _ in range(600):
        if (tmp_path / "run" / "metrics.jsonl").is_file() and len(metrics(tmp_path / "run")) > 3:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=120)
    assert process.returncode != 0, output
    stopped = metrics(tmp_path / "run")[-1]["step"]
    assert read_state(tmp_path / "run" / "training_state.pt")["step"] == stopped
    more = ["--resume", "-s", f"train.steps={stopped + 2}"]
    finish(launch(2, config, tmp_path / "run", *more))
    assert metrics(tmp_path / "run")[-1]["step"] == stopped + 2
