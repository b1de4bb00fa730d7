"""Losses that compare pixel by pixel, averaged over every value of the batch."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from restorekit.loss.base import ImageLoss


class L1(ImageLoss):
    """Mean absolute error: mean |restored - target|.

    Example:
        >>> loss = restorekit.create_loss("l1")
        >>> loss(restorekit.Restoration(batch + 0.1), batch)
        tensor(0.1000)
    """

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """The mean absolute error."""
        return F.l1_loss(restored, target)


class MSE(ImageLoss):
    """Mean squared error: mean (restored - target)^2.

    Example:
        >>> loss = restorekit.create_loss("mse")
        >>> loss(restorekit.Restoration(batch + 0.1), batch)
        tensor(0.0100)
    """

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """The mean squared error."""
        return F.mse_loss(restored, target)


class Charbonnier(ImageLoss):
    """Smooth absolute error: mean sqrt((restored - target)^2 + epsilon^2).

    This is the form of the restoration literature (https://arxiv.org/abs/1704.03915). Its minimum
    is epsilon, not 0.

    Args:
        epsilon: Differences below it contribute quadratically, larger ones linearly.

    Raises:
        ValueError: epsilon is below 1e-12, where its square underflows in float32, or above 1.

    Example:
        >>> loss = restorekit.create_loss("charbonnier", epsilon=0.001)
        >>> loss(restorekit.Restoration(batch), batch)
        tensor(0.0010)
    """

    def __init__(self, epsilon: float = 1e-3) -> None:
        super().__init__()
        if not 1e-12 <= epsilon <= 1.0:
            raise ValueError(f"epsilon must be between 1e-12 and 1, not {epsilon}")
        self.epsilon = float(epsilon)

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """The mean smooth absolute error."""
        return ((restored - target).square() + self.epsilon**2).sqrt().mean()

    def extra_repr(self) -> str:
        """The arguments, shown when the module is printed."""
        return f"epsilon={self.epsilon}"


class Huber(ImageLoss):
    """Squared error for small differences d, absolute error for large ones.

    The mean of d^2 / 2 where |d| <= delta, and delta (|d| - delta / 2) elsewhere
    (Huber, 1964, https://doi.org/10.1214/aoms/1177703732).

    Args:
        delta: The difference where the square ends, on the images' scale of [0, 1].

    Raises:
        ValueError: delta is below 1e-6 or above 1.

    Example:
        >>> loss = restorekit.create_loss("huber", delta=0.05)
        >>> round(float(loss(restorekit.Restoration(batch + 0.1), batch)), 5)
        0.00375
    """

    def __init__(self, delta: float = 0.05) -> None:
        super().__init__()
        if not 1e-6 <= delta <= 1.0:
            raise ValueError(f"delta must be between 1e-06 and 1, not {delta}")
        self.delta = float(delta)

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """The mean Huber error."""
        return F.huber_loss(restored, target, delta=self.delta)

    def extra_repr(self) -> str:
        """The argument, shown when the module is printed."""
        return f"delta={self.delta}"


class PSNR(ImageLoss):
    """100 dB minus the peak signal-to-noise ratio of each image, the mean over the batch.

    With MSE the mean squared error of an image, 10 log10(1 + 1e10 MSE): 0 for equal images, 80 for
    a PSNR of 20 dB. Every image has the same weight, however noisy it is.

    Example:
        >>> loss = restorekit.create_loss("psnr")
        >>> round(float(loss(restorekit.Restoration(batch + 0.1), batch)), 3)
        80.0
    """

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """The mean of 100 - PSNR."""
        error = (restored - target).square().flatten(1).mean(dim=1)
        return 10.0 * (1.0 + 1e10 * error).log10().mean()
