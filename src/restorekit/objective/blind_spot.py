"""Learning with networks whose estimate of a pixel does not depend on that pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal

from restorekit.errors import InputError
from restorekit.objective.base import Compare, Restore, TaskBatch
from restorekit.objective.self_supervised import KnownLevel, SelfSupervised
from restorekit.records import Images

_LEAST_SIGMA = 1e-3  # less noise, and a pixel that is predicted exactly has an infinite likelihood


class BlindSpot(SelfSupervised):
    """The noisy image is the target of a network that does not see the pixel that it estimates.

    Such a network cannot learn the noise, so its best estimate is the clean value. Every pixel
    counts, unlike with `noise2void`, which hides a few pixels from any network. For a network that
    also estimates its own uncertainty, the negative log-likelihood of the noisy pixels replaces the
    run's loss.

    Assumption: the noise has mean 0 and is independent between pixels; Gaussian, if the network
    estimates its uncertainty. `ap_bsn` and `lg_bpn` also learn from noise that is correlated
    between near pixels. Needs: single noisy images, a network with a blind spot, such as `ssdn` or
    `ap_bsn`, and the noise level if the network estimates its uncertainty.

    Reference: Laine et al., High-Quality Self-Supervised Deep Image Denoising, NeurIPS 2019,
    https://arxiv.org/abs/1901.10277

    Args:
        noise: the run's noise model, for clean images.
        sigma: the level of pictures that are noisy themselves: a number, "estimate", or None.

    Example:
        >>> noise = restorekit.create_noise("gaussian", std=0.1)
        >>> objective = restorekit.create_objective("blind_spot", noise)
        >>> made = objective.make_batch(batch, seed=0, step=1, places=[0, 1])
        >>> torch.equal(made.input, made.target)
        True
    """

    def __init__(self, noise: nn.Module, sigma: KnownLevel = None) -> None:
        super().__init__(noise, sigma)

    def make_batch(self, images: Images, seed: int, step: int, places: Sequence[int]) -> TaskBatch:
        """The noisy images, as inputs and as targets."""
        seen = self.observe(images, seed, step, places)
        return TaskBatch(seen.noisy, seen.noisy, seen.sigma)

    def risk(self, restore: Restore, batch: TaskBatch, compare: Compare) -> Mapping[str, Tensor]:
        """The run's loss of the blind estimate, or the negative log-likelihood of the noisy pixels.

        Raises:
            InputError: the network has no blind spot, or the noise level is needed and unknown.
        """
        extras = restore(batch.input, batch.sigma).extras
        if "blind_mean" not in extras:
            raise InputError(
                "objective 'blind_spot' needs a network with a blind spot, which returns its "
                "'blind_mean', such as model 'ssdn' or 'ap_bsn'; any other learns to copy the noise"
            )
        mean, covariance = extras["blind_mean"], extras.get("blind_covariance")
        if covariance is None:
            return {"blind_spot": compare(mean, batch.target)}
        if batch.sigma is None:
            raise InputError(
                "objective 'blind_spot' needs the noise level of the images for a network that "
                "estimates its uncertainty: give it sigma, the standard deviation on their scale "
                "of [0, 1], or \"estimate\"; or make the model with covariance 'none'"
            )
        return {"likelihood": _unlikelihood(mean, covariance, batch.target, batch.sigma)}


def _unlikelihood(mean: Tensor, covariance: Tensor, noisy: Tensor, sigma: Tensor) -> Tensor:
    """The mean negative log-likelihood of a value.

    Args:
        mean: (B, C, H, W), that of the clean values.
        covariance: of the channels of each clean pixel, (B, C, C, H, W).
        noisy: (B, C, H, W).
        sigma: of the noise, broadcastable to (B, 1, H, W).
    """
    mean, covariance = mean.double().movedim(1, -1), covariance.double().movedim((1, 2), (-2, -1))
    variance = sigma.double().clamp(min=_LEAST_SIGMA).square().movedim(1, -1)[..., None]
    total = covariance + variance * torch.eye(mean.shape[-1]).to(variance)
    distribution = MultivariateNormal(mean, total, validate_args=False)
    found: Tensor = distribution.log_prob(noisy.double().movedim(1, -1))
    return -found.mean().float() / mean.shape[-1]
