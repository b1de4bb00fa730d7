"""Strange configurations: through the checks, and through a run of one step where they pass."""

from __future__ import annotations

import json
import os
from pathlib import Path
from random import Random
from typing import Any

from restorekit import TrainConfig
from restorekit.config import TrainSettings
from restorekit.errors import ConfigError
from restorekit.registry import datasets, losses, models, noises
from tests.fuzz.cases import Broken
from tests.fuzz.command import call, command
from tests.fuzz.corpus import corpus
from tests.fuzz.jsonish import mutated_json

_CONFIG: dict[str, Any] = {
    "model": {"name": "dncnn", "depth": 2, "width": 4, "channels": 3},
    "dataset": {"name": "folder", "path": "pictures", "patch_size": 16, "patches_per_image": 1},
    "noise": {"name": "gaussian", "std": [0.05, 0.1]},
    "loss": [{"name": "l1", "weight": 1.0}],
    "device": "cpu",
    "save_weight_path": "run",
    "train": {
        "steps": 1, "batch_size": 1, "learning_rate": 1e-3, "validation_images": 1,
        "max_minutes": 0.02, "optimizer": {"name": "adamw"}, "betas": [0.9, 0.99], "seed": 0,
    },
}  # fmt: skip
_MODELS: tuple[dict[str, Any], ...] = (
    {"name": "unet", "width": 2, "depth": 1},
    {"name": "swift"},
    {"name": "ffdnet", "depth": 3, "width": 4},
    {"name": "vae"},
    {"name": "median"},
)
_NOISES: tuple[Any, ...] = (
    "classic_mixture",
    {"name": "one_of", "noises": ["gaussian", {"name": "uniform", "amplitude": 0.1}]},
    {
        "name": "chain",
        "noises": [{"name": "gaussian", "std": 0.1}, {"name": "salt_and_pepper", "amount": 0.1}],
    },
    "camera",
    "jpeg",
)
_OVERRIDES = (
    "train.steps=2",
    "model.depth=3",
    "loss.l1=2",
    "noise=uniform",
    "x",
    "=1",
    "a.b.c=1",
    "train=1",
    "loss.x.y={}",
)
# What takes minutes when it is right, or starts so many processes that the machine stops.
_TOO_MUCH = ("compile", "num_workers", "tensorboard")


def attack(random: Random, home: Path) -> str:
    """One configuration: checked, or trained on."""
    _data(home)
    path = home / "config.json"
    path.write_bytes(strange_config(random))
    kept = os.getcwd()
    os.chdir(home)
    try:
        return _checked(path) if random.random() < 0.4 else _trained(random)
    finally:
        os.chdir(kept)


def strange_config(random: Random) -> bytes:
    """The text of a configuration after a few mutations."""
    whole = json.loads(json.dumps(_CONFIG))
    if random.random() < 0.4:
        whole["model"] = random.choice(_MODELS)
    if random.random() < 0.4:
        whole["noise"] = random.choice(_NOISES)
    if random.random() < 0.2:
        whole["loss"] = {"l1": 1, "ssim": {"weight": 0.1, "window_size": 3}}
    if random.random() < 0.1:
        whole = {
            "network": "unet",
            "dataset": {"name": "folder", "path": "pictures"},
            "b1": 0.5,
            "num_epochs": 1,
            "batch_size": 1,
        }
    words = [
        *TrainConfig.model_fields,
        *TrainSettings.model_fields,
        "SparseAdam",
        "LBFGS",
        "sgd",
        "weights",
    ]
    words += [*models.names(), *noises.names(), *losses.names(), *datasets.names()]
    return mutated_json(whole, random, [word for word in words if word not in _TOO_MUCH])


def _data(home: Path) -> None:
    folder = home / "pictures"
    folder.mkdir()
    for number, name in enumerate(("png-2-8.png", "png-0-8.png", "jpeg-large.jpg")):
        (folder / f"{number}{Path(name).suffix}").write_bytes(corpus()[name])


def _checked(path: Path) -> str:
    result = call(TrainConfig.from_file, path)
    if isinstance(result, TrainConfig):
        json.dumps(result.to_dict())
        return "done"
    if not isinstance(result, ConfigError) or any("\n" in problem for problem in result.problems):
        raise Broken(f"refused with {result!r:.300}")
    return "refused"


def _trained(random: Random) -> str:
    words = [
        word
        for _ in range(random.choice([0, 0, 0, 1, 2]))
        for word in ("-s", random.choice(_OVERRIDES))
    ]
    said = command("train", "config.json", *words, codes=(0, 2, 3))
    return said.outcome
