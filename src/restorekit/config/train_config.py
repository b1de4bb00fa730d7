"""The configuration of a training run: typed, checked at once, from `config.json` or Python."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import (
    BaseModel,
    Field,
    PrivateAttr,
    ValidationError,
)

from restorekit.config import old_spellings
from restorekit.config.component_specs import (
    ComponentSpec,
    DatasetField,
    DatasetsField,
    DeviceField,
    LossField,
    LossTerm,
    ModelField,
    NoiseField,
    NoisesField,
    ObjectiveField,
    PathField,
    Section,
)
from restorekit.config.config_file import read_config
from restorekit.config.config_problems import problem_lines
from restorekit.config.overrides import apply_override
from restorekit.config.train_settings import TrainSettings
from restorekit.errors import ConfigError, OldSpellingWarning
from restorekit.untrusted.plain_data import MOST_VALUES, find_unusable


def settings_from(given: Mapping[str, object]) -> TrainSettings:
    """The `train` section from a mapping.

    Raises:
        ConfigError: with every fault found, a line each.
    """
    try:
        return TrainSettings.model_validate(dict(given))
    except ValidationError as error:
        raise ConfigError(problem_lines(error, _SECTIONS, "train")) from error


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
    dataset: DatasetField = Field(description="The images to train on, clean or with real noise.")
    noise: NoiseField = Field(
        ComponentSpec(name="classic_mixture"),
        validate_default=True,
        description="What corrupts the clean images; images with real noise stay as they are.",
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
            raise ConfigError(problem_lines(error, _SECTIONS)) from error

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
