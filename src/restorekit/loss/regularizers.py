"""Regularizers: loss terms that look at the model's output alone."""

from __future__ import annotations

import torch
from kornia.losses import total_variation
from torch import Tensor, nn

from restorekit.errors import InputError
from restorekit.loss.base import ImageLoss
from restorekit.records import Restoration


class TotalVariation(ImageLoss):
    """Anisotropic total variation of the restored image, per difference.

    The mean |difference| of vertical neighbours plus the mean |difference| of horizontal ones,
    averaged over channels and batch: unlike the sum of
    https://doi.org/10.1016/0167-2789(92)90242-F, it does not grow with the image.
    """

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """The total variation of the restored batch; the target plays no part."""
        variation: Tensor = total_variation(restored, "mean")
        return variation.mean()


class KLDivergence(nn.Module):
    """KL(N(mean, exp(log_variance)) || N(0, 1)) of a VAE's latent.

    Summed over the dimensions of the latent and averaged over the batch, as in
    https://arxiv.org/abs/1312.6114, so that a sample counts the same in a batch of any size. Pixel
    losses here are means, not sums: a weight around 1 / (C * H * W) balances the two as there.
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, restoration: Restoration, target: Tensor) -> Tensor:
        """The divergence of the latent from the standard normal distribution.

        Args:
            restoration: holds the extras "mean" and "log_variance", (B, ...) of one shape.
            target: plays no part.

        Returns:
            A float32 scalar, at least 0.

        Raises:
            InputError: the model returns no such extras, or their shapes differ.
        """
        mean, log_variance = (_extra(restoration, name) for name in ("mean", "log_variance"))
        if mean.shape != log_variance.shape:
            raise InputError(
                f"the extra 'mean' has shape {tuple(mean.shape)}, 'log_variance' "
                f"{tuple(log_variance.shape)}; they must be equal"
            )
        with torch.autocast(mean.device.type, enabled=False):
            mean, log_variance = mean.float(), log_variance.float()
            # expm1(v) - v keeps its digits where exp(v) - v - 1 cancels, near the prior.
            twice = mean.square() + (log_variance.expm1() - log_variance)
            return 0.5 * twice.flatten(1).sum(dim=1).mean()


def _extra(restoration: Restoration, name: str) -> Tensor:
    if name not in restoration.extras:
        given = ", ".join(restoration.extras) or "none"
        raise InputError(
            f"kl_divergence needs the extra '{name}' of a VAE; this model's extras: {given}"
        )
    return restoration.extras[name]
