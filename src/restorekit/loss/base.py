"""Base class of image losses: checks the shapes and computes in float32 under mixed precision."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restorekit.errors import InputError
from restorekit.records import Restoration, as_restoration


def check_shapes(image: Tensor, target: Tensor) -> None:
    """Raise an error unless the restored batch and its target have equal shapes.

    Raises:
        InputError: the shapes differ.
    """
    if image.shape != target.shape:
        raise InputError(
            f"the restored images have shape {tuple(image.shape)} and their targets "
            f"{tuple(target.shape)}; the shapes must be equal"
        )


def required_extra(restoration: Restoration, name: str, loss: str, source: str) -> Tensor:
    """An extra tensor that a loss needs.

    Args:
        restoration: what a model returned.
        name: the name of the extra.
        loss: the registered name of the loss, for the message.
        source: what returns it, for the message, for example "a VAE".

    Raises:
        InputError: the model does not return it.
    """
    if name not in restoration.extras:
        given = ", ".join(restoration.extras) or "none"
        raise InputError(
            f"{loss} needs the extra '{name}' of {source}; this model's extras: {given}"
        )
    return restoration.extras[name]


def extras_of_equal_shape(
    restoration: Restoration, names: tuple[str, str], loss: str, source: str
) -> tuple[Tensor, Tensor]:
    """Two extra tensors that a loss compares element by element.

    Args:
        restoration: what a model returned.
        names: the names of the extras.
        loss: the registered name of the loss, for the message.
        source: what returns them, for the message.

    Raises:
        InputError: the model does not return them, or their shapes differ.
    """
    first, second = (required_extra(restoration, name, loss, source) for name in names)
    if first.shape != second.shape:
        raise InputError(
            f"the extra '{names[0]}' has shape {tuple(first.shape)} and '{names[1]}' "
            f"{tuple(second.shape)}; the shapes must be equal"
        )
    return first, second


class ImageLoss(nn.Module):
    """Base class of loss terms that compare the restored batch with the clean one.

    A subclass implements `compare`, which is called with two float32 tensors of equal shape and
    with autocast disabled, since squares and small differences are inaccurate in half precision.
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, restoration: Restoration | Tensor, target: Tensor) -> Tensor:
        """Compare a model's output with its target.

        Args:
            restoration: the restored batch, (B, C, H, W), in about [0, 1], or what holds it. It is
                not clamped, since clamping would remove the gradient of values outside of the
                range.
            target: the clean batch, (B, C, H, W), in [0, 1].

        Returns:
            A float32 scalar.

        Raises:
            InputError: the shapes differ.
        """
        image = as_restoration(restoration).image
        check_shapes(image, target)
        # In half precision, sums over an image overflow and SSIM exceeds 1.
        with torch.autocast(image.device.type, enabled=False):
            return self.compare(image.float(), target.float())

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """The loss of a restored batch (B, C, H, W) given its target, a scalar."""
        raise NotImplementedError
