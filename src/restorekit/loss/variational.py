"""The variational objective of VDN, which trains a denoiser and a noise level estimator together.

Yue et al., Variational Denoising Network: Toward Blind Noise Modeling and Removal, NeurIPS 2019,
https://arxiv.org/abs/1908.11314
"""

from __future__ import annotations

import math

import torch
from kornia.filters import gaussian_blur2d
from torch import Generator, Tensor, nn

from restorekit.errors import ArgumentError
from restorekit.loss.base import check_shapes, required_extra
from restorekit.records import Restoration, as_restoration

# Bounds of all predicted logarithms, and the least variance of the noise, as published.
LOWEST, HIGHEST = math.log(1e-8), math.log(1e4)
LEAST_VARIANCE = 1e-10
EXTRAS = ("noise", "image_log_variance", "log_alpha", "log_beta")


class VDN(nn.Module):
    """Negative lower bound of the likelihood of a noisy image, for the model `vdn`.

    The noise of each pixel is Gaussian with an unknown variance. The clean image has a Gaussian
    prior around the target of variance `image_variance`; the noise variance has an inverse gamma
    prior whose mode is the square of the true noise, smoothed by a Gaussian window. The loss is the
    expected negative log-likelihood of the noisy image, plus the Kullback-Leibler divergences
    between the network's distributions and these priors, each a mean over pixels. It may be
    negative, since a density can exceed 1. For a small `image_variance` the divergence of the image
    dominates, which is the mean squared error divided by 2 `image_variance`.

    Losses this large need a small learning rate or clipped gradients.

    Reference: https://arxiv.org/abs/1908.11314

    Args:
        image_variance: Variance of the prior of the clean image. The published networks have 5e-5
            for synthetic noise and 1e-6 for real noise.
        radius: Radius in pixels of the window of the prior of the noise variance; also its standard
            deviation. Images must be larger than it.

    Raises:
        ArgumentError: `image_variance` is not positive, or `radius` below 1.

    Example:
        >>> loss = restorekit.create_loss("vdn")
        >>> model = restorekit.create_model("vdn", width=4, depth=2, sigma_width=4)
        >>> loss(model(batch), batch).shape
        torch.Size([])
    """

    def __init__(self, image_variance: float = 5e-5, radius: int = 3) -> None:
        super().__init__()
        if not image_variance > 0:
            raise ArgumentError(
                f"loss 'vdn': image_variance must be positive, not {image_variance}"
            )
        if radius < 1:
            raise ArgumentError(f"loss 'vdn': radius must be at least 1, not {radius}")
        self.image_variance = image_variance
        self.radius = radius

    def forward(self, restoration: Restoration | Tensor, target: Tensor) -> Tensor:
        """The negative lower bound, averaged over pixels, channels and batch.

        Args:
            restoration: the restored batch, (B, C, H, W), with the extras of the model `vdn`.
            target: the clean batch, (B, C, H, W), in [0, 1].

        Returns:
            A float32 scalar.

        Raises:
            InputError: the model does not return these extras, or the shapes differ.
        """
        restoration = as_restoration(restoration)
        found = [required_extra(restoration, name, "vdn", "the model 'vdn'") for name in EXTRAS]
        check_shapes(restoration.image, target)
        with torch.autocast(target.device.type, enabled=False):
            noise, *logarithms = (extra.float() for extra in found)
            log_variance, log_alpha, log_beta = (x.clamp(LOWEST, HIGHEST) for x in logarithms)
            error = restoration.image.float() - target.float()
            alpha = log_alpha.exp()
            precision = (log_alpha - log_beta).exp()  # the mean of 1 / variance
            expected_square = noise.square() + log_variance.exp()
            log_noise_variance = log_beta - torch.digamma(alpha)
            surprise = math.log(2 * math.pi) + log_noise_variance + expected_square * precision
            return (
                0.5 * surprise.mean()
                + self._divergence_of_image(error, log_variance)
                + self._divergence_of_noise(noise + error, log_alpha, log_beta)
            )

    def _divergence_of_image(self, error: Tensor, log_variance: Tensor) -> Tensor:
        """KL(N(image, variance) || N(target, image_variance)), as a mean."""
        relative = log_variance - math.log(self.image_variance)
        # expm1(x) - x is accurate near the prior, where exp(x) - x - 1 suffers cancellation.
        twice = error.square() / self.image_variance + (relative.expm1() - relative)
        return 0.5 * twice.mean()

    def _divergence_of_noise(
        self, true_noise: Tensor, log_alpha: Tensor, log_beta: Tensor
    ) -> Tensor:
        """KL(IG(alpha, beta) || IG(alpha_0, beta_0)), as a mean.

        The mode of the prior, beta_0 / (alpha_0 + 1), is the smoothed square of the true noise.
        """
        side = 2 * self.radius + 1
        variance = gaussian_blur2d(true_noise.square(), (side, side), (self.radius, self.radius))
        prior_alpha = log_alpha.new_tensor(side**2 / 2 - 1)
        prior_beta = side**2 / 2 * variance.clamp(min=LEAST_VARIANCE)
        alpha = log_alpha.exp()
        divergence = (
            (alpha - prior_alpha) * torch.digamma(alpha)
            + torch.lgamma(prior_alpha)
            - torch.lgamma(alpha)
            + prior_alpha * (log_beta - prior_beta.log())
            + prior_beta * (log_alpha - log_beta).exp()
            - alpha
        )
        return divergence.mean()

    def example_extras(self, target: Tensor, generator: Generator) -> dict[str, Tensor]:
        """Random extras for a target batch, as the model `vdn` returns them."""
        return {
            name: 0.1 * torch.randn(target.shape, generator=generator, dtype=target.dtype)
            for name in EXTRAS
        }
