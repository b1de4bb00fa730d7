"""The loss that trains the codes of a VQ-VAE."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from restorekit.errors import ArgumentError
from restorekit.loss.base import extras_of_equal_shape
from restorekit.records import Restoration, as_restoration


class Codebook(nn.Module):
    """Mean squared distance between encoded vectors and their codes, for the model `vqvae`.

    It counts once with the vectors held fixed, which moves codes that are learned by gradient, and
    `commitment` times with the codes held fixed, which keeps the encoder near them. The codes of
    `vqvae` are running means, which the first part does not move. The loss is used together with
    one on the image.

    Reference: https://arxiv.org/abs/1711.00937

    Args:
        commitment: Weight of the part that moves the encoder; 0.25 in the paper.

    Raises:
        ArgumentError: `commitment` is negative.

    Example:
        >>> loss = restorekit.create_loss("codebook")
        >>> vectors = {"encoded": torch.zeros(2, 4, 8, 8), "code": torch.full((2, 4, 8, 8), 2.0)}
        >>> loss(restorekit.Restoration(batch, vectors), batch)
        tensor(5.)
    """

    def __init__(self, commitment: float = 0.25) -> None:
        super().__init__()
        if not commitment >= 0:
            raise ArgumentError(f"loss 'codebook': commitment must be at least 0, not {commitment}")
        self.commitment = commitment

    def forward(self, restoration: Restoration | Tensor, target: Tensor) -> Tensor:
        """The distance of a batch.

        Args:
            restoration: has the extras `encoded` and `code`, of equal shape.
            target: ignored.

        Returns:
            A float32 scalar, at least 0.

        Raises:
            InputError: the model does not return these extras, or their shapes differ.
        """
        restoration = as_restoration(restoration)
        names = ("encoded", "code")
        found = extras_of_equal_shape(restoration, names, "codebook", "the model 'vqvae'")
        encoded, code = (extra.float() for extra in found)
        with torch.autocast(encoded.device.type, enabled=False):
            moves_codes = functional.mse_loss(code, encoded.detach())
            moves_encoder = functional.mse_loss(encoded, code.detach())
            return moves_codes + self.commitment * moves_encoder

    def example_extras(self, target: Tensor, generator: Generator) -> dict[str, Tensor]:
        """Random extras for a target batch, as the model `vqvae` returns them."""
        shape = (len(target), 4, 8, 8)
        return {name: torch.randn(shape, generator=generator) for name in ("encoded", "code")}
