"""Regularizers: loss terms that depend on the output of the model only."""

from __future__ import annotations

import torch
from kornia.losses import total_variation
from torch import Generator, Tensor, nn

from restorekit.loss.base import ImageLoss, extras_of_equal_shape
from restorekit.records import Restoration, as_restoration


class TotalVariation(ImageLoss):
    """Anisotropic total variation of the restored image, as a mean.

    The mean absolute difference of vertical neighbours plus that of horizontal neighbours, averaged
    over channels and batch. Unlike the sum of https://doi.org/10.1016/0167-2789(92)90242-F it does
    not grow with the size of the image.

    Example:
        >>> loss = restorekit.create_loss("total_variation")
        >>> flat = restorekit.Restoration(torch.full_like(batch, 0.5))
        >>> loss(flat, batch)
        tensor(0.)
    """

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """The total variation of the restored batch; the target is ignored."""
        variation: Tensor = total_variation(restored, "mean")
        return variation.mean()


class KLDivergence(nn.Module):
    """KL(N(mean, exp(log_variance)) || N(0, 1)), for the latent of a VAE.

    Summed over the dimensions of the latent and averaged over the batch, as in
    https://arxiv.org/abs/1312.6114. That paper sums the pixel losses too, while those of restorekit
    are means, so a weight of about 1 / (C * H * W) gives the same balance.

    Example:
        >>> loss = restorekit.create_loss("kl_divergence")
        >>> standard = {"mean": torch.zeros(2, 8), "log_variance": torch.zeros(2, 8)}
        >>> loss(restorekit.Restoration(batch, standard), batch)
        tensor(0.)
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, restoration: Restoration | Tensor, target: Tensor) -> Tensor:
        """The divergence of the latent from the standard normal distribution.

        Args:
            restoration: has the extras "mean" and "log_variance", (B, ...) of equal shape.
            target: ignored.

        Returns:
            A float32 scalar, at least 0.

        Raises:
            InputError: the model does not return these extras, or their shapes differ.
        """
        restoration = as_restoration(restoration)
        names = ("mean", "log_variance")
        mean, log_variance = extras_of_equal_shape(restoration, names, "kl_divergence", "a VAE")
        with torch.autocast(mean.device.type, enabled=False):
            mean, log_variance = mean.float(), log_variance.float()
            # expm1(v) - v is accurate near the prior, where exp(v) - v - 1 suffers cancellation.
            twice = mean.square() + (log_variance.expm1() - log_variance)
            return 0.5 * twice.flatten(1).sum(dim=1).mean()

    def example_extras(self, target: Tensor, generator: Generator) -> dict[str, Tensor]:
        """Random extras for a target batch, as a VAE returns them."""
        shape = (len(target), 8)
        return {name: torch.randn(shape, generator=generator) for name in ("mean", "log_variance")}
