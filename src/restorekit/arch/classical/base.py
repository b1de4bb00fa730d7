"""What the denoisers without weights share: a checked batch, a noise level, one image at a time."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from restorekit.arch.padding import check_batch
from restorekit.components.registry import estimators
from restorekit.errors import InputError

Array = np.ndarray[Any, Any]


class Classical(nn.Module):
    """Base of those that filter one image at a time as an array, told its noise level.

    They take any size and any number of channels, have no parameters and pass no gradient.
    A subclass says what `filter` does, and its registered name.

    Attributes:
        name: the registered name, for messages.
        smallest: a shorter side is continued by mirror images to this many pixels.
        size_multiple: 1, any size fits as it is.
    """

    name: ClassVar[str]
    smallest: ClassVar[int] = 1

    def __init__(self) -> None:
        super().__init__()
        self.size_multiple = 1

    def filter(self, image: Array, sigma: float) -> Array:
        """Restore one image, (H, W, C) float32 with noise of that standard deviation."""
        raise NotImplementedError

    @torch.no_grad()
    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: the noise's standard deviation, (B, 1, 1, 1), or a map of it, (B, 1, H, W), of
                which each image's root mean square is used; estimated from the image where None.

        Returns:
            The restored batch, (B, C, H, W), in the type of `noisy`; not clamped.

        Raises:
            InputError: `noisy` is not a float batch, or `sigma` does not fit it.
        """
        check_batch(noisy, None, self.name)
        levels = _estimated(noisy) if sigma is None else _level_of_each(sigma, noisy, self.name)
        given = noisy.detach().float().cpu()
        restored = torch.empty_like(noisy)
        for place, (image, level) in enumerate(zip(given, levels.tolist(), strict=True)):
            restored[place] = self._one(image, level)
        return restored

    def _one(self, image: Tensor, sigma: float) -> Tensor:
        if sigma <= 0.0:
            return image
        height, width = image.shape[1:]
        below, right = max(self.smallest - height, 0), max(self.smallest - width, 0)
        array = np.pad(
            image.movedim(0, 2).numpy(), ((0, below), (0, right), (0, 0)), mode="symmetric"
        )
        restored = self.filter(array, sigma)[:height, :width].reshape(height, width, -1)
        return torch.from_numpy(restored.astype(np.float32)).movedim(2, 0)


def _estimated(noisy: Tensor) -> Tensor:
    """One number an image, (B,), the mean of its channels."""
    sigma: Tensor = estimators.create("mad")(noisy.float())
    return sigma.mean(dim=1)


def _level_of_each(sigma: Tensor, noisy: Tensor, model: str) -> Tensor:
    """One number an image, of a number, one for each image, or a map."""
    batch = len(noisy)
    level = torch.as_tensor(sigma).detach().float()
    if level.ndim == 0:
        return level.expand(batch)
    if level.ndim != 4 or len(level) not in (1, batch):
        raise InputError(
            f"model '{model}' takes sigma as ({batch}, 1, 1, 1) or a map ({batch}, 1, H, W), "
            f"not {tuple(level.shape)}"
        )
    return level.square().flatten(1).mean(dim=1).sqrt().expand(batch)
