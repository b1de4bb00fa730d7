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
