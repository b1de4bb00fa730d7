"""The configuration of a training run: typed, checked at once, from `config.json` or Python."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import (
    BaseModel,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from restorekit.config import old_spellings
from restorekit.config.component_specs import (
    FAULTS,
    VALIDATION,
    ComponentSpec,
    DatasetField,
    DatasetsField,
    DeviceField,
    LossField,
    LossTerm,
    MetricsField,
    ModelField,
    NoiseField,
    NoisesField,
    ObjectiveField,
    OptimizerField,
    PathField,
    ScheduleField,
    Section,
)
from restorekit.config.config_file import read_config
from restorekit.config.overrides import apply_override
from restorekit.devices import Precision
from restorekit.errors import ConfigError, OldSpellingWarning, did_you_mean
from restorekit.untrusted.plain_data import MOST_VALUES, find_unusable
from restorekit.untrusted.text import quoted, shortened


def settings_from(given: Mapping[str, object]) -> TrainSettings:
    """The `train` section from a mapping.

    Raises:
        ConfigError: with every fault found, a line each.
    """
    try:
        return TrainSettings.model_validate(dict(given))
    except ValidationError as error:
        raise ConfigError(_problems(error, ("train",))) from error


class TrainSettings(Section):
    """How long, how fast and with what to train."""

    steps: int | None = Field(None, ge=1, description="Optimizer steps; or give epochs.")
    epochs: int | None = Field(None, ge=1, description="Passes over the dataset; 10 if no steps.")
    batch_size: int = Field(16, ge=1, description="Images a step, over all processes.")
    accumulate: int = Field(1, ge=1, description="Parts a batch is computed in, to save memory.")
    learning_rate: float = Field(1e-3, gt=0, description="Peak learning rate.")
    schedule: ScheduleField = Field(
        ComponentSpec(name="cosine"),
        validate_default=True,
        description="The course of the learning rate after the warm-up.",
    )
    warmup_steps: int = Field(0, ge=0, description="Steps over which the learning rate rises.")
    optimizer: OptimizerField = Field(
        ComponentSpec(name="adamw"),
        validate_default=True,
        description="The optimizer, with its arguments; its name in any letter case.",
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
    precision: Precision = Field(
        "auto", description="Number format of the network; auto is bfloat16 where it is native."
    )
    compile: bool = Field(False, description="Put the network through torch.compile.")
    channels_last: bool = Field(True, description="Memory layout; faster for convolutions.")
    num_workers: int = Field(0, ge=0, le=256, description="Additional processes that read data.")
    validation_split: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="Share of the images kept for validation; unless it is 0, at least 4 where "
        "more are left to train on.",
    )
    training_images: int | None = Field(
        None, ge=1, description="Number of images to train on, the rest validates; or null."
    )
    validation_images: int = Field(
        64, ge=1, description="Most images a validation set uses, so that it stays short."
    )
    validation_metric: str = Field(
        "psnr",
        description="What decides on the best weights: a metric, loss, or a loss term, by name.",
    )
    validation_metrics: MetricsField = Field(
        [], description="Metrics that a validation measures besides psnr and ssim."
    )
    early_stopping: int | None = Field(
        None,
        ge=1,
        description="Validations without a new best after which the run ends; null never ends it.",
    )
    validate_every: int | None = Field(
        None, ge=1, description="Steps between validations; null is 20 times a run."
    )
    checkpoint_every: int | None = Field(
        None, ge=1, description="Steps between checkpoints; null is with each validation."
    )
    max_minutes: float | None = Field(
        None, gt=0, description="Wall-clock time after which to save and stop; null for no limit."
    )
    max_nonfinite: int = Field(
        20, ge=1, description="Steps in a row without a finite loss and gradient that end the run."
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
    def _default_length(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        lengths = (data.get("steps"), data.get("epochs"))
        return {**data, "epochs": 10} if lengths == (None, None) else data

    @model_validator(mode="after")
    def _one_length(self) -> TrainSettings:
        if self.steps is not None and self.epochs is not None:
            raise ValueError("give steps or epochs, not both")
        return self


@dataclass(frozen=True)
class _Source:
    """What messages call a configuration, which does not tell two configurations apart."""

    name: str = field(default="", compare=False)


class TrainConfig(Section):
    """The configuration of a training run: components, settings and the folder of the results.

    Example:
        >>> config = restorekit.TrainConfig(model="unet", dataset="samples", train={"steps": 1000})
        >>> config.model.name, config.train.steps, config.noise.name
        ('unet', 1000, 'classic_mixture')
    """

    model: ModelField = Field(description="The architecture.")
    dataset: DatasetField = Field(description="The clean images to train on.")
    noise: NoiseField = Field(
        ComponentSpec(name="classic_mixture"),
        validate_default=True,
        description="What corrupts the clean images.",
    )
    objective: ObjectiveField = Field(
        ComponentSpec(name="supervised"),
        validate_default=True,
        description="What the network learns from the clean images.",
    )
    loss: LossField = Field(
        [LossTerm(name="l1")],
        validate_default=True,
        description="The loss terms: a list, or a map of name to weight.",
    )
    validation_dataset: DatasetsField | None = Field(
        None,
        description="The images to validate on, or several such sets by name; null takes a share "
        "of the dataset.",
    )
    validation_noise: NoisesField | None = Field(
        None,
        description="The noises to validate under, each on every image; null takes those of the "
        "run's noise, each of a one_of apart.",
    )
    device: DeviceField = Field("auto", description='"auto", "cpu", "cuda", "cuda:1" or "mps".')
    save_weight_path: PathField = Field(
        "Saved_Models", description="Folder of the weights, the metrics and the loss map."
    )
    load_weight_path: PathField | None = Field(
        None, description="Weights to start from: a file or a run's folder."
    )
    train: TrainSettings = Field(
        default_factory=lambda: TrainSettings.model_validate({}),
        description="How long, how fast and with what to train.",
    )

    _source: _Source = PrivateAttr(_Source())

    def __init__(self, **data: object) -> None:
        data, note = old_spellings.teacher_as_objective(data)
        if note:
            warnings.warn(note, OldSpellingWarning, stacklevel=2)
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise ConfigError(_problems(error)) from error

    @classmethod
    def from_file(cls, path: str | Path, overrides: Sequence[str] = ()) -> TrainConfig:
        """Read a JSON file and apply overrides such as "train.steps=100".

        Raises:
            ConfigError: with every fault found, a line each.
        """
        return cls.from_dict(read_config(path), source=str(path), overrides=overrides)

    @classmethod
    def from_dict(
        cls, data: Mapping[str, object], source: str = "config", overrides: Sequence[str] = ()
    ) -> TrainConfig:
        """Check a configuration; `source` is what the messages call it.

        Raises:
            ConfigError: with every fault found, a line each.
        """
        for text in overrides:
            data = apply_override(data, text)
        # Before pydantic, which recurses into deep data.
        if (unusable := find_unusable(data, most=MOST_VALUES)) is not None:
            raise ConfigError([f"{source}: {unusable}"])
        # After the overrides, which may use old spellings too.
        data, notes = old_spellings.update_old_spellings(data)
        data, note = old_spellings.teacher_as_objective(data)
        notes += [note] if note else []
        for note in notes:
            warnings.warn(f"{source}: {note}", OldSpellingWarning, stacklevel=3)
        try:
            config = cls(**data)
        except ConfigError as error:
            raise ConfigError([f"{source}: {problem}" for problem in error.problems]) from error
        config._source = _Source(source)
        return config

    @property
    def source(self) -> str:
        """What messages call the configuration: its file, for example; "" if it has no name."""
        return self._source.name

    def to_dict(self) -> dict[str, object]:
        """The resolved configuration as JSON data, with all defaults."""
        return self.model_dump(mode="json")


_SECTIONS: dict[str, type[BaseModel]] = {
    "": TrainConfig,
    "train": TrainSettings,
}


def _problems(error: ValidationError, section: tuple[str, ...] = ()) -> list[str]:
    """What is wrong, a line each, without those that are equal."""
    lines = [
        line
        for details in error.errors()
        for line in _lines({**details, "loc": (*section, *details["loc"])})
    ]
    return list(dict.fromkeys(lines))


def _lines(details: ErrorDetails) -> list[str]:
    """The lines of one error: several for a component with several faults."""
    if details["type"] != FAULTS:
        return [_problem(details)]
    path, context = list(details["loc"]), details["ctx"]
    if path[0] == "loss":
        path[-1] = context["name"]
    elif path == ["validation_dataset", VALIDATION]:
        path.pop()
    where = shortened(".".join(map(str, path)), 200)
    return [f"{where}{shortened(place, 200)}: {text}" for place, text in context["faults"]]


def _problem(details: ErrorDetails) -> str:
    path = [str(part) for part in details["loc"]]
    where = shortened(".".join(path), 200)
    if details["type"] == "extra_forbidden":
        *home, key = path
        # A similar key of the same section is more likely than the same key of another one.
        hint = did_you_mean(key, _SECTIONS.get(".".join(home), TrainConfig).model_fields)
        for section, model in _SECTIONS.items():
            if not hint and key in model.model_fields:
                hint = f" It belongs {f'under {section}' if section else 'at the top'}."
        return f"{where}: unknown key.{hint}"
    if details["type"] == "missing":
        return f"{where}: missing"
    message = details["msg"].removeprefix("Value error, ")
    shown = "" if details["type"] == "value_error" else f", not {quoted(details['input'])}"
    return f"{where}: {message[0].lower()}{message[1:]}{shown}"
