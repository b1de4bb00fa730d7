"""Optimizers by name, in any letter case: those of torch.optim, and Muon for convolutions."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from restorekit.errors import ArgumentError, did_you_mean

if TYPE_CHECKING:
    import torch

# Those of torch.optim that cannot train a network here, and why.
_UNFIT = {
    "lbfgs": "needs each batch evaluated several times",
    "sparseadam": "takes only sparse gradients, and those of a network are dense",
}


def optimizer_class(name: str) -> type[torch.optim.Optimizer]:
    """The optimizer of that name.

    Raises:
        ArgumentError: there is none, or it cannot train the weights of a network.
    """
    import torch

    from restorekit.optim.muon import Muon

    known = {
        found.lower(): kind
        for found, kind in vars(torch.optim).items()
        if inspect.isclass(kind) and issubclass(kind, torch.optim.Optimizer)
    }
    known.pop("optimizer")
    known["muon"] = Muon  # torch's own refuses convolutions
    if name.lower() not in known:
        raise ArgumentError(
            f"unknown optimizer '{name}'.{did_you_mean(name, known.keys() - _UNFIT.keys())}"
        )
    if name.lower() in _UNFIT:
        raise ArgumentError(
            f"optimizer '{name}' {_UNFIT[name.lower()]}; use another, such as adamw"
        )
    return known[name.lower()]
