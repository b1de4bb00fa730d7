"""Base class of the denoisers without weights: checks the batch, restores one image at a time."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from restorekit.arch.padding import check_batch
from restorekit.components.kinds import estimators
from restorekit.errors import InputError


class Classical(nn.Module):
    """Base class of denoisers that restore one image of known noise level at a time.

    They take any size and any number of channels, have no parameters and pass no gradient.
    A subclass implements `restore_image` and sets `name`.

    Attributes:
        name: the registered name, for messages.
        size_multiple: 1, since any height and width is accepted.

    Example:
        >>> class Halved(Classical):
        ...     name = "halved"
        ...     def restore_image(self, image, sigma):
        ...         return image / 2
        >>> x = torch.rand(2, 3, 8, 9)
        >>> torch.equal(Halved()(x, torch.full((2, 1, 1, 1), 0.1)), x / 2)
        True
    """

    name: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.size_multiple = 1

    def restore_image(self, image: Tensor, sigma: float) -> Tensor:
        """Restore one image, (C, H, W) float32, whose noise has the standard deviation `sigma`."""
        raise NotImplementedError

    @torch.no_grad()
    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: the standard deviation of the noise, (B, 1, 1, 1), or a map of it (B, 1, H, W),
                whose root mean square is used for each image; None to estimate it from the image.

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`; not clamped.

        Raises:
            InputError: `noisy` is not a float batch, or `sigma` does not fit it.
        """
        check_batch(noisy, None, self.name)
        levels = noise_levels(noisy, sigma, self.name).tolist()
        restored = noisy.clone(memory_format=torch.contiguous_format)
        for image, level in zip(restored, levels, strict=True):
            if level > 0:  # without noise nothing changes, not even by the rounding of a sum
                image.copy_(self.restore_image(image.float(), level))
        return restored


def noise_levels(noisy: Tensor, sigma: Tensor | None, model: str) -> Tensor:
    """The noise level of each image, (B,).

    Args:
        noisy: (B, C, H, W).
        sigma: a scalar, (B, 1, 1, 1) or a map (B, 1, H, W), whose root mean square is used; None to
            estimate it, averaged over the channels.
        model: the registered name of the model, for messages.

    Raises:
        InputError: `sigma` does not fit the batch.
    """
    if sigma is None:
        estimated: Tensor = estimators.create("mad")(noisy.float())
        return estimated.mean(dim=1)
    batch = len(noisy)
    given = torch.as_tensor(sigma).detach().float()
    if given.ndim == 0:
        return given.expand(batch)
    if given.ndim != 4 or len(given) not in (1, batch):
        raise InputError(
            f"model '{model}' takes sigma as ({batch}, 1, 1, 1) or a map ({batch}, 1, H, W), "
            f"not {tuple(given.shape)}"
        )
    # The root mean square, since variances add up where standard deviations do not.
    return given.square().flatten(1).mean(dim=1).sqrt().expand(batch)
