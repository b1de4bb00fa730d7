"""Optimizers by name, in any letter case: those of torch.optim, and Muon for convolutions."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from restorekit.errors import ArgumentError, did_you_mean

if TYPE_CHECKING:
    import torch


def optimizer_class(name: str) -> type[torch.optim.Optimizer]:
    """The optimizer of that name.

    Raises:
        ArgumentError: there is none.
    """
    import torch

    from restorekit.muon import Muon

    known = {
        found.lower(): kind
        for found, kind in vars(torch.optim).items()
        if inspect.isclass(kind) and issubclass(kind, torch.optim.Optimizer)
    }
    known.pop("optimizer")
    known["muon"] = Muon  # torch's own refuses convolutions
    if name.lower() not in known:
        raise ArgumentError(f"unknown optimizer '{name}'.{did_you_mean(name, known)}")
    return known[name.lower()]
