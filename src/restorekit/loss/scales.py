"""Losses on several scales: blurred colours, wavelets, and any loss of reduced images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kornia.filters import gaussian_blur2d
from torch import Tensor, nn
from torch.nn import functional as F

from restorekit.components.kinds import losses
from restorekit.errors import InputError
from restorekit.loss.base import ImageLoss
from restorekit.records import Restoration


class Colour(ImageLoss):
    """Mean squared error of the blurred images, which compares colours and not details.

    Ignatov et al., DSLR-Quality Photos on Mobile Devices, ICCV 2017,
    https://arxiv.org/abs/1704.02470

    Args:
        radius: Standard deviation of the Gaussian window in pixels.

    Raises:
        ValueError: radius is outside [0.1, 20].

    Example:
        >>> loss = restorekit.create_loss("colour")
        >>> loss(restorekit.Restoration(batch + 0.1), batch)
        tensor(0.0100)
    """

    def __init__(self, radius: float = 3.0) -> None:
        super().__init__()
        if not 0.1 <= radius <= 20.0:
            raise ValueError(f"radius must be between 0.1 and 20 pixels, not {radius}")
        self.radius = float(radius)

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """The mean squared error after the blur."""
        side = 2 * round(3 * self.radius) + 1
        blurred: Tensor = gaussian_blur2d(
            restored - target, (side, side), (self.radius, self.radius), "replicate"
        )
        return blurred.square().mean()

    def extra_repr(self) -> str:
        """The arguments, shown when the module is printed."""
        return f"radius={self.radius}"


class Wavelet(ImageLoss):
    """Mean absolute error of the Haar wavelet coefficients, averaged over the levels.

    The transform is orthonormal. A level has three details, and the last one also the mean. An odd
    side is extended by its last pixel.

    Args:
        levels: Number of levels.

    Raises:
        ValueError: levels is outside 1 to 8.

    Example:
        >>> loss = restorekit.create_loss("wavelet", levels=1)
        >>> loss(restorekit.Restoration(batch + 0.1), batch)
        tensor(0.0500)
    """

    def __init__(self, levels: int = 3) -> None:
        super().__init__()
        if not 1 <= levels <= 8:
            raise ValueError(f"levels must be between 1 and 8, not {levels}")
        self.levels = levels

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """The mean absolute error of the coefficients."""
        mean, total = restored - target, restored.new_zeros(())
        for level in range(1, self.levels + 1):
            mean, *details = _haar(mean)
            bands = [*details, mean] if level == self.levels else details
            total = total + sum(band.abs().mean() for band in bands) / len(bands)
        return total / self.levels

    def extra_repr(self) -> str:
        """The arguments, shown when the module is printed."""
        return f"levels={self.levels}"


class MultiScale(ImageLoss):
    """Another loss, averaged over the images and smaller versions of them.

    Each version has half the size of the one before, by the mean of 2x2 pixels.

    Args:
        loss: The loss: a name, a {"name": ..., argument: ...} mapping or a module that takes a
            restoration and a target.
        scales: Number of sizes, the full one included.

    Raises:
        ValueError: the argument is not a loss, or scales is outside 1 to 8.
        UnknownNameError: no loss has that name.
        ArgumentError: the loss was given an argument it cannot use.

    Example:
        >>> loss = restorekit.create_loss("multi_scale", loss="mse", scales=3)
        >>> loss(restorekit.Restoration(batch + 0.1), batch)
        tensor(0.0100)
    """

    def __init__(self, loss: str | Mapping[str, Any] | nn.Module = "l1", scales: int = 3) -> None:
        super().__init__()
        if not 1 <= scales <= 8:
            raise ValueError(f"scales must be between 1 and 8, not {scales}")
        made = losses.build(loss)
        if not isinstance(made, nn.Module):
            raise ValueError(f"{made!r} is not a loss: give a name, a mapping or a module")
        self.loss, self.scales = made, scales

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """The mean of the losses of all sizes.

        Raises:
            InputError: the images are too small to be halved that often.
        """
        least = 2 ** (self.scales - 1)
        if min(restored.shape[-2:]) < least:
            height, width = restored.shape[-2:]
            raise InputError(
                f"multi_scale with {self.scales} scales needs images of at least {least}x{least} "
                f"pixels, got {height}x{width}"
            )
        total = restored.new_zeros(())
        for scale in range(self.scales):
            if scale:
                restored, target = F.avg_pool2d(restored, 2), F.avg_pool2d(target, 2)
            total = total + self.loss(Restoration(restored), target)
        return total / self.scales

    def extra_repr(self) -> str:
        """The arguments, shown when the module is printed."""
        return f"scales={self.scales}"


def _haar(image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The mean and three details of a level, each (B, C, ceil(H / 2), ceil(W / 2))."""
    height, width = image.shape[-2:]
    if height % 2 or width % 2:
        image = F.pad(image, (0, width % 2, 0, height % 2), mode="replicate")
    top, bottom = image[..., 0::2, :], image[..., 1::2, :]
    a, b, c, d = top[..., 0::2], top[..., 1::2], bottom[..., 0::2], bottom[..., 1::2]
    return (a + b + c + d) / 2, (a + b - c - d) / 2, (a - b + c - d) / 2, (a - b - c + d) / 2
