"""Conversion of configurations of the system that restorekit grew out of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KEYS = {
    "datset": "dataset",
    "load_weigth_path": "load_weight_path",
    "save_weigth_path": "save_weight_path",
}
_TRAIN_KEYS = {
    "epoches": "epochs",
    "batch_size": "batch_size",
    "learning_rate": "learning_rate",
    "num_workers": "num_workers",
    "weight_decay": "weight_decay",
    "weigth_decay": "weight_decay",
    "train_size": "training_images",
}
# For old learning rates, which are high for a network without warm-up.
_GENTLE = {"warmup_steps": 300, "clip_norm": 0.1}
_BETAS = {"b1": 0, "b2": 1}
_DOWNLOADED = ("stl10", "cifar100")
_LOSSES = {
    "lambda_reconstruction": "l1",
    "lambda_ssim": "ssim",
    "lambda_total_variation": "total_variation",
    "lambda_kl": "kl_divergence",
}
_NAMES = {
    "model": {"u-net": "unet", "vae": "vae"},
    "dataset": {"stl10": "stl10", "cifar100": "cifar100"},
}


def update_old_spellings(old: Mapping[str, object]) -> tuple[dict[str, object], list[str]]:
    """A configuration in the current spelling, and a line for each spelling that was replaced.

    Keys that are not old are passed on as they are; a key given in both spellings keeps the new.
    """
    new: dict[str, object] = {k: v for k, v in old.items() if k not in _all_old_keys()}
    notes: list[str] = []
    moved: dict[str, object] = {}
    for key, value in old.items():
        if key == "mode":
            notes.append(f"'mode' is not needed: the command says what to do, not {value!r}")
        elif key in _KEYS:
            notes.append(f"'{key}' is now '{_KEYS[key]}'")
            new.setdefault(_KEYS[key], value)
        elif key in _TRAIN_KEYS:
            notes.append(f"'{key}' is now 'train.{_TRAIN_KEYS[key]}'")
            moved.setdefault(_TRAIN_KEYS[key], value)
        elif key in _BETAS:
            notes.append(f"'{key}' is now 'train.betas[{_BETAS[key]}]'")
    if _BETAS.keys() & old.keys():
        moved |= {"optimizer": "adam", "betas": [old.get("b1", 0.9), old.get("b2", 0.999)]}
    # The old key was a fraction or a number.
    if isinstance(share := moved.get("training_images"), float) and share < 1:
        moved |= {"training_images": None, "validation_split": 1 - share}
    if moved:
        given = _section(new.get("train"))
        # Only one of the two lengths is allowed.
        if "steps" in given:
            moved.pop("epochs", None)
        # The old loop had a constant rate; 0.01 without warm-up kills the ReLUs of a U-Net.
        new["train"] = {"schedule": "constant", **_GENTLE, **moved, **given}
    _rename_components(new, notes)
    _collect_losses(old, new, notes)
    if notes:
        _download(new, notes)
    for path in ("save_weight_path", "load_weight_path"):
        if path in new and not new[path]:
            del new[path]  # null meant the default
    return new, notes


def teacher_as_objective(data: Mapping[str, object]) -> tuple[dict[str, object], str]:
    """A configuration whose `train.teacher` has become the objective, and a line about it."""
    train = data.get("train")
    if not isinstance(train, Mapping) or "teacher" not in train:
        return dict(data), ""
    kept = {**data, "train": {key: value for key, value in train.items() if key != "teacher"}}
    if train["teacher"] is None:
        return kept, ""
    kept["objective"] = distillation_of(train["teacher"], data.get("objective", "supervised"))
    return kept, "'train.teacher' is now the objective 'distillation'"


def distillation_of(teacher: object, objective: object) -> dict[str, object]:
    """The objective that a former `train.teacher`, {"weights": ...} or weights, stands for."""
    given = dict(teacher) if isinstance(teacher, Mapping) else {"weights": teacher}
    if "weights" in given:
        given["teacher"] = given.pop("weights")
    return {**given, "name": "distillation", "objective": objective}


def _download(new: dict[str, object], notes: list[str]) -> None:
    """The old system downloaded its data by default."""
    value = new.get("dataset")
    given = {"name": value} if isinstance(value, str) else _section(value)
    if given.get("name") in _DOWNLOADED and "download" not in given:
        new["dataset"] = {**given, "download": True}
        notes.append(f"dataset '{given['name']}' is fetched where it is missing: download=true")


def _all_old_keys() -> set[str]:
    return {"mode", *_KEYS, *_TRAIN_KEYS, *_BETAS, *_LOSSES}


def _rename_components(new: dict[str, object], notes: list[str]) -> None:
    for key, names in _NAMES.items():
        value = new.get(key)
        name = value.get("name") if isinstance(value, dict) else value
        today = names.get(name.lower()) if isinstance(name, str) else None
        if today is not None and today != name:
            notes.append(f"{key} '{name}' is now '{today}'")
            new[key] = {**value, "name": today} if isinstance(value, dict) else today


def _collect_losses(old: Mapping[str, Any], new: dict[str, Any], notes: list[str]) -> None:
    weights = {_LOSSES[key]: old[key] for key in _LOSSES if key in old}
    notes.extend(f"'{key}' is now 'loss.{_LOSSES[key]}'" for key in _LOSSES if key in old)
    model = new.get("model")
    if (model.get("name") if isinstance(model, dict) else model) != "vae":
        weights.pop("kl_divergence", None)  # the old system used it for the VAE only
    if weights and isinstance(new.get("loss", {}), dict):
        new["loss"] = weights | new.get("loss", {})


def _section(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
