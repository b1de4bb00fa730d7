"""The loss of CBDNet, which trains a denoiser and its estimate of the noise level together.

Guo et al., Toward Convolutional Blind Denoising of Real Photographs, CVPR 2019,
https://arxiv.org/abs/1807.04686
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from restorekit.errors import ArgumentError
from restorekit.loss.base import check_shapes, required_extra
from restorekit.records import Restoration, as_restoration


class CBDNet(nn.Module):
    """Squared error of the image, and two terms of the estimated noise level, for `cbdnet`.

    The *asymmetric* term is the squared error of the noise level, multiplied by `alpha` where the
    estimate is too high and by 1 - `alpha` where it is too low: a denoiser removes too little noise
    if its level is too low, which is the worse mistake. The *variation* term is the squared
    difference of neighbouring pixels of the estimate, which keeps it smooth. All terms are means
    over pixels and channels.

    The true level is the `sigma` that the network was called with. Where it is unknown, as for real
    photographs, the asymmetric term is left out, as in the paper. A level of 0 counts as unknown.

    Reference: https://arxiv.org/abs/1807.04686

    Args:
        alpha: Weight of estimates that are too high, between 0 and 1; that of estimates that are
            too low is 1 - `alpha`.
        asymmetric: Weight of the asymmetric term.
        variation: Weight of the variation term.

    Raises:
        ArgumentError: `alpha` is not between 0 and 1, or a weight is negative.

    Example:
        >>> loss = restorekit.create_loss("cbdnet")
        >>> model = restorekit.create_model("cbdnet", preset="tiny")
        >>> loss(model(batch + 0.1, torch.full((1, 1, 1, 1), 0.1)), batch).shape
        torch.Size([])
    """

    def __init__(
        self, alpha: float = 0.3, asymmetric: float = 0.5, variation: float = 0.05
    ) -> None:
        super().__init__()
        if not 0 < alpha < 1:
            raise ArgumentError(f"loss 'cbdnet': alpha must be between 0 and 1, not {alpha}")
        for name, weight in (("asymmetric", asymmetric), ("variation", variation)):
            if not weight >= 0:
                raise ArgumentError(f"loss 'cbdnet': {name} must be at least 0, not {weight}")
        self.alpha = alpha
        self.asymmetric = asymmetric
        self.variation = variation

    def forward(self, restoration: Restoration | Tensor, target: Tensor) -> Tensor:
        """The weighted sum of the three terms.

        Args:
            restoration: the restored batch, (B, C, H, W), with the extras of the model `cbdnet`.
            target: the clean batch, (B, C, H, W), in [0, 1].

        Returns:
            A float32 scalar.

        Raises:
            InputError: the model returns no estimate of the noise level, or the shapes differ.
        """
        restoration = as_restoration(restoration)
        level = required_extra(restoration, "noise_level", "cbdnet", "the model 'cbdnet'").float()
        check_shapes(restoration.image, target)
        with torch.autocast(target.device.type, enabled=False):
            error = (restoration.image.float() - target.float()).square().mean()
            total = error + self.variation * squared_variation(level)
            if (true := restoration.extras.get("sigma")) is not None:
                total = total + self.asymmetric * self._asymmetric(level, true.float())
            return total

    def _asymmetric(self, level: Tensor, true: Tensor) -> Tensor:
        weight = torch.where(level < true, 1 - self.alpha, self.alpha)
        weight = torch.where(true > 0, weight, 0.0)
        return (weight * (level - true).square()).mean()

    def example_extras(self, target: Tensor, generator: Generator) -> dict[str, Tensor]:
        """Random extras for a target batch, as the model `cbdnet` returns them."""
        level = 0.2 * torch.rand(target.shape, generator=generator, dtype=target.dtype)
        return {"noise_level": level, "sigma": level.new_full((len(target), 1, 1, 1), 0.1)}


def squared_variation(level: Tensor) -> Tensor:
    """The squared differences of neighbours, for each pixel of (B, C, H, W).

    Example:
        >>> squared_variation(torch.tensor([[[[0.0, 2.0]]]]))
        tensor(2.)
    """
    differences = (level.diff(dim=axis).square().sum() for axis in (-2, -1))
    return sum(differences, start=level.new_zeros(())) / level.numel()
