"""What the loss terms of images share: a checked pair, in float32 whatever the training's dtype."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restorekit.errors import InputError
from restorekit.records import Restoration


class ImageLoss(nn.Module):
    """A loss term that compares the restored batch with the clean one.

    A subclass says how in `compare`, which is always called with two float32 tensors of one shape
    and with autocast off: squares and small differences do not survive half precision.
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, restoration: Restoration, target: Tensor) -> Tensor:
        """Compare a model's output with its target.

        Args:
            restoration: holds the restored batch, (B, C, H, W), about [0, 1]; never clamped here,
                since a value that has left the range must be able to come back.
            target: the clean batch, (B, C, H, W) in [0, 1].

        Returns:
            A float32 scalar.

        Raises:
            InputError: the shapes differ.
        """
        image = restoration.image
        if image.shape != target.shape:
            raise InputError(
                f"the restored images have shape {tuple(image.shape)}, their targets "
                f"{tuple(target.shape)}; they must be equal"
            )
        with torch.autocast(image.device.type, enabled=False):
            return self.compare(image.float(), target.float())

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """The loss of a restored batch, a scalar."""
        raise NotImplementedError
