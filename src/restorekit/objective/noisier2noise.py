"""Learning to remove noise that was added to noise: Noisier2Noise."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from restorekit.components.kinds import noises
from restorekit.objective.base import TaskBatch, corrupt
from restorekit.objective.self_supervised import KnownLevel, SelfSupervised
from restorekit.records import Images


class Noisier2Noise(SelfSupervised):
    """More noise is added to each noisy image; what it was before decides the target.

    The network sees z = y + a m, where y is the noisy image and m more noise of the same kind. A
    network that predicts y from z splits the noise in proportion to the variances, so the clean
    image follows from its answer as ((1 + a^2) y - z) / a^2. Here this is the target, so that the
    trained network restores by itself. In theory it needs the squared loss.

    Assumption: additive noise that does not depend on the image; any distribution for an `alpha` of
    1, Gaussian for others, where it may be correlated between pixels. Needs: single noisy images,
    and a noise model of their noise, with its level. The network is trained at a higher level than
    that of the images, by a factor of sqrt(1 + a^2). Use the loss `mse`. For white Gaussian noise
    it is the same as `recorrupted2recorrupted`.

    Reference: Moran et al., Noisier2Noise, CVPR 2020, https://arxiv.org/abs/1910.11908

    Args:
        noise: the run's noise model.
        alpha: how strong the added noise is; above 0 and at most 1.
        extra: the noise to add: a name, {"name": ..., argument: ...} or a noise model; None for
            that of the run.
        sigma: the level of pictures that are noisy themselves, for networks that take one: a
            number, "estimate", or None.

    Raises:
        ValueError: `alpha` is out of its range.

    Example:
        >>> noise = restorekit.create_noise("gaussian", std=0.1)
        >>> objective = restorekit.create_objective("noisier2noise", noise)
        >>> made = objective.make_batch(batch, seed=0, step=1, places=[0, 1])
        >>> round(float(made.sigma[0]), 4)
        0.1414
    """

    def __init__(
        self,
        noise: nn.Module,
        alpha: float = 1.0,
        extra: object = None,
        sigma: KnownLevel = None,
    ) -> None:
        super().__init__(noise, sigma)
        if not 0 < alpha <= 1:
            raise ValueError(f"alpha must be above 0 and at most 1, not {alpha}")
        self.alpha = alpha
        self.extra: nn.Module = noise if extra is None else noises.build(extra)

    def make_batch(self, images: Images, seed: int, step: int, places: Sequence[int]) -> TaskBatch:
        """The images with more noise; a target of which the noise is independent of theirs."""
        seen = self.observe(images, seed, step, places)
        # On gray, since noise that is added does not depend on what it is added to.
        gray = torch.full_like(seen.noisy, 0.5)
        made = corrupt(self.extra, gray, seed, "more noise", step, places)
        more = made.noisy - gray
        if seen.sigma is not None and made.sigma is not None:
            # A noise model with a range of levels has drawn another one.
            more = more * seen.sigma / made.sigma.clamp(min=1e-8)
        noisier = seen.noisy + self.alpha * more
        target = seen.noisy - more / self.alpha
        sigma = None if seen.sigma is None else seen.sigma * (1 + self.alpha**2) ** 0.5
        return TaskBatch(noisier, target, sigma)
