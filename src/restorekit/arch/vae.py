"""VAE: a variational autoencoder with a small convolutional latent.

Kingma and Welling, Auto-Encoding Variational Bayes, ICLR 2014, https://arxiv.org/abs/1312.6114.
It is trained as a denoiser, with a noisy input and a clean target, as in Im et al., Denoising
Criterion for Variational Auto-Encoding Framework, AAAI 2017, https://arxiv.org/abs/1511.06406.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from restorekit.arch.layers import conv3x3, downsample, upsample
from restorekit.arch.padding import (
    check_at_least,
    check_at_most,
    check_batch,
    crop,
    pad_to_multiple,
)
from restorekit.records import Restoration

# exp(10) is finite in float16, and exp(-10 / 2) = 0.007 is a negligible standard deviation.
LOG_VARIANCE_BOUND = 10.0
INITIAL_LOG_VARIANCE = -4.0
# The most halvings. Each doubles the width, and no picture is large enough for more.
DEEPEST = 16
MID_GRAY = 0.5


def reparameterise(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Draw a sample of N(mean, exp(log_variance)), differentiable with respect to both.

    The random numbers are those of torch's default generator, which the Trainer seeds at each step
    from the seed of the run.
    """
    return mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a ReLU, added to the input: (B, C, H, W) -> (B, C, H, W).

    A network of this depth without normalisation trains poorly unless its blocks are residual. The
    block starts close to the identity, so that signal and gradient pass nearly unchanged at first.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv3x3(channels, channels),
            nn.ReLU(inplace=True),
            conv3x3(channels, channels, gain=0.1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The block's output."""
        change: Tensor = self.body(x)
        return x + change


def make_encoder(channels: int, width: int, depth: int) -> nn.Sequential:
    """Layers that halve the size `depth` times: (B, C, H, W) -> (B, width 2^depth, h, w)."""
    layers = nn.Sequential(conv3x3(channels, width, gain=1.0), ResidualBlock(width))
    for fine, coarse in _steps(width, depth):
        layers.extend((downsample(fine, coarse), ResidualBlock(coarse)))
    return layers


def make_decoder(latent_channels: int, width: int, depth: int) -> nn.Sequential:
    """Layers that double the size: (B, latent_channels, h, w) -> (B, width, H, W)."""
    deepest = width * 2**depth
    layers = nn.Sequential(conv3x3(latent_channels, deepest, gain=1.0), ResidualBlock(deepest))
    for fine, coarse in reversed(_steps(width, depth)):
        layers.extend((upsample(coarse, fine), ResidualBlock(fine)))
    return layers


def _steps(width: int, depth: int) -> list[tuple[int, int]]:
    """The widths before and after each halving."""
    return list(pairwise(width * 2**scale for scale in range(depth + 1)))


class VAE(nn.Module):
    """Variational autoencoder, for use with `kl_divergence`. Blind: `sigma` is ignored.

    In training mode the latent is sampled from the posterior, with torch's default generator (the
    Trainer seeds it at each step from the seed of the run). In evaluation mode it is the mean of
    the posterior, so that the result is deterministic. There are no skip connections: the image
    passes through the latent, which by default is 12 times smaller than a colour image, so fine
    texture is lost.

    Any height and width is accepted: the batch is padded by mirroring to a multiple of
    `size_multiple`.

    Reference: https://arxiv.org/abs/1312.6114

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels at full size; they double at each halving.
        depth: Number of halvings between image and latent.
        latent_channels: Channels of the latent; more of them keep more detail.

    Attributes:
        size_multiple: 2^depth.

    Raises:
        ArgumentError: an argument is below 1, or `depth` above 16.

    Example:
        >>> model = restorekit.create_model("vae", channels=3, width=4, depth=2).eval()
        >>> restoration = model(torch.rand(2, 3, 17, 20))
        >>> restoration.image.shape, restoration.extras["mean"].shape
        (torch.Size([2, 3, 17, 20]), torch.Size([2, 16, 5, 5]))
    """

    def __init__(
        self, channels: int = 3, width: int = 16, depth: int = 3, latent_channels: int = 16
    ) -> None:
        super().__init__()
        check_at_least(
            1, "vae", channels=channels, width=width, depth=depth, latent_channels=latent_channels
        )
        check_at_most(DEEPEST, "vae", depth=depth)
        self.channels = channels
        self.size_multiple = 2**depth
        self.latent_channels = latent_channels
        coarsest = width * 2**depth
        self.encoder = make_encoder(channels, width, depth)
        self.mean = conv3x3(coarsest, latent_channels, gain=1.0)
        self.log_variance = conv3x3(coarsest, latent_channels, gain=0.1)
        # The posterior starts narrow, so that the decoder first learns from nearly undisturbed
        # means, which are also what evaluation mode uses.
        nn.init.constant_(self.log_variance.bias, INITIAL_LOG_VARIANCE)  # type: ignore[arg-type]
        self.decoder = make_decoder(latent_channels, width, depth)
        # Linear, starting around mid-gray. A sigmoid would reach black and white only
        # asymptotically and pass almost no gradient there. Values outside of [0, 1] are clamped
        # when an image is saved.
        self.image = conv3x3(width, channels, gain=0.1)

    def encode(self, noisy: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the latent, each (B, latent_channels, H/2^depth, W/2^depth).

        H and W are rounded up to a multiple of `size_multiple`. The log-variance is limited to
        +-10 by tanh, so that its exponential does not overflow in any dtype. Unlike a hard clamp,
        tanh still passes a gradient near the limit.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels.
        """
        check_batch(noisy, self.channels, "vae")
        x, _ = pad_to_multiple(noisy, self.size_multiple)
        features = self.encoder(x)
        # In the dtype of the input, which is float32 under autocast: the precision of bfloat16 is
        # too low for sampling.
        mean = self.mean(features).to(noisy.dtype)
        log_variance = self.log_variance(features).to(noisy.dtype)
        return mean, LOG_VARIANCE_BOUND * torch.tanh(log_variance / LOG_VARIANCE_BOUND)

    def decode(self, latent: Tensor) -> Tensor:
        """Decode a latent: (B, latent_channels, h, w) -> (B, C, h * 2^depth, w * 2^depth)."""
        image: Tensor = MID_GRAY + self.image(self.decoder(latent))
        return image.to(latent.dtype)

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Restoration:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: ignored.

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`, not clamped; with the
            extras `mean` and `log_variance` that `encode` returns.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels.
        """
        mean, log_variance = self.encode(noisy)
        latent = reparameterise(mean, log_variance) if self.training else mean
        image = crop(self.decode(latent), (noisy.shape[-2], noisy.shape[-1]))
        return Restoration(image, {"mean": mean, "log_variance": log_variance})
