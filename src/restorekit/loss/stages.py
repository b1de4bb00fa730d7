"""A loss on the images of all stages of a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor, nn

from restorekit.components.kinds import losses
from restorekit.errors import ArgumentError
from restorekit.loss.base import check_shapes, required_extra
from restorekit.records import STAGE_PREFIX, Restoration, as_restoration


class EveryStage(nn.Module):
    """Another loss, summed over the restored image and the images of the stages before.

    For networks that return the images of their stages as the extras `stage_1`, `stage_2`, ..., as
    the model `mprnet` does. Its paper sums the loss `charbonnier`.

    Reference: https://arxiv.org/abs/2102.02808

    Args:
        loss: The loss: a name, a {"name": ..., argument: ...} mapping or a module that takes a
            restoration and a target.

    Raises:
        ArgumentError: the argument is not a loss, or the loss was given an argument it cannot use.
        UnknownNameError: no loss has that name.

    Example:
        >>> loss = restorekit.create_loss("every_stage", loss="l1")
        >>> stages = {"stage_1": batch + 0.25, "stage_2": batch + 0.125}
        >>> loss(restorekit.Restoration(batch, stages), batch)
        tensor(0.3750)
    """

    def __init__(self, loss: str | Mapping[str, Any] | nn.Module = "charbonnier") -> None:
        super().__init__()
        made = losses.build(loss)
        if not isinstance(made, nn.Module):
            raise ArgumentError(f"{made!r} is not a loss: give a name, a mapping or a module")
        self.loss = made

    def forward(self, restoration: Restoration | Tensor, target: Tensor) -> Tensor:
        """The sum of the losses of all stages.

        Args:
            restoration: the restored batch, (B, C, H, W), with the extras `stage_1`, ...
            target: the clean batch, (B, C, H, W), in [0, 1].

        Returns:
            A float32 scalar.

        Raises:
            InputError: the model returns no images of stages, or shapes differ.
        """
        restoration = as_restoration(restoration)
        first = f"{STAGE_PREFIX}1"
        required_extra(restoration, first, "every_stage", "a network with several stages")
        extras = restoration.extras.items()
        images = [restoration.image, *(x for name, x in extras if name.startswith(STAGE_PREFIX))]
        total = torch.zeros((), device=target.device)
        for image in images:
            check_shapes(image, target)
            total = total + self.loss(Restoration(image), target)
        return total

    def example_extras(self, target: Tensor, generator: Generator) -> dict[str, Tensor]:
        """Random extras for a target batch, as a network with several stages returns them."""
        noise = torch.randn(target.shape, generator=generator, dtype=target.dtype)
        return {f"{STAGE_PREFIX}{number}": target + noise / 10 / number for number in (1, 2)}
