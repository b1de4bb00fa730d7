"""The divergence of a network by random probes, for risks that need no clean image."""

from __future__ import annotations

from torch import Tensor

from restorekit.objective.base import Restore


def probed(
    restore: Restore,
    noisy: Tensor,
    sigma: Tensor | None,
    restored: Tensor,
    probe: Tensor,
    step: float,
) -> Tensor:
    """What each pixel adds to the divergence of a network, by one random probe, (B, C, H, W).

    Its expectation over probes is the derivative of each restored value by its own noisy value.

    Args:
        restore: the network.
        noisy: where the derivative is taken.
        sigma: the noise level of `noisy`.
        restored: the network's output of `noisy`, in float32.
        probe: independent numbers of mean 0 and variance 1, of the shape of `noisy`.
        step: the size of the difference, on the scale of the images.

    Reference: Ramani et al., Monte-Carlo SURE, IEEE TIP 2008,
    https://doi.org/10.1109/TIP.2008.2001404
    """
    moved = restore(noisy + step * probe, sigma, exact=True).image.float()
    return probe * (moved - restored) / step
