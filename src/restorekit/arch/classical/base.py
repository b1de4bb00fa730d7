"""Base class of the denoisers without weights: checks the batch, filters one image at a time."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from restorekit.arch.padding import check_batch
from restorekit.components.kinds import estimators
from restorekit.errors import InputError

Array = np.ndarray[Any, Any]


class Classical(nn.Module):
    """Base class of denoisers that filter one numpy image of known noise level at a time.

    They take any size and any number of channels, have no parameters and pass no gradient.
    A subclass implements `filter` and sets `name`.

    Attributes:
        name: the registered name, for messages.
        smallest: shorter sides are padded by mirroring to this many pixels.
        size_multiple: 1, since any height and width is accepted.

    Example:
        >>> class Identity(Classical):
        ...     name = "identity"
        ...     def filter(self, image, sigma):
        ...         return image
        >>> x = torch.rand(2, 3, 8, 9)
        >>> torch.equal(Identity()(x, torch.full((2, 1, 1, 1), 0.1)), x)
        True
    """

    name: ClassVar[str]
    smallest: ClassVar[int] = 1

    def __init__(self) -> None:
        super().__init__()
        self.size_multiple = 1

    def filter(self, image: Array, sigma: float) -> Array:
        """Restore one image, (H, W, C) float32, whose noise has the standard deviation `sigma`."""
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
        sigmas = noise_levels(noisy, sigma, self.name)
        images = noisy.detach().float().cpu()
        restored = torch.empty_like(noisy)
        for index, (image, image_sigma) in enumerate(zip(images, sigmas.tolist(), strict=True)):
            restored[index] = self._restore_image(image, image_sigma)
        return restored

    def _restore_image(self, image: Tensor, sigma: float) -> Tensor:
        if sigma <= 0.0:
            return image
        height, width = image.shape[1:]
        # Filters with windows or scales fail, or see only their own border, on tiny images.
        below, right = max(self.smallest - height, 0), max(self.smallest - width, 0)
        array = np.pad(
            image.movedim(0, 2).numpy(), ((0, below), (0, right), (0, 0)), mode="symmetric"
        )
        restored = self.filter(array, sigma)[:height, :width].reshape(height, width, -1)
        return torch.from_numpy(restored.astype(np.float32)).movedim(2, 0)


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
