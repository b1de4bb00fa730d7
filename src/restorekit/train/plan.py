"""A run made ready: live components, from a configuration or from objects and names."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from restorekit.config import TrainConfig, TrainSettings, settings_from
from restorekit.errors import ArgumentError, RestoreKitError
from restorekit.records import Restoration, as_restoration, takes
from restorekit.registry import datasets, losses, mark_origin, models, noises, origin_of
from restorekit.seeding import derive_seed
from restorekit.spec import VALIDATION, as_noises, as_one_set, is_map_of_sets
from restorekit.train.division import Division, divide
from restorekit.train.pictures import check_dataset
from restorekit.weights import bare, describe_origin, find_weights, load_model, read_card

Restore = Callable[[Tensor, Tensor | None], Restoration]
Spec = str | Mapping[str, Any]
# What a pupil's card tells of its teacher's: which it was, and what that has learnt from.
_OF_TEACHER = ("model", "checksum", "dataset", "training_data", "licenses", "credits", "license")


@dataclass(frozen=True)
class Term:
    """A loss term of a run: the name it is logged under, its weight, and what computes it."""

    name: str
    weight: float
    module: nn.Module

    def measure(self, restoration: Restoration, target: Tensor) -> Tensor:
        """The term of a batch, a tensor of one number, without its weight.

        Raises:
            ArgumentError: it computes something else.
        """
        value = self.module(restoration, target)
        if not isinstance(value, Tensor) or value.numel() != 1:
            found = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise ArgumentError(f"loss '{self.name}' gives {found}, not a tensor of one number")
        return value.reshape(())


@dataclass(frozen=True)
class Plan:
    """Everything a run needs, made and checked."""

    model: nn.Module
    noise: nn.Module
    terms: tuple[Term, ...]
    dataset: Any
    validation_sets: Mapping[str, Any]
    validation_noise: tuple[nn.Module, ...]
    device: str
    folder: Path
    load_weight_path: str | None
    teacher: nn.Module | None
    taught_by: Mapping[str, Any]
    settings: TrainSettings

    @classmethod
    def make(
        cls,
        *,
        model: Spec | nn.Module,
        dataset: Any,
        noise: Spec | nn.Module = "classic_mixture",
        losses: Any = "l1",
        validation_dataset: Any = None,
        validation_noise: Any = None,
        device: str = "auto",
        save_weight_path: str | Path = "Saved_Models",
        load_weight_path: str | Path | None = None,
        settings: TrainSettings,
    ) -> Plan:
        """Build what is given by name; take objects as they are.

        Raises:
            RestoreKitError: something named does not exist or cannot be made.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(settings.seed, "weights"))
            made = models.build(model)
        _check_model(made)
        if load_weight_path is not None:
            load_model(load_weight_path, model=made)
        teacher, taught_by = _teacher(settings, Path(save_weight_path))
        dataset, sets = datasets.build(dataset), _validation_sets(validation_dataset)
        check_dataset(dataset, "dataset")
        return cls(
            model=made,
            noise=_as_module(noises.build(noise), "noise"),
            terms=_terms(losses),
            dataset=dataset,
            validation_sets=sets,
            validation_noise=_noises(validation_noise),
            device=device,
            folder=Path(save_weight_path),
            load_weight_path=None if load_weight_path is None else str(load_weight_path),
            teacher=teacher,
            taught_by=taught_by,
            settings=settings,
        )

    def divide(self) -> Division:
        """Which images to train on, and which pictures to validate on.

        Raises:
            DataError: a dataset is empty or too small, or pictures are in training and validation.
        """
        return divide(
            self.dataset,
            self.validation_sets,
            share=self.settings.validation_split,
            training=self.settings.training_images,
            most=self.settings.validation_images,
            seed=self.settings.seed,
        )

    def card(self) -> dict[str, Any]:
        """What the checkpoints say of the run, beside the model itself."""
        terms = [{**_spec_of(t.module), "weight": t.weight} for t in self.terms]
        return {
            "noise": _spec_of(self.noise),
            "loss": terms,
            "dataset": _spec_of(self.dataset),
            "train": self.settings.model_dump(mode="json"),
            **({"teacher": self.taught_by} if self.taught_by else {}),
        }

    def resolved(self) -> dict[str, Any]:
        """The run's configuration with every default filled in, as `config.json` holds it."""
        return {
            "model": _spec_of(self.model),
            **self.card(),
            "validation_dataset": as_one_set(
                {name: _spec_of(dataset) for name, dataset in self.validation_sets.items()}
            ),
            "validation_noise": [_spec_of(noise) for noise in self.validation_noise] or None,
            "device": self.device,
            "save_weight_path": str(self.folder),
            "load_weight_path": self.load_weight_path,
        }


def make_plan(
    config: TrainConfig | Mapping[str, Any] | str | Path | None,
    parts: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> Plan:
    """The plan of a configuration, of its file, or of parts.

    Raises:
        ArgumentError: both a configuration and parts are given, or something is no part.
        RestoreKitError: something named does not exist or cannot be made.
    """
    if config is None:
        for needed in ("model", "dataset"):
            if needed not in parts:
                raise ArgumentError(f"a run needs a {needed}: Trainer({needed}=...)")
        return Plan.make(**parts, settings=settings_from(settings))
    if parts or settings:
        names = ", ".join([*parts, *settings])
        raise ArgumentError(f"give a configuration or the parts, not both; beside it: {names}")
    if isinstance(config, Mapping):
        config = TrainConfig.from_dict(config)
    elif not isinstance(config, TrainConfig):
        config = TrainConfig.from_file(config)
    return Plan.make(
        model=config.model.as_dict(),
        dataset=config.dataset.as_dict(),
        noise=config.noise.as_dict(),
        losses=[term.as_dict() for term in config.loss],
        validation_dataset=config.validation_dataset
        and {name: spec.as_dict() for name, spec in config.validation_dataset.items()},
        validation_noise=config.validation_noise
        and [spec.as_dict() for spec in config.validation_noise],
        device=config.device,
        save_weight_path=config.save_weight_path,
        load_weight_path=config.load_weight_path,
        settings=config.train,
    )


def restorer(model: nn.Module) -> Restore:
    """A model as a function of the noisy batch and its sigma, which not every model takes."""
    takes_sigma = takes(bare(model).forward, "sigma")

    def restore(noisy: Tensor, sigma: Tensor | None) -> Restoration:
        return as_restoration(model(noisy, sigma=sigma) if takes_sigma else model(noisy))

    return restore


def _teacher(settings: TrainSettings, folder: Path) -> tuple[nn.Module | None, Mapping[str, Any]]:
    """The network to learn from, if there is one, and what a pupil's card tells of it."""
    if settings.teacher is None:
        return None, {}
    try:
        path = find_weights(settings.teacher.weights)
        if Path(os.path.realpath(path)).is_relative_to(
            os.path.realpath(folder)
        ):  # resumed, it would be another
            raise ArgumentError(f"{path} is the run's own; give it from another folder")
        model, card = load_model(path), read_card(path)
    except RestoreKitError as error:
        raise type(error)(f"train.teacher: {error}") from error
    return model, {key: card[key] for key in _OF_TEACHER if key in card}


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


def _noises(given: Any) -> tuple[nn.Module, ...]:
    """The noises to validate under, from one or a list of names, expressions and modules."""
    try:
        listed = as_noises(given)
    except ValueError as error:
        raise ArgumentError(f"validation_noise: {error}") from error
    listed = listed if isinstance(listed, list) else [] if listed is None else [listed]
    return tuple(_as_module(noises.build(each), "validation_noise") for each in listed)


def _terms(given: Any) -> tuple[Term, ...]:
    """Terms from a name, a module, a map of name to weight, or a list of any of these."""
    if isinstance(given, Mapping) and "name" not in given:
        pairs = [_named_term(name, value) for name, value in given.items()]
    else:
        items = given if isinstance(given, Sequence) and not isinstance(given, str) else [given]
        pairs = [_listed_term(item) for item in items]
    terms: dict[str, Term] = {}
    for name, weight, module in pairs:
        label, number = name, 2
        while label in terms:
            label, number = f"{name}_{number}", number + 1
        terms[label] = Term(label, float(weight), module)
    if not any(term.weight for term in terms.values()):
        raise ArgumentError("a run needs at least one loss term whose weight is not 0")
    return tuple(terms.values())


def _named_term(name: str, value: Any) -> tuple[str, float, nn.Module]:
    if isinstance(value, Mapping):
        arguments = dict(value)
        weight = arguments.pop("weight", 1.0)
        return name, _as_weight(name, weight), losses.create(name, **arguments)
    if isinstance(value, (tuple, list)) and len(value) == 2:
        module, weight = value
        return name, _as_weight(name, weight), _as_module(module, f"loss '{name}'")
    return name, _as_weight(name, value), losses.create(name)


def _listed_term(item: Any) -> tuple[str, float, nn.Module]:
    if isinstance(item, (tuple, list)) and len(item) == 2:
        name, _, built = _listed_term(item[0])
        return name, _as_weight(name, item[1]), built
    if isinstance(item, str):
        return item, 1.0, losses.create(item)
    if isinstance(item, Mapping):
        arguments = dict(item)
        if not isinstance(name := arguments.pop("name", None), str):
            raise ArgumentError(f"loss term {dict(item)!r} has no name")
        return _named_term(name, arguments)
    origin = origin_of(item)
    name = origin.name if origin else getattr(item, "__name__", type(item).__name__).lower()
    return name, 1.0, _as_module(item, f"loss '{name}'")


def _as_weight(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ArgumentError(f"the weight of loss '{name}' is a number, not {value!r}")
    if not math.isfinite(value):
        raise ArgumentError(f"the weight of loss '{name}' is {value}; it must be finite")
    return float(value)


def _check_model(made: Any) -> None:
    if isinstance(made, type):
        raise ArgumentError(f"the model is the class {made.__name__}; give {made.__name__}(...)")
    if not isinstance(made, nn.Module):
        raise ArgumentError(f"a model is a torch.nn.Module, not {type(made).__name__}")
    if not any(weight.requires_grad for weight in made.parameters()):
        raise ArgumentError(f"model {type(made).__name__} has no weights that can be trained")


def _as_module(made: Any, what: str) -> nn.Module:
    """A module as it is; any other callable as a module that calls it."""
    if isinstance(made, nn.Module):
        return made
    if isinstance(made, type):
        raise ArgumentError(f"{what} is the class {made.__name__}; give {made.__name__}(...)")
    if not callable(made):
        raise ArgumentError(f"{what} is a module or a function, not {type(made).__name__}")
    module = nn.Module()
    module.forward = made
    if (origin := origin_of(made)) is not None:
        mark_origin(module, origin)
    return module


def _spec_of(made: Any) -> dict[str, Any]:
    origin = describe_origin(made)
    if origin["name"] is None:
        return {"class": origin["class"]}
    return {"name": origin["name"], **origin["arguments"]}
