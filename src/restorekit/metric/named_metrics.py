"""Metrics by name, as validation and benchmark use them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from restorekit.components.component_records import CheckedComponent, origin_of
from restorekit.components.expressions import parse_expression
from restorekit.components.kinds import metrics
from restorekit.errors import ArgumentError

MetricLike = str | Mapping[str, Any] | CheckedComponent | Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class NamedMetric:
    """A metric and what is known of it.

    Attributes:
        name: what results call it.
        compute: the component.
        higher_is_better: whether a higher value is the better one.
        least_side: the smallest height and width that it can measure, in pixels.
        largest: the value that larger ones count as in a mean.
        no_reference: whether it needs no clean image.
        text: what selects it on the command line, with its arguments.
    """

    name: str
    compute: Callable[[Tensor, Tensor], Tensor]
    higher_is_better: bool
    least_side: int = 1
    largest: float = math.inf
    no_reference: bool = False
    text: str = ""

    def fits(self, images: Tensor) -> bool:
        """Whether images (..., H, W) are large enough."""
        return min(images.shape[-2:]) >= self.least_side

    def measure(self, restored: Tensor, target: Tensor | None) -> Tensor:
        """One value per image of two batches (B, C, H, W), as (B,).

        Args:
            restored: the images to measure.
            target: the clean images; None if they are unknown and the metric needs none.

        Raises:
            ArgumentError: the metric computes something else.
        """
        values = self.compute(restored, target)  # type: ignore[arg-type]
        if not isinstance(values, Tensor) or values.shape != (len(restored),):
            found = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
            raise ArgumentError(
                f"metric '{self.name}' gives {found}, not one value per image, ({len(restored)},)"
            )
        return values

    def to(self, device: torch.device) -> None:
        """Move what the metric holds, a network for example, to a device."""
        # A plugin's metric may be a plain function.
        if isinstance(self.compute, nn.Module):
            self.compute.to(device)


def read_metrics(given: Iterable[MetricLike]) -> dict[str, NamedMetric]:
    """Metrics by name, from names, {"name": ..., argument: ...} or objects.

    A name may have arguments: "niqe:statistics=model.npz". A later metric replaces an earlier one
    of the same name.

    Raises:
        RestoreKitError: a metric does not exist, cannot be made or does not say which values are
            better.
    """
    found = [_named(metrics.build(_parsed(each))) for each in given]
    # By name, so that a configured metric replaces the default one of that name.
    return {metric.name: metric for metric in found}


def _parsed(given: MetricLike) -> object:
    """A name with arguments as a mapping; anything else as it is."""
    if not isinstance(given, str):
        return given
    expression = parse_expression(given)
    if expression.values:
        raise ArgumentError(f"'{given}': write the arguments of a metric as name:key=value")
    return {**expression.arguments, "name": expression.name}


def _named(made: Any) -> NamedMetric:
    origin = origin_of(made)
    name = origin.name if origin else getattr(made, "name", type(made).__name__.lower())
    higher = getattr(made, "higher_is_better", None)
    if not isinstance(higher, bool):
        raise ArgumentError(f"metric '{name}': its higher_is_better is {higher!r}, not a boolean")
    return NamedMetric(
        name=name,
        compute=made,
        higher_is_better=higher,
        least_side=getattr(made, "least_side", 1),
        largest=getattr(made, "largest", math.inf),
        no_reference=getattr(made, "no_reference", False) is True,
        text=_text(name, origin.arguments if origin else {}),
    )


def _text(name: str, arguments: Mapping[str, object]) -> str:
    """What selects a metric on the command line."""
    return json.dumps({"name": name, **arguments}, default=str) if arguments else name
