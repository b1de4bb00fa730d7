"""What is known of a network without running it: the same on every machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from restorekit.errors import RestoreKitError
from restorekit.zoo.entries import ZooEntry

if TYPE_CHECKING:
    from torch import nn

SIDE = 256  # of the image that multiplications are counted for


@dataclass(frozen=True)
class Facts:
    """Size and cost of a network.

    Attributes:
        parameters: the number of trained values; 0 for a method without weights.
        gmacs: billions of multiplications, each with an addition, of convolutions, matrix products
            and attention, for an image of 256x256 pixels; None for a method without weights.
        error: why they are not known, in one line; "" if they are.
    """

    parameters: int | None
    gmacs: float | None
    error: str = ""


def count_facts(entry: ZooEntry, side: int = SIDE) -> Facts:
    """Count the parameters and multiplications of a network; nothing is allocated or computed.

    Args:
        entry: the network.
        side: of the image in pixels.

    Raises:
        RestoreKitError: the network cannot be made, because it needs a package for example.
    """
    from torch._subclasses import FakeTensorMode

    # Not the meta device, which autocast does not know.
    without_values = FakeTensorMode(allow_non_fake_inputs=True)
    try:
        with without_values:
            model = entry.create()
    except RestoreKitError:
        model = entry.create()  # a network may read values while it is made
    with without_values:
        parameters = sum(weight.numel() for weight in model.parameters())
        return Facts(parameters, _multiplications(model, side) / 1e9 if parameters else None)


def _multiplications(model: nn.Module, side: int) -> int:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from restorekit.records import restore_batch, takes

    noisy = torch.full((1, int(getattr(model, "channels", 3)), side, side), 0.5)
    level = torch.full((1, 1, 1, 1), 0.1) if takes(model, "sigma") else None
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        restore_batch(model, noisy, level)
    # A multiplication and an addition are two operations.
    return int(counter.get_total_flops()) // 2
