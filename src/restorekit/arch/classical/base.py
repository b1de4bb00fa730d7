"""What the denoisers without weights share: a checked batch, a noise level, one image at a time."""

from __future__ import annotations

import importlib
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.errors import InputError, MissingExtraError

Array = np.ndarray[Any, Any]

_MAD = 0.6744897501960817  # the median of |n| for n ~ N(0, 1)


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
        check_batch(noisy, self.name)
        levels = estimate_sigma(noisy) if sigma is None else _level_of_each(sigma, noisy, self.name)
        given = noisy.detach().float().cpu()
        images = [
            self._one(image, level) for image, level in zip(given, levels.tolist(), strict=True)
        ]
        return torch.stack(images).to(noisy)

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


def estimate_sigma(noisy: Tensor) -> Tensor:
    """The standard deviation of white noise, from the finest diagonal details of each image.

    The median absolute Haar coefficient over 0.6745, the mean of the channels; structure counts as
    noise, so it is too high where there is much (Donoho and Johnstone, Biometrika 1994,
    https://doi.org/10.1093/biomet/81.3.425).

    Args:
        noisy: (B, C, H, W).

    Returns:
        (B,) in float32; 0 for images without a pair of rows and columns.
    """
    x = noisy.detach().float()
    height, width = (side // 2 * 2 for side in x.shape[-2:])
    if not height or not width:
        return x.new_zeros(len(x))
    haar = x.new_tensor([[1.0, -1.0], [-1.0, 1.0]]).view(1, 1, 2, 2) / 2
    planes = x[..., :height, :width].reshape(-1, 1, height, width)
    details = functional.conv2d(planes, haar, stride=2).abs().flatten(1)
    return details.median(dim=1).values.view(x.shape[:2]).mean(dim=1) / _MAD


def check_batch(noisy: Tensor, model: str) -> None:
    """Refuse what is no float batch (B, C, H, W) with at least one pixel.

    Raises:
        InputError: it is not.
    """
    shape, takes = tuple(noisy.shape), f"model '{model}' takes a float batch (B, C, H, W)"
    if len(shape) == 3:
        raise InputError(f"{takes}, not a single image {shape}; add the batch with image[None]")
    if len(shape) != 4:
        raise InputError(f"{takes}, not {len(shape)} dimensions {shape}")
    if not noisy.numel():
        raise InputError(f"{takes} with C, H and W at least 1, not {shape}")
    if not noisy.is_floating_point():
        raise InputError(f"{takes} in [0, 1], not {noisy.dtype}; divide 8-bit images by 255")


def optional_module(module: str, model: str, extra: str) -> Any:
    """A module of a package that only an extra brings.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise MissingExtraError(
            f"model '{model}' needs {package}; pip install 'restorekit[{extra}]'"
        ) from error


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
