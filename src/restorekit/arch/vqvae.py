"""VQ-VAE: an autoencoder whose latent is a map of codes, each one of a learned list.

van den Oord et al., Neural Discrete Representation Learning, NeurIPS 2017,
https://arxiv.org/abs/1711.00937
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


class VQVAE(nn.Module):
    """Autoencoder with a discrete latent, for use with the loss `codebook`. Blind.

    Each vector of the encoded image is replaced by the nearest of `codes` learned vectors, from
    which the image is decoded. In training the gradient passes from the code to the encoder
    unchanged; the loss `codebook` moves codes and vectors towards each other. The result is
    deterministic, and the latent can be stored: `codes_of` returns the numbers of the codes. There
    are no skip connections, so fine texture is lost. `sigma` is ignored.

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
        # Of about the size of the encoded vectors, so that many codes are used from the start.
        self.codebook = nn.Parameter(0.3 * torch.randn(codes, latent_channels))
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

    def _nearest(self, encoded: Tensor) -> Tensor:
        """The number of the code of least distance for each vector."""
        with torch.autocast(encoded.device.type, enabled=False):
            vectors, codes = encoded.detach().movedim(1, -1), self.codebook.detach().to(encoded)
            # |v - c|^2 without |v|^2, which is the same for all codes.
            distances = codes.square().sum(dim=1) - 2 * vectors @ codes.T
            return distances.argmin(dim=-1)
