"""The loss terms of a run, from names, modules and functions."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor, nn

from restorekit.components.component_records import CheckedComponent, mark_origin, origin_of
from restorekit.components.kinds import losses
from restorekit.errors import ArgumentError
from restorekit.records import Restoration, unwrap_model


@dataclass(frozen=True)
class WeightedLoss:
    """A loss term of a run: the name it is logged under, its weight, and what computes it."""

    name: str
    weight: float
    module: nn.Module

    def measure(self, restoration: Restoration, target: Tensor) -> Tensor:
        """The term of a batch, a tensor of one number, without its weight.

        Raises:
            ArgumentError: it computes something else.
        """
        given = restoration.image.float() if self._compares_tensors else restoration
        value = self.module(given, target)
        if not isinstance(value, Tensor) or value.numel() != 1:
            found = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise ArgumentError(f"loss '{self.name}' gives {found}, not a tensor of one number")
        return value.reshape(())

    @cached_property
    def _compares_tensors(self) -> bool:
        """Whether its first argument is annotated as a tensor, as in the losses of torch."""
        forward = unwrap_model(self.module).forward
        try:
            parameters = inspect.signature(forward, eval_str=True).parameters.values()
        except Exception:  # no signature, or an annotation that cannot be evaluated
            return False
        return next((p.annotation is Tensor for p in parameters), False)


def read_losses(given: object) -> tuple[WeightedLoss, ...]:
    """Terms from a name, a module, a map of name to weight, or a list of any of these."""
    if isinstance(given, Mapping) and "name" not in given:
        pairs = [_named_term(name, value) for name, value in given.items()]
    else:
        items = given if isinstance(given, Sequence) and not isinstance(given, str) else [given]
        pairs = [_listed_term(item) for item in items]
    terms: dict[str, WeightedLoss] = {}
    for name, weight, module in pairs:
        label, number = name, 2
        # A loss can be used twice with different arguments, but records need distinct names.
        while label in terms:
            label, number = f"{name}_{number}", number + 1
        terms[label] = WeightedLoss(label, float(weight), module)
    # A term of weight 0 is only recorded.
    if not any(term.weight for term in terms.values()):
        raise ArgumentError("a run needs at least one loss term whose weight is not 0")
    return tuple(terms.values())


def _named_term(name: str, value: object) -> tuple[str, float, nn.Module]:
    if isinstance(value, Mapping):
        arguments = dict(value)
        weight = arguments.pop("weight", 1.0)
        return name, _as_weight(name, weight), losses.create(name, **arguments)
    if isinstance(value, (tuple, list)) and len(value) == 2:
        module, weight = value
        return name, _as_weight(name, weight), as_module(module, f"loss '{name}'")
    return name, _as_weight(name, value), losses.create(name)


def _listed_term(item: object) -> tuple[str, float, nn.Module]:
    if isinstance(item, (tuple, list)) and len(item) == 2:
        name, _, built = _listed_term(item[0])
        return name, _as_weight(name, item[1]), built
    if isinstance(item, CheckedComponent):
        return item.name, 1.0, losses.make(item)
    if isinstance(item, str):
        return item, 1.0, losses.create(item)
    if isinstance(item, Mapping):
        arguments = dict(item)
        if not isinstance(name := arguments.pop("name", None), str):
            raise ArgumentError(f"loss term {dict(item)!r} has no name")
        return _named_term(name, arguments)
    origin = origin_of(item)
    name = origin.name if origin else getattr(item, "__name__", type(item).__name__).lower()
    return name, 1.0, as_module(item, f"loss '{name}'")


def _as_weight(name: str, value: object) -> float:
    # bool is a subclass of int.
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ArgumentError(f"the weight of loss '{name}' is a number, not {value!r}")
    if not math.isfinite(value):
        raise ArgumentError(f"the weight of loss '{name}' is {value}; it must be finite")
    return float(value)


def as_module(made: object, what: str) -> nn.Module:
    """A module as it is; any other callable as a module that calls it."""
    if isinstance(made, nn.Module):
        return made
    if isinstance(made, type):
        raise ArgumentError(f"{what} is the class {made.__name__}; give {made.__name__}(...)")
    if not callable(made):
        raise ArgumentError(f"{what} is a module or a function, not {type(made).__name__}")
    # Instead of a subclass, so that a method of an object keeps its own state.
    module = nn.Module()
    module.forward = made
    if (origin := origin_of(made)) is not None:
        mark_origin(module, origin)
    return module
