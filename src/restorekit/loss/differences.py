"""Losses that compare differences of neighbouring pixels: gradients and edges."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from restorekit.loss.base import ImageLoss
from restorekit.loss.pixel import Charbonnier


class Gradient(ImageLoss):
    """Mean absolute error of the differences of neighbouring pixels, across and down.

    It is 0 for images that differ by a constant, so combine it with a pixel loss.

    Example:
        >>> loss = restorekit.create_loss("gradient")
        >>> float(loss(restorekit.Restoration(batch + 0.1), batch)) < 1e-6
        True
    """

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """The sum of the mean errors of both directions."""
        error = restored - target
        across = error.diff(dim=-1).abs().sum() / max(1, error[..., 1:].numel())
        down = error.diff(dim=-2).abs().sum() / max(1, error[..., 1:, :].numel())
        return across + down


class Edge(Charbonnier):
    """Smooth absolute error of the Laplacians of both images: mean sqrt(difference^2 + epsilon^2).

    The Laplacian is the sum of the four neighbours minus four times the pixel. Images are mirrored
    about their border. It is least for images that differ by a constant or a slope, so combine it
    with a pixel loss.

    Args:
        epsilon: Differences below it contribute quadratically, larger ones linearly.

    Raises:
        ValueError: epsilon is below 1e-12 or above 1.

    Example:
        >>> loss = restorekit.create_loss("edge", epsilon=0.001)
        >>> loss(restorekit.Restoration(batch + 0.1), batch)
        tensor(0.0010)
    """

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """The smooth error of the Laplacians."""
        # The Laplacian is linear, so one of the difference is enough.
        error = _laplacian(restored - target)
        return super().compare(error, torch.zeros_like(error))


def _laplacian(image: Tensor) -> Tensor:
    # The border pixel is repeated, as it is where an image is mirrored about its edge.
    wide = F.pad(image, (1, 1, 1, 1), mode="replicate")
    inside = wide[..., 1:-1, 1:-1]
    rows = wide[..., :-2, 1:-1] + wide[..., 2:, 1:-1]
    columns = wide[..., 1:-1, :-2] + wide[..., 1:-1, 2:]
    return torch.add(rows + columns, inside, alpha=-4)
