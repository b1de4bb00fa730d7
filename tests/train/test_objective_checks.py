"""An objective that hides pixels behind means of their neighbours needs a suitable network."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

from restorekit import Trainer
from restorekit.errors import RestoreWarning

Make = Callable[..., Trainer]
UNET = {"name": "unet", "width": 4, "depth": 1}
MEDIAN = {"name": "noise2void", "strategy": "median"}


@pytest.mark.parametrize("objective", ["blind2unblind", MEDIAN])
@pytest.mark.parametrize("model", [UNET, {"name": "dncnn", "depth": 3, "width": 8}])
def test_a_network_that_would_copy_gets_a_warning(tiny: Make, objective: Any, model: Any) -> None:
    """It adds its input to its output, and is nearly the identity at the start."""
    with pytest.warns(RestoreWarning, match=r"means of their neighbours, .* will learn to copy"):
        tiny(model=model, objective=objective)


@pytest.mark.parametrize(
    ("objective", "model"),
    [
        *((objective, {**UNET, "residual": False}) for objective in ("blind2unblind", MEDIAN)),
        *((objective, UNET) for objective in ("noise2void", "supervised")),
        ("blind2unblind", {**UNET, "residual": False, "channels": 1}),
    ],
)
def test_other_networks_and_objectives_get_none(tiny: Make, objective: Any, model: Any) -> None:
    """A network without its input in its output, and hidden pixels that are as noisy as others."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trainer = tiny(model=model, objective=objective)
    assert trainer.model.training
