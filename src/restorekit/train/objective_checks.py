"""Checks of the objective of a run, with the network that it trains."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import nn

from restorekit.errors import ArgumentError, RestoreKitError, warn
from restorekit.networks.network import model_name
from restorekit.objective.base import Objective, UsesNetwork, WithholdsSigma, invites_copying
from restorekit.records import restore_batch, unwrap_model

_COPYING = 0.9  # correlation of an untrained network's output with white noise


def check_objective(objective: Objective, model: nn.Module, folder: Path) -> None:
    """Check an objective before anything is trained.

    There is a warning if the network adds its input to its output and the objective needs one that
    does not.

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
    if invites_copying(objective) and _copies(model):
        warn(
            f"objective {type(objective).__name__} hides pixels behind means of their neighbours, "
            f"and {model_name(model)}, which adds its input to its output, will learn to copy "
            'them; use a network that does not, such as unet with "residual": false'
        )


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


@torch.no_grad()
def _copies(model: nn.Module) -> bool:
    """Whether the output of a network for white noise is nearly that noise."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(1, getattr(model, "channels", 3), 32, 32, generator=generator)
    weight = next(model.parameters(), noise)
    noisy = (0.5 + 0.1 * noise).to(weight)
    was_training = model.training
    try:
        image = restore_batch(model.eval(), noisy, noisy.new_full((1, 1, 1, 1), 0.1)).image
    except (RestoreKitError, RuntimeError):  # the run itself reports it
        return False
    finally:
        model.train(was_training)
    if image.shape != noisy.shape:
        return False
    pair = torch.stack((image.flatten(), noisy.flatten())).float()
    return float(torch.corrcoef(pair)[0, 1]) > _COPYING
