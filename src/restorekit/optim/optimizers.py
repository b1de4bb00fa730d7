"""Optimizers as a configuration names them: in any letter case, and only those of use here."""

from __future__ import annotations

from restorekit.errors import ArgumentError

# Optimizers of torch.optim that cannot be used here, and the reason.
_UNFIT = {
    "lbfgs": "needs each batch evaluated several times",
    "sparseadam": "takes only sparse gradients, and those of a network are dense",
}


def optimizer_name(given: str) -> str:
    """The registered name of an optimizer: "AdamW" is "adamw".

    Raises:
        ArgumentError: it is one of torch.optim that cannot train the weights of a network.
    """
    if (name := given.lower()) in _UNFIT:
        raise ArgumentError(f"optimizer '{given}' {_UNFIT[name]}; use another, such as adamw")
    return name
