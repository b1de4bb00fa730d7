"""VAE: a variational autoencoder that restores by way of a small convolutional latent.

Kingma and Welling, Auto-Encoding Variational Bayes, ICLR 2014, https://arxiv.org/abs/1312.6114;
trained as a denoiser as in Im et al., Denoising Criterion for Variational Auto-Encoding
Framework, AAAI 2017, https://arxiv.org/abs/1511.06406: noisy in, clean out.
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

# exp(10) is finite in float16, and exp(-10 / 2) = 0.007 a deviation that no longer disturbs.
LOG_VARIANCE_BOUND = 10.0
INITIAL_LOG_VARIANCE = -4.0
DEEPEST = 16  # halvings: more than any picture has, and the width doubles with each
MID_GRAY = 0.5


def reparameterise(mean: Tensor, log_variance: Tensor) -> Tensor:
    """A draw from N(mean, exp(log_variance)) that passes gradients to both.

    It draws from torch's own generator, which the Trainer seeds at each step from the run's seed.
    """
    return mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a ReLU, added to the input: (B, C, H, W) -> (B, C, H, W).

    Without the addition, and without a normalisation, so deep a network does not train well. It
    starts close to the identity, so that signal and gradient first pass as they are.
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


class VAE(nn.Module):
    """Variational autoencoder, for use with `kl_divergence`; blind, so `sigma` is ignored.

    In training mode the latent is drawn from the posterior, with torch's own generator (the
    Trainer seeds it at each step from the run's seed); in eval mode it is the posterior's mean,
    so that the same input always gives the same image. There are no skip connections: the image
    has to pass through the latent, 12 times smaller than a colour image by default, and fine
    texture that does not fit is lost.

    Any height and width is taken: the batch is mirrored up to a multiple of `size_multiple`.

    Reference: https://arxiv.org/abs/1312.6114

    Args:
        channels: Channels of the image, 3 for colour and 1 for gray.
        width: Feature channels at full size; they double whenever the size is halved.
        depth: How often the size is halved on the way to the latent.
        latent_channels: Channels of the latent; more of them keep more detail.

    Attributes:
        size_multiple: 2^depth.

    Raises:
        ArgumentError: an argument is below 1, or `depth` above 16.
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
        widths = [width * 2**scale for scale in range(depth + 1)]
        steps = list(pairwise(widths))  # (finer, coarser)
        self.encoder = nn.Sequential(conv3x3(channels, width, gain=1.0), ResidualBlock(width))
        for fine, coarse in steps:
            self.encoder.extend((downsample(fine, coarse), ResidualBlock(coarse)))
        self.mean = conv3x3(widths[-1], latent_channels, gain=1.0)
        self.log_variance = conv3x3(widths[-1], latent_channels, gain=0.1)
        # A narrow posterior at first: the decoder learns from the means, which eval mode uses too.
        nn.init.constant_(self.log_variance.bias, INITIAL_LOG_VARIANCE)  # type: ignore[arg-type]
        deepest = conv3x3(latent_channels, widths[-1], gain=1.0)
        self.decoder = nn.Sequential(deepest, ResidualBlock(widths[-1]))
        for fine, coarse in reversed(steps):
            self.decoder.extend((upsample(coarse, fine), ResidualBlock(fine)))
        # Linear, starting around mid-gray. A sigmoid would flatten black and white, which pictures
        # reach, and pass no gradient there; what leaves [0, 1] is clamped when an image is saved.
        self.image = conv3x3(width, channels, gain=0.1)

    def encode(self, noisy: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the latent, each (B, latent_channels, H/2^depth, W/2^depth).

        H and W are rounded up to a multiple of `size_multiple`. The log-variance lies within
        +-10: tanh bends it there, so that its exponential overflows in no type and, other than
        at a hard clamp, the gradient can still lead it back.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels.
        """
        check_batch(noisy, self.channels, "vae")
        x, _ = pad_to_multiple(noisy, self.size_multiple)
        features = self.encoder(x)
        # In the type of the input, float32 under autocast: bfloat16 has too few digits to sample.
        mean = self.mean(features).to(noisy.dtype)
        log_variance = self.log_variance(features).to(noisy.dtype)
        return mean, LOG_VARIANCE_BOUND * torch.tanh(log_variance / LOG_VARIANCE_BOUND)

    def decode(self, latent: Tensor) -> Tensor:
        """The image of a latent: (B, latent_channels, h, w) -> (B, C, h * 2^depth, w * 2^depth)."""
        image: Tensor = MID_GRAY + self.image(self.decoder(latent))
        return image.to(latent.dtype)

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Restoration:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: ignored.

        Returns:
            The restored batch, (B, C, H, W), in the type of `noisy`, not clamped; with the
            extras `mean` and `log_variance` as from `encode`.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels.
        """
        mean, log_variance = self.encode(noisy)
        latent = reparameterise(mean, log_variance) if self.training else mean
        image = crop(self.decode(latent), (noisy.shape[-2], noisy.shape[-1]))
        return Restoration(image, {"mean": mean, "log_variance": log_variance})
