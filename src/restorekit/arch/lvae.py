"""LVAE: a ladder variational autoencoder, whose latents of several sizes depend on each other.

Prakash et al., Interpretable Unsupervised Diversity Denoising and Artefact Removal, ICLR 2022,
https://arxiv.org/abs/2104.01374, after Sonderby et al., Ladder Variational Autoencoders,
NeurIPS 2016, https://arxiv.org/abs/1602.02282. The posterior is relative to the prior, as in Vahdat
and Kautz, NVAE, NeurIPS 2020, https://arxiv.org/abs/2007.03898.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from restorekit.arch.layers import conv3x3, downsample, upsample
from restorekit.arch.padding import (
    check_at_least,
    check_at_most,
    check_batch,
    check_multiple,
    crop,
    pad_to_multiple,
)
from restorekit.arch.vae import (
    DEEPEST,
    INITIAL_LOG_VARIANCE,
    LOG_VARIANCE_BOUND,
    MID_GRAY,
    ResidualBlock,
)
from restorekit.errors import InputError
from restorekit.records import Restoration

# Side in pixels of the pattern of draws that is repeated over an image in evaluation mode.
PERIOD = 32


@dataclass(frozen=True)
class Posterior:
    """The posterior of a latent, whitened by its prior: the prior is N(0, 1) on this scale.

    Attributes:
        mean: (B, C, H, W).
        log_variance: (B, C, H, W).
    """

    mean: Tensor
    log_variance: Tensor

    def at(self, draw: Tensor | None) -> Tensor:
        """The value for a draw from N(0, 1); the mean for None."""
        if draw is None:
            return self.mean
        return self.mean + torch.exp(0.5 * self.log_variance) * draw


class Rung(nn.Module):
    """A latent: its prior given the latents above, its posterior, and what follows from its value.

    Args:
        width: feature channels.
        latent_channels: channels of the latent.
        blocks: residual blocks after the latent.
        top: whether there is no latent above, so that the prior is N(0, 1).
    """

    def __init__(self, width: int, latent_channels: int, blocks: int, top: bool) -> None:
        super().__init__()
        self.top = top
        if not top:
            self.prior = conv3x3(width, 2 * latent_channels, gain=0.1)
            self.merge = nn.Sequential(nn.Conv2d(2 * width, width, 1), ResidualBlock(width))
            self.skip = nn.Sequential(nn.Conv2d(2 * width, width, 1), ResidualBlock(width))
        self.mean = conv3x3(width, latent_channels, gain=1.0)
        self.log_variance = conv3x3(width, latent_channels, gain=0.1)
        # The posterior starts narrow, so that the decoder first learns from nearly undisturbed
        # means.
        nn.init.constant_(self.log_variance.bias, INITIAL_LOG_VARIANCE)  # type: ignore[arg-type]
        self.decode = conv3x3(latent_channels, width, gain=1.0)
        self.blocks = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.up = upsample(width, width)

    def posterior(self, seen: Tensor, above: Tensor | None) -> Posterior:
        """The posterior, from the features of the image and of the latents above."""
        features = seen if above is None else self.merge(torch.cat((seen, above), dim=1))
        return Posterior(self.mean(features), _bounded(self.log_variance(features)))

    def forward(self, whitened: Tensor, above: Tensor | None) -> Tensor:
        """The features for the next rung, of twice the size."""
        features: Tensor
        if above is None:
            features = self.decode(whitened)
        else:
            mean, log_variance = self.prior(above).chunk(2, dim=1)
            latent = mean + torch.exp(0.5 * _bounded(log_variance)) * whitened
            features = self.skip(torch.cat((self.decode(latent), above), dim=1))
        result: Tensor = self.up(self.blocks(features))
        return result


class LVAE(nn.Module):
    """Ladder variational autoencoder, for use with `kl_divergence`. Blind: `sigma` is ignored.

    The image is encoded to features at a half, a quarter, ... of its size. From the coarsest one
    down, each has a latent, whose prior depends on the latents above and whose posterior depends on
    the image too. There are no other connections between encoder and decoder. Because the finest
    latent has half the size of the image, more detail is kept than by `vae`.

    In training mode a restoration is one sample of the posterior. In evaluation mode it is the mean
    of `samples` of them, an estimate of the image of least squared error. These samples are always
    the same: the random numbers were drawn once when the network was made, from a fixed seed, for
    squares of `size_multiple` pixels that are repeated over the image. Half of the samples have the
    negative draws of the others. With `samples=0` the means of the latents are decoded instead.
    `sample` gives diverse restorations.

    The extras `mean` and `log_variance` are those of all latents, relative to their priors, so that
    the loss `kl_divergence` is the sum of the divergences of all latents. Differences to the paper:
    the convolutions have ReLU and no normalisation, the prior of the coarsest latent is standard
    normal, and the network is trained with clean targets, if there are any.

    Reference: https://arxiv.org/abs/2104.01374

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels at every size.
        depth: Number of latents; each has half the size of the one below.
        latent_channels: Channels of each latent.
        blocks: Residual blocks of encoder and decoder at each size.
        samples: Samples whose mean is the restoration in evaluation mode: 0 or an even number.

    Attributes:
        size_multiple: 32, or 2^depth if that is larger.

    Raises:
        ArgumentError: an argument is below 1, `samples` is negative or odd, or `depth` above 16.

    Example:
        >>> model = restorekit.create_model("lvae", channels=1, width=4, depth=2).eval()
        >>> restoration = model(torch.rand(2, 1, 17, 20))
        >>> restoration.image.shape, restoration.extras["mean"].shape
        (torch.Size([2, 1, 17, 20]), torch.Size([2, 2000]))
        >>> model.sample(torch.rand(2, 1, 17, 20), count=3).shape
        torch.Size([3, 2, 1, 17, 20])
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 32,
        depth: int = 3,
        latent_channels: int = 16,
        blocks: int = 2,
        samples: int = 4,
    ) -> None:
        super().__init__()
        check_at_least(1, "lvae", channels=channels, width=width, depth=depth, blocks=blocks)
        check_at_least(1, "lvae", latent_channels=latent_channels)
        check_at_least(0, "lvae", samples=samples)
        check_multiple(2, "lvae", samples=samples)
        check_at_most(DEEPEST, "lvae", depth=depth)
        self.channels = channels
        self.depth = depth
        self.samples = samples
        self.latent_channels = latent_channels
        self.size_multiple = max(PERIOD, 2**depth)
        self.head = nn.Sequential(conv3x3(channels, width, gain=1.0), ResidualBlock(width))
        self.encoders = nn.ModuleList(
            nn.Sequential(downsample(width, width), *(ResidualBlock(width) for _ in range(blocks)))
            for _ in range(depth)
        )
        # From fine to coarse, as the encoders.
        self.rungs = nn.ModuleList(
            Rung(width, latent_channels, blocks, top=level == depth - 1) for level in range(depth)
        )
        self.last = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        # Linear, starting around mid-gray, as in `vae`.
        self.image = conv3x3(width, channels, gain=0.1)
        for level, pattern in enumerate(self._patterns()):
            self.register_buffer(f"pattern_{level}", pattern, persistent=False)

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Restoration:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: ignored.

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`, not clamped. The extras
            `mean` and `log_variance`, (B, N), are those of the N numbers of all latents, relative
            to their priors, for the first sample.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels.
        """
        seen = self._encoded(noisy)
        if self.training:
            image, posteriors = self._decoded(seen, [torch.randn_like(self._like(x)) for x in seen])
        elif self.samples == 0:
            image, posteriors = self._decoded(seen, [None] * self.depth)
        else:
            image, posteriors = self._decoded(seen, self._draws(seen, 0))
            for number in range(1, self.samples):
                image = image + self._decoded(seen, self._draws(seen, number))[0]
            image = image / self.samples
        extras = {
            "mean": _flat([each.mean for each in posteriors], noisy.dtype),
            "log_variance": _flat([each.log_variance for each in posteriors], noisy.dtype),
        }
        return Restoration(self._cropped(image, noisy), extras)

    @torch.no_grad()
    def sample(self, noisy: Tensor, count: int = 1, generator: Generator | None = None) -> Tensor:
        """Diverse restorations: samples of the posterior.

        Where they differ, the noisy image does not determine the clean one.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            count: number of restorations of each image.
            generator: source of the random numbers; torch's default one if it is left out.

        Returns:
            (count, B, C, H, W), in the dtype of `noisy`; not clamped.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels, or `count` is below 1.
        """
        if count < 1:
            raise InputError(f"count must be at least 1, not {count}")
        seen = self._encoded(noisy)
        restored = []
        for _ in range(count):
            shapes = (self._like(x).shape for x in seen)
            draws = [
                torch.randn(s, generator=generator, device=noisy.device).to(noisy) for s in shapes
            ]
            restored.append(self._cropped(self._decoded(seen, draws)[0], noisy))
        return torch.stack(restored)

    def _encoded(self, noisy: Tensor) -> list[Tensor]:
        """Features of the image at each size, from fine to coarse."""
        check_batch(noisy, self.channels, "lvae")
        x, _ = pad_to_multiple(noisy, 2**self.depth)
        x = self.head(x)
        seen = []
        for encoder in self.encoders:
            x = encoder(x)
            seen.append(x)
        return seen

    def _decoded(
        self, seen: Sequence[Tensor], draws: Sequence[Tensor | None]
    ) -> tuple[Tensor, list[Posterior]]:
        """The image for one draw of each latent, and their posteriors."""
        features: Tensor | None = None
        posteriors = []
        for rung, x, draw in reversed(list(zip(self.rungs, seen, draws, strict=True))):
            assert isinstance(rung, Rung)
            posteriors.append(rung.posterior(x, features))
            features = rung(posteriors[-1].at(draw), features)
        return MID_GRAY + self.image(self.last(features)), posteriors

    def _cropped(self, image: Tensor, noisy: Tensor) -> Tensor:
        return crop(image, (noisy.shape[-2], noisy.shape[-1])).to(noisy.dtype)

    def _like(self, features: Tensor) -> Tensor:
        """A tensor of the shape of a latent."""
        return features[:, :1].expand(-1, self.latent_channels, -1, -1)

    def _patterns(self) -> list[Tensor]:
        """For each latent, the draws of half of the samples in a square of `size_multiple`."""
        generator = Generator().manual_seed(0)
        sides = [self.size_multiple // 2 ** (level + 1) for level in range(self.depth)]
        shapes = ((self.samples // 2, self.latent_channels, side, side) for side in sides)
        return [torch.randn(shape, generator=generator, device="cpu") for shape in shapes]

    def _draws(self, seen: Sequence[Tensor], number: int) -> list[Tensor]:
        """The draws of a sample: the pattern, repeated to the size of each latent."""
        draws = []
        for level, x in enumerate(seen):
            pattern = self.get_buffer(f"pattern_{level}")[number // 2].to(x)
            for axis in (-2, -1):
                places = torch.arange(x.shape[axis], device=x.device) % pattern.shape[axis]
                pattern = pattern.index_select(axis, places)
            # Antithetic pairs: what is linear in the draws cancels.
            draws.append(-pattern if number % 2 else pattern)
        return draws


def _bounded(log_variance: Tensor) -> Tensor:
    """Limited to +-10 by tanh, so that the exponential is finite in any dtype."""
    return LOG_VARIANCE_BOUND * torch.tanh(log_variance / LOG_VARIANCE_BOUND)


def _flat(maps: Sequence[Tensor], dtype: torch.dtype) -> Tensor:
    """All numbers of a sample: (B, N)."""
    return torch.cat([each.flatten(1) for each in maps], dim=1).to(dtype)
