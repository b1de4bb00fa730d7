"""A denoiser as the prior of clean images: a function of images and a noise level."""

from __future__ import annotations

from functools import cached_property

from torch import Tensor

from restorekit.errors import ArgumentError
from restorekit.networks.loading import ModelLike
from restorekit.networks.network import Network
from restorekit.restore.denoiser import Denoiser

DEFAULT_MODEL = "swift-gaussian"
LEAST_SIGMA = 1 / 255  # less is not trusted: the rounding of 8 bits and the kernel have errors
# Distance in pixels, where the network takes images of one size only and no cut can be measured.
_UNKNOWN_REACH = 64


class DenoiserPrior:
    """A denoiser, called with a batch on the scale of [0, 1] and the level of its noise.

    Args:
        denoiser: one that uses sigma.
    """

    def __init__(self, denoiser: Denoiser) -> None:
        self._denoiser = denoiser

    def __call__(self, image: Tensor, sigma: float) -> Tensor:
        """Remove the noise of a batch (B, C, H, W)."""
        return self._denoiser.with_sigma(sigma)(image)

    @cached_property
    def reach(self) -> int:
        """Distance in pixels over which one use of the denoiser depends on other pixels."""
        reach = self._network.reach
        return _UNKNOWN_REACH if reach is None else reach.pixels

    @cached_property
    def alignment(self) -> int:
        """Multiple of pixels by which an image may be moved without a change of the result."""
        return self._network.alignment

    @cached_property
    def _network(self) -> Network:
        return Network(self._denoiser.model)


def make_prior(model: ModelLike, device: str) -> DenoiserPrior:
    """A model as a prior.

    Raises:
        ArgumentError: it does not use sigma.
    """
    denoiser = Denoiser(
        model,
        device=device,
        sigma=LEAST_SIGMA,
        black=0.0,
        white=1.0,
        alpha=False,
        force=True,
        impulses="off",
        stabilize="off",
        precision="float32",  # the levels of the last steps are below the rounding of bfloat16
    )
    if not denoiser.uses_sigma:
        raise ArgumentError(
            f"model '{denoiser.name}' does not use sigma; as a prior the strength of a denoiser "
            f"must be set, as that of '{DEFAULT_MODEL}'"
        )
    return DenoiserPrior(denoiser)
