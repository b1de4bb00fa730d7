"""Strange configurations: through the checks, and through a run of one step where they pass."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from restorekit import TrainConfig
from restorekit.components import signatures
from restorekit.components.kinds import datasets, losses, models, noises
from restorekit.config.component_specs import ComponentSpec
from restorekit.config.train_settings import TrainSettings
from restorekit.errors import ConfigError
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
    {"name": "swift", "preset": "tiny"},
    {"name": "ffdnet", "depth": 3, "width": 4},
    {"name": "vae", "preset": "tiny"},
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
_OLD: dict[str, Any] = {
    "mode": "train", "model": "U-Net", "datset": {"name": "folder", "path": "pictures"},
    "epoches": 1, "batch_size": 1, "learning_rate": 0.01, "b1": 0.5, "train_size": 0.5,
    "lambda_reconstruction": 1, "lambda_ssim": 0.5, "save_weigth_path": "run",
    "train": {"max_minutes": 0.02, "validation_images": 1},
}  # fmt: skip
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
# What takes minutes, or the network, when it is right.
_TOO_MUCH = ("compile", "tensorboard", "download", "max_minutes", "samples")
_NO_NUMBER = ("optimizer", "teacher")
_SLOTS = {"model": models, "noise": noises, "dataset": datasets}


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
        whole = json.loads(json.dumps(_OLD))
    if random.random() < 0.5:
        return json.dumps(_typed(whole, random)).encode()
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


def _typed(whole: dict[str, Any], random: Random) -> dict[str, Any]:
    """Every argument of its type, but some at their extremes, and components drawn at random."""
    for slot, registry in _SLOTS.items():
        if random.random() < 0.3:
            name = random.choice([name for name in registry.names() if name not in _TOO_MUCH])
            whole[slot] = {"name": name, **_arguments(registry.get(name), random)}
    if random.random() < 0.3:
        terms = random.sample(losses.names(), 2)
        whole["loss"] = [{"name": n, **_arguments(losses.get(n), random)} for n in terms]
    settings = whole.setdefault("train", {})
    for name, field in TrainSettings.model_fields.items():
        if name not in (*_TOO_MUCH, *_NO_NUMBER) and random.random() < 0.06:
            settings[name] = _like(field.default, random)
    if random.random() < 0.1:
        settings["optimizer"] = random.choice(["SparseAdam", "LBFGS", "sgd", "rprop", "muon"])
    return whole


def _arguments(target: Callable[..., Any], random: Random) -> dict[str, Any]:
    """A few of a component's arguments, each like its default or its type."""
    given: dict[str, Any] = {}
    for argument in signatures.arguments(target):
        if argument.name == "path":
            given["path"] = "pictures"
        elif "noises" in argument.name:
            given[argument.name] = ["gaussian", {"name": "uniform", "amplitude": 0.1}]
        elif argument.name not in _TOO_MUCH and (argument.required or random.random() < 0.3):
            is_number = argument.default is None and "int" in argument.type
            given[argument.name] = _like(1 if is_number else argument.default, random)
    return given


def _like(default: Any, random: Random) -> Any:
    """A value of the default's type: usual, small, or far too large."""
    if isinstance(default, ComponentSpec):
        return random.choice([default.name, "cosine", "nothing", {"name": default.name}])
    if isinstance(default, bool):
        return not default
    if isinstance(default, int):
        return random.choice([default, 0, 1, 2, 3, 8, 10**5, 10**6, 10**9, 2**63, 10**30])
    if isinstance(default, float) or default is None:
        return random.choice([default, 0.0, 1e-9, 0.5, 1.0, 1e6, 1e300])
    if isinstance(default, (list, tuple)):
        return [_like(each, random) for each in default]
    return default


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
