"""What a validation measures, and what of it decides which weights are best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from restorekit.components.kinds import metrics
from restorekit.config.train_settings import TrainSettings
from restorekit.errors import ConfigError, RestoreKitError
from restorekit.metric.named_metrics import NamedMetric, read_metrics

USUAL = ("psnr", "ssim")  # measured by every validation


@dataclass(frozen=True)
class Criterion:
    """What decides which weights are best.

    Attributes:
        name: a metric, a loss term, or "loss", which is the sum of the terms.
        higher_is_better: the direction, which a metric states itself; a loss is to be small.
        is_term: whether it is a loss term.
    """

    name: str
    higher_is_better: bool = False
    is_term: bool = False

    def score(self, row: Mapping[str, object]) -> float:
        """A number that is higher for a better validation; what was not measured is the worst.

        Without clean images the held-out loss decides, unless the metric needs none.
        """
        is_blind = "noise_left" in row and self.name not in row
        values = row.get("terms") if self.is_term and not is_blind else row
        name = "loss" if is_blind else self.name
        value = values.get(name) if isinstance(values, Mapping) else None
        # For example null, which stands for NaN in the records of a resumed run.
        if not isinstance(value, (int, float)):
            return -math.inf
        return float(value) if self.higher_is_better and not is_blind else -float(value)


def validation_metrics(settings: TrainSettings) -> dict[str, NamedMetric]:
    """The metrics that a run's validations measure: the usual, the chosen and the deciding one.

    Raises:
        ConfigError: one cannot be made.
    """
    deciding = settings.validation_metric
    chosen = [spec.checked for spec in settings.validation_metrics]
    usual = [*USUAL, *([deciding] if deciding in metrics.names() else [])]
    # One with arguments cannot always be made by its name alone.
    missing = [name for name in usual if name not in {each.name for each in chosen}]
    try:
        return read_metrics([*missing, *chosen])
    except RestoreKitError as error:
        raise ConfigError([f"train.validation_metrics: {error}"]) from error


def choose_criterion(
    name: str, measured: Mapping[str, NamedMetric], terms: Sequence[str]
) -> Criterion:
    """The criterion of that name: a measured metric, "loss" or a loss term.

    Raises:
        ConfigError: there is none.
    """
    if name in measured:
        return Criterion(name, measured[name].higher_is_better)
    if name in ("loss", *terms):
        return Criterion(name, is_term=name != "loss")
    known = ", ".join(dict.fromkeys([*metrics.names(), "loss", *terms]))
    raise ConfigError([f"train.validation_metric: '{name}' is none of {known}"])
