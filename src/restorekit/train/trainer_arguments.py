"""The arguments of `Trainer`: unknown and former names, and what replaces a configuration."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping

from restorekit.config.old_spellings import distillation_of
from restorekit.config.train_config import settings_from
from restorekit.config.train_settings import TrainSettings
from restorekit.errors import ArgumentError, did_you_mean
from restorekit.former_names import warn_former

_FORMER = "losses"
FORMER_TEACHER = "teacher"
_RIVALS = {"steps": "epochs", "epochs": "steps"}  # the length that is given replaces the other


def check_settings(settings: Mapping[str, object], function: Callable[..., object]) -> None:
    """Refuse keywords that are neither a key of the `train` section nor an argument of a function.

    Raises:
        ArgumentError: with the nearest name that exists.
    """
    # "losses" is still accepted, but not suggested.
    own = set(inspect.signature(function).parameters) - {"self", "settings", _FORMER}
    known = sorted(own | set(TrainSettings.model_fields))
    for name in settings:
        if name not in known and name != FORMER_TEACHER:
            raise ArgumentError(
                f"Trainer has no argument '{name}'.{did_you_mean(name, known)} "
                "See the keys of 'train' in the configuration"
            )


def present_loss(loss: object, losses: object) -> object:
    """The argument `loss`, which was called `losses`.

    Raises:
        ArgumentError: both are given.

    Warns:
        DeprecationWarning: the former name is used.
    """
    if losses is None:
        return loss
    if loss is not None:
        raise ArgumentError("give loss alone; losses is its former name")
    warn_former("Trainer(losses=...)", "Trainer(loss=...)", stacklevel=4)
    return losses


def present_objective(teacher: object, objective: object) -> dict[str, object]:
    """The objective of a run that is given a teacher, as `train.teacher` was.

    Args:
        teacher: the weights of the teacher, or a mapping with "weights", "share" and "views".
        objective: the objective otherwise; if it has a teacher, that one is replaced.

    Warns:
        DeprecationWarning: always.
    """
    warn_former("Trainer(teacher=...)", "Trainer(objective={'name': 'distillation', ...})", 5)
    if isinstance(objective, Mapping) and objective.get("name") == "distillation":
        objective = objective.get("objective", "supervised")
    return distillation_of(teacher, objective)


def replace_settings(given: TrainSettings, settings: Mapping[str, object]) -> TrainSettings:
    """The `train` section with some of its keys replaced.

    Raises:
        ConfigError: a value is invalid.
    """
    if not settings:
        return given
    kept = {
        key: value for key, value in given.model_dump().items() if _RIVALS.get(key) not in settings
    }
    return settings_from({**kept, **settings})
