"""VQ-VAE: an autoencoder whose latent is a map of codes, each one of a learned list.

van den Oord et al., Neural Discrete Representation Learning, NeurIPS 2017,
https://arxiv.org/abs/1711.00937, with codes that are running means, as in its appendix A.1. Codes
that are rarely used are replaced as in Dhariwal et al., Jukebox, 2020,
https://arxiv.org/abs/2005.00341.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.arch.layers import conv3x3
from restorekit.arch.padding import (
    check_at_least,
    check_at_most,
    check_batch,
    crop,
    pad_to_multiple,
)
from restorekit.arch.vae import DEEPEST, MID_GRAY, make_decoder, make_encoder
from restorekit.records import Restoration

DECAY = 0.99  # of the running means, for each batch
# A code with a smaller part of its fair share of the vectors is replaced by one of them.
LEAST_SHARE = 0.1


class VQVAE(nn.Module):
    """Autoencoder with a discrete latent, for use with the loss `codebook`. Blind.

    Each vector of the encoded image is replaced by the nearest of `codes` learned vectors, from
    which the image is decoded. In training the gradient passes from the code to the encoder
    unchanged, and the loss `codebook` keeps the vectors near their codes. Each code is the running
    mean of the vectors that it replaced. A code that is rarely used becomes a random vector of the
    batch; otherwise a few codes would serve for everything. In data-parallel training the codes are
    those of the first process; sharded training (FSDP) does not keep them equal.

    The result is deterministic, and the latent can be stored: `codes_of` returns the numbers of the
    codes. There are no skip connections, so fine texture is lost. `sigma` is ignored.

    Any height and width is accepted: the batch is padded by mirroring to a multiple of
    `size_multiple`.

    Reference: https://arxiv.org/abs/1711.00937

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels at full size; they double at each halving.
        depth: Number of halvings between image and latent.
        latent_channels: Length of a code.
        codes: Number of codes.

    Attributes:
        size_multiple: 2^depth.

    Raises:
        ArgumentError: an argument is below 1, `codes` below 2, or `depth` above 16.

    Example:
        >>> model = restorekit.create_model("vqvae", width=4, depth=2, latent_channels=8, codes=32)
        >>> restoration = model(torch.rand(2, 3, 17, 20))
        >>> restoration.image.shape, restoration.extras["code"].shape
        (torch.Size([2, 3, 17, 20]), torch.Size([2, 8, 5, 5]))
        >>> model.codes_of(torch.rand(2, 3, 17, 20)).shape
        torch.Size([2, 5, 5])
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 32,
        depth: int = 2,
        latent_channels: int = 64,
        codes: int = 512,
    ) -> None:
        super().__init__()
        check_at_least(1, "vqvae", channels=channels, width=width, depth=depth)
        check_at_least(1, "vqvae", latent_channels=latent_channels)
        check_at_least(2, "vqvae", codes=codes)
        check_at_most(DEEPEST, "vqvae", depth=depth)
        self.channels = channels
        self.size_multiple = 2**depth
        self.encoder = make_encoder(channels, width, depth)
        self.to_latent = conv3x3(width * 2**depth, latent_channels, gain=1.0)
        self.register_buffer("codebook", torch.randn(codes, latent_channels))
        self.codebook: Tensor
        # The share of the vectors of a batch that each code replaces; none at first, so that the
        # first batch of a training chooses the codes.
        self.register_buffer("shares", torch.zeros(codes))
        self.shares: Tensor
        self.decoder = make_decoder(latent_channels, width, depth)
        # Linear, starting around mid-gray, as in `vae`.
        self.image = conv3x3(width, channels, gain=0.1)

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Restoration:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: ignored.

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`, not clamped. The extras
            `encoded` and `code`, (B, latent_channels, h, w), are the vectors before and after they
            were replaced.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels.
        """
        encoded = self._encoded(noisy)
        if self.training:
            self._move_codes(encoded.detach())
        numbers = self._nearest(encoded)
        code = functional.embedding(numbers, self.codebook).permute(0, 3, 1, 2).to(encoded)
        # The value of the code, with the gradient of the encoded vector.
        passed = encoded + (code - encoded).detach()
        image = MID_GRAY + self.image(self.decoder(passed))
        image = crop(image, (noisy.shape[-2], noisy.shape[-1])).to(noisy.dtype)
        return Restoration(image, {"encoded": encoded, "code": code})

    @torch.no_grad()
    def codes_of(self, noisy: Tensor) -> Tensor:
        """The numbers of the codes: (B, H / 2^depth, W / 2^depth), rounded up, int64.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels.
        """
        return self._nearest(self._encoded(noisy))

    def _encoded(self, noisy: Tensor) -> Tensor:
        """The vectors before they are replaced, in the dtype of the input."""
        check_batch(noisy, self.channels, "vqvae")
        x, _ = pad_to_multiple(noisy, self.size_multiple)
        # Under autocast the input is float32; distances in bfloat16 would confuse near codes.
        latent: Tensor = self.to_latent(self.encoder(x))
        return latent.to(noisy.dtype)

    @torch.no_grad()
    def _move_codes(self, encoded: Tensor) -> None:
        """Bring the codes to the means of their vectors, and replace those that are rarely used."""
        vectors = encoded.movedim(1, -1).flatten(0, -2).to(self.codebook)
        is_of = functional.one_hot(self._nearest(encoded).flatten(), len(self.codebook))
        with torch.autocast(encoded.device.type, enabled=False):
            sums_now = is_of.to(vectors).T @ vectors / len(vectors)
        shares = torch.lerp(is_of.to(vectors).mean(dim=0), self.shares, DECAY)
        sums = torch.lerp(sums_now, self.shares[:, None] * self.codebook, DECAY)
        least = LEAST_SHARE / len(self.codebook)
        is_rare = shares < least
        means = sums / shares.clamp(min=least)[:, None]
        chosen = torch.randint(len(vectors), shares.shape, device=vectors.device)
        self.codebook.copy_(torch.where(is_rare[:, None], vectors[chosen], means))
        # Twice the least share, so that a new code has some batches to find vectors.
        self.shares.copy_(torch.where(is_rare, 2 * least, shares))

    def _nearest(self, encoded: Tensor) -> Tensor:
        """The number of the code of least distance for each vector."""
        with torch.autocast(encoded.device.type, enabled=False):
            vectors, codes = encoded.detach().movedim(1, -1), self.codebook.to(encoded)
            # |v - c|^2 without |v|^2, which is the same for all codes.
            distances = codes.square().sum(dim=1) - 2 * vectors @ codes.T
            return distances.argmin(dim=-1)
