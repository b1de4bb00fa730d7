"""The configuration of a training run: typed, checked at once, from `config.json` or Python."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from restorekit import legacy, signature
from restorekit.devices import resolve_device
from restorekit.errors import (
    ConfigError,
    OldSpellingWarning,
    RestoreKitError,
    did_you_mean,
)
from restorekit.expression import read_value
from restorekit.optimizers import optimizer_class
from restorekit.registry import Registry, datasets, losses, models, noises
from restorekit.spec import (
    Component,
    LossTerm,
    LossTerms,
    PathText,
    Section,
    Spec,
    as_named,
    as_terms,
)


def settings_from(given: Mapping[str, Any]) -> TrainSettings:
    """The `train` section from a mapping.

    Raises:
        ConfigError: with every fault found, a line each.
    """
    try:
        return TrainSettings.model_validate(dict(given))
    except ValidationError as error:
        problems = [_problem({**d, "loc": ("train", *d["loc"])}) for d in error.errors()]
        raise ConfigError(problems) from error


class TeacherSettings(Section):
    """Whose answers are learnt beside the clean images, and how much they count."""

    weights: PathText = Field(
        description="The teacher: a name, a file or a run's folder.", min_length=1
    )
    share: float = Field(
        0.75, gt=0, le=1, description="Its part of the target; the clean image has the rest."
    )
    views: int = Field(
        1, ge=1, le=8, description="Flips and turns that it is asked in at each step, of eight."
    )

    @model_validator(mode="before")
    @classmethod
    def _named(cls, data: Any) -> Any:
        return {"weights": data} if isinstance(data, str) else data


class TrainSettings(Section):
    """How long, how fast and with what to train."""

    steps: int | None = Field(None, ge=1, description="Optimizer steps; or give epochs.")
    epochs: int | None = Field(None, ge=1, description="Passes over the dataset; 10 if no steps.")
    batch_size: int = Field(16, ge=1, description="Images a step, over all processes.")
    accumulate: int = Field(1, ge=1, description="Parts a batch is computed in, to save memory.")
    learning_rate: float = Field(1e-3, gt=0, description="Peak learning rate.")
    schedule: Literal["cosine", "constant", "step"] = Field(
        "cosine", description="How the learning rate falls: to 0, not at all, or halved four times."
    )
    warmup_steps: int = Field(0, ge=0, description="Steps over which the learning rate rises.")
    optimizer: Component = Field(
        Spec(name="adamw"),
        validate_default=True,
        description="An optimizer of torch.optim by name, with its arguments.",
    )
    betas: tuple[float, float] = Field(
        (0.9, 0.999), description="Decay of the running averages, for optimizers that have them."
    )
    weight_decay: float = Field(0.0, ge=0, description="Weight decay of the optimizer.")
    clip_norm: float | None = Field(
        None, gt=0, description="Largest norm of the gradient; null does not clip."
    )
    ema: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Decay of the moving average of the weights that validation, best and last "
        "then use; null keeps none.",
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="Number format of the network; auto is bfloat16 where it is native."
    )
    compile: bool = Field(False, description="Put the network through torch.compile.")
    channels_last: bool = Field(True, description="Memory layout; faster for convolutions.")
    num_workers: int = Field(0, ge=0, description="Processes that read data beside the loop.")
    validation_split: float = Field(
        0.1, ge=0, lt=1, description="Share of the images kept for validation."
    )
    training_images: int | None = Field(
        None, ge=1, description="Number of images to train on, the rest validates; or null."
    )
    validation_images: int = Field(
        64, ge=1, description="Most images a validation uses, so that it stays short."
    )
    validate_every: int | None = Field(
        None, ge=1, description="Steps between validations; null is 20 times a run."
    )
    checkpoint_every: int | None = Field(
        None, ge=1, description="Steps between checkpoints; null is with each validation."
    )
    max_minutes: float | None = Field(
        None, gt=0, description="Wall-clock time after which to save and stop; null is no limit."
    )
    max_nonfinite: int = Field(
        20, ge=1, description="Steps in a row without a finite loss and gradient that end the run."
    )
    teacher: TeacherSettings | None = Field(
        None, description="A network to learn from beside the clean images, or null."
    )
    strategy: Literal["auto", "ddp", "fsdp"] = Field(
        "auto",
        description="With several processes: ddp copies the weights to each, fsdp splits them; "
        "auto is ddp.",
    )
    tensorboard: bool = Field(
        False, description="Write event files for TensorBoard (needs the extra tensorboard)."
    )
    log_every: int = Field(10, ge=1, description="Steps between lines of metrics.jsonl.")
    seed: int = Field(0, description="What all randomness of the run is derived from.")

    @model_validator(mode="before")
    @classmethod
    def _default_length(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        lengths = (data.get("steps"), data.get("epochs"))
        return {**data, "epochs": 10} if lengths == (None, None) else data

    @model_validator(mode="after")
    def _one_length(self) -> TrainSettings:
        if self.steps is not None and self.epochs is not None:
            raise ValueError("give steps or epochs, not both")
        return self


class TrainConfig(Section):
    """A training run: what to train, on what, how, and where the results go."""

    model: Component = Field(description="The architecture.")
    dataset: Component = Field(description="The clean images to train on.")
    noise: Component = Field(
        Spec(name="classic_mixture"), description="What corrupts the clean images."
    )
    loss: LossTerms = Field(
        [LossTerm(name="l1")],
        description="The loss terms: a list, or a map of name to weight.",
    )
    validation_dataset: Component | None = Field(
        None, description="The images to validate on; null takes a share of the dataset."
    )
    device: str = Field("auto", description='"auto", "cpu", "cuda", "cuda:1" or "mps".')
    save_weight_path: PathText = Field(
        "Saved_Models", description="Folder of the weights, the metrics and the loss map."
    )
    load_weight_path: PathText | None = Field(
        None, description="Weights to start from: a file or a run's folder."
    )
    train: TrainSettings = Field(
        default_factory=lambda: TrainSettings.model_validate({}),
        description="How long, how fast and with what to train.",
    )

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise ConfigError([_problem(details) for details in error.errors()]) from error

    @classmethod
    def from_file(cls, path: str | Path, overrides: Sequence[str] = ()) -> TrainConfig:
        """Read a JSON file and apply overrides such as "train.steps=100".

        Raises:
            ConfigError: with every fault found, a line each.
        """
        path = Path(path)
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError([f"{path}: {(error.strerror or str(error)).lower()}"]) from error
        except json.JSONDecodeError as error:
            place = f"{path}:{error.lineno}:{error.colno}"
            raise ConfigError([f"{place}: not valid JSON, {error.msg.lower()}"]) from error
        except UnicodeDecodeError as error:
            raise ConfigError([f"{path}: not a text file in UTF-8"]) from error
        if not isinstance(data, dict):
            raise ConfigError([f"{path}: a configuration is a JSON object, {{...}}"])
        return cls.from_dict(data, source=str(path), overrides=overrides)

    @classmethod
    def from_dict(
        cls, data: Mapping[str, Any], source: str = "config", overrides: Sequence[str] = ()
    ) -> TrainConfig:
        """Check a configuration; `source` is what the messages call it.

        Raises:
            ConfigError: with every fault found, a line each.
        """
        for override in overrides:
            data = _override(data, override)
        data, notes = legacy.modernize(data)
        for note in notes:
            warnings.warn(f"{source}: {note}", OldSpellingWarning, stacklevel=3)
        problems: list[str] = []
        config = None
        try:
            config = cls(**data)
        except ConfigError as error:
            problems = list(error.problems)
        problems += _component_problems(data) + _other_problems(data)
        if problems or config is None:
            raise ConfigError([f"{source}: {p}" for p in dict.fromkeys(problems)])
        return config

    def to_dict(self) -> dict[str, Any]:
        """The resolved configuration as JSON data, every default filled in."""
        return self.model_dump(mode="json")


_SECTIONS: dict[str, type[BaseModel]] = {
    "": TrainConfig,
    "train": TrainSettings,
    "train.teacher": TeacherSettings,
}
SLOTS: dict[str, Registry] = {
    "model": models,
    "dataset": datasets,
    "noise": noises,
    "validation_dataset": datasets,
}


def _component_problems(data: Mapping[str, Any]) -> list[str]:
    """Unknown names and wrong arguments of the components that a configuration names."""
    named = [(key, registry, data.get(key)) for key, registry in SLOTS.items()]
    terms = as_terms(data.get("loss", []))
    if isinstance(terms, list):
        named += [(f"loss.{_name(t)}", losses, t) for t in terms]
    named += [
        (f"{path}.{argument}.{place}", registry, value)
        for path, registry, outer in named
        for argument, place, value in _nested(outer)
    ]
    return [
        f"{path}: {fault}"
        for path, registry, value in named
        if (spec := _spec(value)) is not None
        for fault in _faults(registry, spec, ("weight",) if registry is losses else ())
    ]


def _nested(outer: Any) -> list[tuple[str, int, Any]]:
    """The components that a component is made of: the noises of one_of and chain."""
    spec = _spec(outer)
    return [
        (argument, place, value)
        for argument, values in (spec.arguments.items() if spec else ())
        if argument == "noises" and isinstance(values, list)
        for place, value in enumerate(values)
    ]


def _other_problems(data: Mapping[str, Any]) -> list[str]:
    """Devices and optimizers that do not exist."""
    train = data.get("train")
    named = _spec(train.get("optimizer")) if isinstance(train, Mapping) else None
    problems = []
    try:
        resolve_device(str(data.get("device", "auto")))
    except RestoreKitError as error:
        problems.append(f"device: {error}")
    try:
        optimizer_class(named.name if named else "adamw")
    except RestoreKitError as error:
        problems.append(f"train.optimizer: {error}")
    return problems


def _spec(value: Any) -> Spec | None:
    if isinstance(value, Spec):
        return value
    value = as_named(value)
    named = isinstance(value, Mapping) and isinstance(value.get("name"), str)
    return Spec.model_validate(dict(value)) if named else None


def _name(value: Any) -> str:
    spec = _spec(value)
    return spec.name if spec else "?"


def _faults(registry: Registry, spec: Spec, own: tuple[str, ...]) -> list[str]:
    arguments = {k: v for k, v in spec.arguments.items() if k not in own}
    try:
        return signature.find_faults(registry.get(spec.name), arguments)
    except RestoreKitError as error:
        return [str(error)]


def _problem(details: ErrorDetails) -> str:
    path = [str(part) for part in details["loc"]]
    where = ".".join(path)
    if details["type"] == "extra_forbidden":
        *home, key = path
        hint = did_you_mean(key, _SECTIONS.get(".".join(home), TrainConfig).model_fields)
        for section, model in _SECTIONS.items():
            if not hint and key in model.model_fields:
                hint = f" It belongs {f'under {section}' if section else 'at the top'}."
        return f"{where}: unknown key.{hint}"
    if details["type"] == "missing":
        return f"{where}: missing"
    message = details["msg"].removeprefix("Value error, ")
    shown = "" if details["type"] == "value_error" else f", not {details['input']!r}"
    return f"{where}: {message[0].lower()}{message[1:]}{shown}"


def _override(data: Mapping[str, Any], text: str) -> dict[str, Any]:
    """`data` with "key.path=value" put in; the value is JSON where it parses, else a string."""
    path, equals, raw = text.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise ConfigError([f"override '{text}': not of the form key.path=value"])
    return _put(dict(data), keys, read_value(raw))


def _put(data: dict[str, Any], keys: list[str], value: Any) -> dict[str, Any]:
    key, rest = keys[0], keys[1:]
    if not rest:
        rivals = {"steps": "epochs", "epochs": "steps"}  # the one given last is meant
        return {k: v for k, v in data.items() if k != rivals.get(key)} | {key: value}
    inner = data.get(key, {})
    if key == "loss" and (by_name := _terms_by_name(inner)) is not None:
        inner = by_name
        if len(rest) == 1 and not isinstance(value, Mapping):
            return {**data, key: {**inner, rest[0]: {**inner.get(rest[0], {}), "weight": value}}}
    elif isinstance(inner, str):
        inner = {"weights" if key == "teacher" else "name": inner}
    return {**data, key: _put(inner if isinstance(inner, dict) else {}, rest, value)}


def _terms_by_name(loss: Any) -> dict[str, dict[str, Any]] | None:
    """Loss terms as a map, or None where they are no list or map of named terms."""
    found = as_terms(loss)
    if not isinstance(found, list) or not all(
        isinstance(t, Mapping) and "name" in t for t in found
    ):
        return None
    return {t["name"]: {k: v for k, v in t.items() if k != "name"} for t in found}
