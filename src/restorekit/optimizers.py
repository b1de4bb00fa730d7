"""The optimizers of torch.optim by name, in any letter case."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from restorekit.errors import ArgumentError, did_you_mean

if TYPE_CHECKING:
    import torch


def optimizer_class(name: str) -> type[torch.optim.Optimizer]:
    """The optimizer of that name.

    Raises:
        ArgumentError: torch.optim has none.
    """
    import torch

    known = {
        found.lower(): kind
        for found, kind in vars(torch.optim).items()
        if inspect.isclass(kind) and issubclass(kind, torch.optim.Optimizer)
    }
    known.pop("optimizer")
    if name.lower() not in known:
        raise ArgumentError(f"unknown optimizer '{name}'.{did_you_mean(name, known)}")
    return known[name.lower()]
