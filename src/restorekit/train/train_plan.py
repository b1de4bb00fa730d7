"""A prepared run: its components made, from a configuration or from objects and names."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from restorekit.components.kinds import datasets, loggers, models, noises, objectives
from restorekit.config.component_specs import (
    OWN,
    VALIDATION,
    ComponentSpec,
    as_noises,
    as_one_set,
    is_map_of_sets,
)
from restorekit.config.config_file import read_config
from restorekit.config.error_places import errors_at_their_place, errors_of
from restorekit.config.train_config import TrainConfig, settings_from
from restorekit.config.train_settings import TrainSettings
from restorekit.errors import ArgumentError
from restorekit.metric.named_metrics import NamedMetric
from restorekit.objective.base import Objective, UsesNetwork
from restorekit.records import NoisyImages
from restorekit.seeding import derive_seed, seed_torch
from restorekit.train.best_criterion import Criterion, choose_criterion, validation_metrics
from restorekit.train.data_split import DataSplit, split_dataset
from restorekit.train.dataset_items import first_samples
from restorekit.train.dataset_pictures import check_dataset
from restorekit.train.objective_checks import check_objective
from restorekit.train.part_specs import spec_of
from restorekit.train.trainer_arguments import FORMER_TEACHER, present_objective, replace_settings
from restorekit.train.weighted_losses import WeightedLoss, as_module, read_losses
from restorekit.weights import WeightsCard, load_model

ComponentLike = str | Mapping[str, object]
_REQUIRED = ("model", "dataset")


@dataclass(frozen=True)
class TrainPlan:
    """Everything a run needs, made and checked."""

    model: nn.Module
    noise: nn.Module
    objective: Objective
    terms: tuple[WeightedLoss, ...]
    dataset: object
    validation_sets: Mapping[str, object]
    validation_noise: tuple[nn.Module, ...]
    metrics: Mapping[str, NamedMetric]
    criterion: Criterion
    device: str
    folder: Path
    load_weight_path: str | None
    settings: TrainSettings
    config: TrainConfig | None = None  # what it was made from, for messages

    @classmethod
    def make(
        cls,
        *,
        model: ComponentLike | nn.Module,
        dataset: object,
        noise: ComponentLike | nn.Module = "classic_mixture",
        objective: object = "supervised",
        loss: object = "l1",
        validation_dataset: object = None,
        validation_noise: object = None,
        device: str = "auto",
        save_weight_path: str | Path = "Saved_Models",
        load_weight_path: str | Path | None = None,
        settings: TrainSettings,
    ) -> TrainPlan:
        """Create components that are given by name; use objects as they are.

        Raises:
            RestoreKitError: something named does not exist or cannot be made.
        """
        with torch.random.fork_rng(devices=[]):
            seed_torch(derive_seed(settings.seed, "weights"))
            made = models.build(model)
        with errors_of("model"):
            _check_model(made)
        if load_weight_path is not None:
            with errors_of("load_weight_path"):
                load_model(load_weight_path, model=made)
        if Path(save_weight_path).is_file():
            raise ArgumentError(f"save_weight_path '{save_weight_path}' is a file, not a folder")
        dataset, sets = datasets.build(dataset), _validation_sets(validation_dataset)
        check_dataset(dataset, "dataset")
        with errors_of("loss"):
            terms = read_losses(loss)
        metrics = validation_metrics(settings)
        corruption = as_module(noises.build(noise), "noise")
        task = objectives.build(objective, corruption)
        check_objective(task, made, Path(save_weight_path))
        return cls(
            model=made,
            noise=corruption,
            objective=task,
            terms=terms,
            dataset=dataset,
            validation_sets=sets,
            validation_noise=_noises(validation_noise),
            metrics=metrics,
            criterion=choose_criterion(
                settings.validation_metric, metrics, [term.name for term in terms]
            ),
            device=device,
            folder=Path(save_weight_path),
            load_weight_path=None if load_weight_path is None else str(load_weight_path),
            settings=settings,
        )

    def errors_at_their_place(self, key: str = "") -> AbstractContextManager[None]:
        """Within the block, errors name their place in the configuration if there is one."""
        return nullcontext() if self.config is None else errors_at_their_place(self.config, key)

    def loggers(self) -> list[object]:
        """The loggers that the settings name, made.

        Raises:
            RestoreKitError: one cannot be made.
        """
        specs, former = self.settings.logger, ComponentSpec(name="tensorboard")
        if self.settings.tensorboard and former.name not in [spec.name for spec in specs]:
            specs = [*specs, former]
        with self.errors_at_their_place("train.logger"):
            return [loggers.build(spec.part, self.folder) for spec in specs]

    def divide(self) -> DataSplit:
        """Split the dataset into images to train on and pictures to validate on.

        Raises:
            DataError: a dataset is empty or too small, or pictures are in training and validation.
        """
        return split_dataset(
            self.dataset,
            self.validation_sets,
            share=self.settings.validation_split,
            training=self.settings.training_images,
            most=self.settings.validation_images,
            seed=self.settings.seed,
        )

    def card(self) -> WeightsCard:
        """The fields of the checkpoints' cards for the run, in addition to the model."""
        return self._specs() if self._adds_noise else {**self._specs(), "noise": None}

    @cached_property
    def _adds_noise(self) -> bool:
        """Whether there are images that the noise is added to; none with real noise is."""
        return any(not isinstance(each, NoisyImages) for each in first_samples(self.dataset))

    def _specs(self) -> WeightsCard:
        terms = [{**spec_of(t.module), "weight": t.weight} for t in self.terms]
        card: WeightsCard = {
            "noise": spec_of(self.noise),
            "objective": spec_of(self.objective),
            "loss": terms,
            "dataset": spec_of(self.dataset),
            "train": self.settings.model_dump(mode="json"),
        }
        if isinstance(self.objective, UsesNetwork):
            card |= cast(WeightsCard, self.objective.card)
        return card

    def resolved(self) -> dict[str, object]:
        """The run's configuration with every default filled in, as `config.json` holds it."""
        return {
            "model": spec_of(self.model),
            **self._specs(),
            "validation_dataset": as_one_set(
                {name: spec_of(dataset) for name, dataset in self.validation_sets.items()}
            ),
            "validation_noise": [spec_of(noise) for noise in self.validation_noise] or None,
            "device": self.device,
            "save_weight_path": str(self.folder),
            "load_weight_path": self.load_weight_path,
        }


def make_train_plan(
    config: TrainConfig | Mapping[str, object] | str | Path | None,
    parts: Mapping[str, Any],
    settings: Mapping[str, object],
) -> TrainPlan:
    """Make the plan of a run from a configuration, its file, or single parts.

    Parts and settings replace what a configuration has.

    Raises:
        ArgumentError: a required part is missing, or a part is invalid.
        RestoreKitError: something named does not exist or cannot be made.
    """
    settings = dict(settings)
    teacher = settings.pop(FORMER_TEACHER, None)
    if config is not None:
        config = _checked_config(config, parts)
    if teacher is not None:
        otherwise = "supervised" if config is None else config.objective.as_dict()
        parts = {
            **parts,
            "objective": present_objective(teacher, parts.get("objective", otherwise)),
        }
    if config is None:
        for needed in _REQUIRED:
            if needed not in parts:
                raise ArgumentError(f"a run needs a {needed}: Trainer({needed}=...)")
        return TrainPlan.make(**parts, settings=settings_from(settings))
    named = _parts_of(config)
    for key, part in named.items():
        if key not in parts and (found := _own_class_in(part)) is not None:
            raise ArgumentError(f"the {key} is an object of {found}: Trainer(config, {key}=...)")
    paths = {
        "device": config.device,
        "save_weight_path": config.save_weight_path,
        "load_weight_path": config.load_weight_path,
    }
    chosen = replace_settings(config.train, settings)
    with errors_at_their_place(config, replaced=parts):
        plan = TrainPlan.make(**{**named, **paths, **parts}, settings=chosen)
    return replace(plan, config=config)


def _checked_config(
    config: TrainConfig | Mapping[str, object] | str | Path, parts: Mapping[str, object]
) -> TrainConfig:
    """A checked configuration; parts that are given need not be in it, nor be valid there."""
    if isinstance(config, TrainConfig):
        return config
    data, source = (
        (config, "config") if isinstance(config, Mapping) else (read_config(config), str(config))
    )
    kept = {key: value for key, value in data.items() if key not in parts}
    objects = {key: {"class": type(parts[key]).__qualname__} for key in _REQUIRED if key in parts}
    return TrainConfig.from_dict({**kept, **objects}, source=source)


def _parts_of(config: TrainConfig) -> dict[str, object]:
    """The components that a configuration names, by the keywords of `TrainPlan.make`."""
    sets, under = config.validation_dataset, config.validation_noise
    return {
        "model": config.model.part,
        "dataset": config.dataset.part,
        "noise": config.noise.part,
        "objective": config.objective.part,
        "loss": [(term.part, term.weight) for term in config.loss],
        "validation_dataset": sets and {name: spec.part for name, spec in sets.items()},
        "validation_noise": under and [spec.part for spec in under],
    }


def _own_class_in(part: object) -> str | None:
    """The class of a user-defined object in the configuration of a part, None for components."""
    if isinstance(part, Mapping) and part.get("name") == OWN:
        return str(part["class"])
    inner = (
        part.values()
        if isinstance(part, Mapping)
        else part
        if isinstance(part, (list, tuple))
        else ()
    )
    return next((found for each in inner if (found := _own_class_in(each)) is not None), None)


def _validation_sets(given: Any) -> dict[str, Any]:
    """Validation sets by name, from a dataset or a map of name to dataset."""
    if given is None:
        return {}
    named = given if is_map_of_sets(given) else {VALIDATION: given}
    sets = {str(name): datasets.build(each) for name, each in named.items()}
    for name, dataset in sets.items():
        where = "validation_dataset" if len(sets) == 1 else f"validation_dataset.{name}"
        check_dataset(dataset, where)
    return sets


def _noises(given: object) -> tuple[nn.Module, ...]:
    """The noises to validate under, from one or a list of names, expressions and modules."""
    try:
        listed = as_noises(given)
    except ValueError as error:
        raise ArgumentError(f"validation_noise: {error}") from error
    listed = listed if isinstance(listed, list) else [] if listed is None else [listed]
    return tuple(as_module(noises.build(each), "validation_noise") for each in listed)


def _check_model(made: object) -> None:
    if isinstance(made, type):
        raise ArgumentError(f"the model is the class {made.__name__}; give {made.__name__}(...)")
    if not isinstance(made, nn.Module):
        raise ArgumentError(f"a model is a torch.nn.Module, not {type(made).__name__}")
    if not any(weight.requires_grad for weight in made.parameters()):
        raise ArgumentError(f"model {type(made).__name__} has no weights that can be trained")
