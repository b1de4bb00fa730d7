"""Learning from two images with more noise, made of one: Recorrupted-to-Recorrupted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from restorekit.objective.base import TaskBatch
from restorekit.objective.self_supervised import (
    KnownLevel,
    SelfSupervised,
    generators,
    normal_like,
)
from restorekit.records import Images

_NAME = "recorrupted2recorrupted"


class Recorrupted2Recorrupted(SelfSupervised):
    """Of each noisy image two are made whose noises are independent; one is the other's target.

    Gaussian: with n normal, the input is y + s sqrt(a / (1 - a)) n and the target is
    y - s sqrt((1 - a) / a) n for a noise of standard deviation s and a share a. Poisson: the
    photons of each pixel are divided at random; the input has a share of 1 - a of them, the target
    the rest. Both are scaled to the brightness of the image.

    Assumption: Gaussian noise that is independent between pixels and whose level is known, or
    Poisson noise whose gain is known. Needs: single noisy images and the level or the gain. The
    targets are much noisier than the images, so use the loss `mse`; with `l1` Poisson noise is
    learnt with a bias.

    Reference: Pang et al., Recorrupted-to-Recorrupted, CVPR 2021,
    https://openaccess.thecvf.com/content/CVPR2021/html/Pang_Recorrupted-to-Recorrupted_Unsupervised_Deep_Learning_for_Image_Denoising_CVPR_2021_paper.html;
    Poisson noise after Monroy et al., Generalized Recorrupted-to-Recorrupted, CVPR 2025,
    https://arxiv.org/abs/2412.04648

    Args:
        noise: the run's noise model, for clean images.
        kind: "gaussian" or "poisson".
        alpha: the share a, above 0 and below 1. The variance of the input is 1 / (1 - a) of that of
            the image, so a small share trains at almost the level of the images.
        gain: for Poisson noise, the value of one photon on the images' scale of [0, 1].
        sigma: for Gaussian noise, the level of pictures that are noisy themselves: a number,
            "estimate", or None.

    Raises:
        ValueError: `alpha` is out of its range, or `gain` is missing or not needed.

    Example:
        >>> noise = restorekit.create_noise("gaussian", std=0.1)
        >>> objective = restorekit.create_objective("recorrupted2recorrupted", noise, alpha=0.5)
        >>> made = objective.make_batch(batch, seed=0, step=1, places=[0, 1])
        >>> round(float(made.sigma[0]), 4)
        0.1414
    """

    def __init__(
        self,
        noise: nn.Module,
        kind: Literal["gaussian", "poisson"] = "gaussian",
        alpha: float = 0.2,
        gain: float | None = None,
        sigma: KnownLevel = None,
    ) -> None:
        super().__init__(noise, sigma)
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must be above 0 and below 1, not {alpha}")
        if (kind == "poisson") != (gain is not None):
            raise ValueError('gain is for the kind "poisson", which needs it')
        if gain is not None and not 0 < gain <= 1:
            raise ValueError(f"gain must be above 0 and at most 1, not {gain}")
        self.kind, self.alpha, self.gain = kind, alpha, gain

    def make_batch(self, images: Images, seed: int, step: int, places: Sequence[int]) -> TaskBatch:
        """The two images with more noise, and the level of the first.

        Raises:
            InputError: Gaussian noise of unknown level.
        """
        seen = self.observe(images, seed, step, places)
        noisy, alpha = seen.noisy, self.alpha
        sources = generators(noisy, seed, "recorruption", step, places)
        if self.gain is not None:
            shares = [_binomial(noisy[i], self.gain, alpha, g) for i, g in enumerate(sources)]
            share = torch.stack(shares)
            first, second = (noisy - share) / (1 - alpha), share / alpha
        else:
            more = normal_like(noisy, sources) * self.level_of(seen, _NAME)
            first = noisy + (alpha / (1 - alpha)) ** 0.5 * more
            second = noisy - ((1 - alpha) / alpha) ** 0.5 * more
        sigma = None if seen.sigma is None else seen.sigma / (1 - alpha) ** 0.5
        return TaskBatch(first, second, sigma)


def _binomial(noisy: Tensor, gain: float, share: float, generator: torch.Generator) -> Tensor:
    """The part of an image that a random share of its photons makes."""
    photons = (noisy / gain).round().clamp(min=0)
    return gain * torch.binomial(photons, torch.full_like(photons, share), generator=generator)
