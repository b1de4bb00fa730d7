"""Checks of the objective of a run, with the network that it trains."""

from __future__ import annotations

import os
from pathlib import Path

from torch import nn

from restorekit.errors import ArgumentError
from restorekit.objective.base import Objective, UsesNetwork, WithholdsSigma
from restorekit.records import unwrap_model


def check_objective(objective: Objective, model: nn.Module, folder: Path) -> None:
    """Check an objective before anything is trained.

    Args:
        objective: the objective.
        model: the network that is trained.
        folder: the folder of the run.

    Raises:
        ArgumentError: it uses a network from the folder of the run, or it withholds the noise
            level from a network that needs it.
    """
    if isinstance(objective, UsesNetwork):
        _check_sources(objective, folder)
    if isinstance(objective, WithholdsSigma) and objective.sigma_dropout > 0:
        _check_optional_sigma(unwrap_model(model))


def _check_sources(objective: UsesNetwork, folder: Path) -> None:
    """Refuse a network from the folder of the run: after a resume it would be another one."""
    for path in objective.weights_files:
        if Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
            raise ArgumentError(f"objective: {path} is the run's own; give it from another folder")


def _check_optional_sigma(model: nn.Module) -> None:
    """Refuse a network to which a level of 0 means that there is no noise."""
    if getattr(model, "optional_sigma", None) is not True:
        raise ArgumentError(
            "objective: sigma_dropout is for networks that work with and without a noise level "
            f'("optional_sigma": true of swift); {type(model).__name__} does not have it'
        )
