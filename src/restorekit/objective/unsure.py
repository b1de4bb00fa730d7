"""Stein's risk estimate where the noise level is unknown: UNSURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from restorekit.objective.base import Compare, Restore, TaskBatch
from restorekit.objective.divergence import probed
from restorekit.objective.self_supervised import (
    KnownLevel,
    SelfSupervised,
    generators,
    signs_like,
)
from restorekit.records import Images


class UNSURE(SelfSupervised):
    """The network comes as close to the noisy image as one can whose derivative is 0.

    For Gaussian noise of an unknown level, the best network is looked for among those whose mean
    derivative of an output by its own input is 0; a copy of the noisy image is not one of them.
    Here the square of that mean is a penalty of each image, estimated without bias by the product
    of two random probes, so a step takes three forward passes. It replaces the run's loss, which is
    not used.

    Assumption: Gaussian noise of any level, independent between pixels, not clipped, the same
    everywhere in an image. Needs: single noisy images; no level. A network that knows the level
    (`sure`) is better.

    Reference: Tachella et al., UNSURE, ICLR 2025, https://arxiv.org/abs/2409.01985. The paper finds
    a Lagrange multiplier by gradient ascent; a penalty keeps no state and gives the same
    network if `penalty` is large compared with the variance of the noise.

    Args:
        noise: the run's noise model, for clean images.
        penalty: weight of the squared mean derivative, which settles near the variance of the noise
            divided by this weight. About ten times the variance is a good choice; a much larger one
            outweighs the distance, so that the network hardly learns. The default is that for a
            standard deviation of 25 of 255.
        step: the size of the differences by which the derivative is estimated.
        sigma: the level of pictures that are noisy themselves, for networks that take one: a
            number, "estimate", or None.

    Raises:
        ValueError: `penalty` or `step` is out of its range.

    Example:
        >>> noise = restorekit.create_noise("gaussian", std=0.1)
        >>> objective = restorekit.create_objective("unsure", noise, penalty=10.0)
        >>> made = objective.make_batch(batch, seed=0, step=1, places=[0, 1])
        >>> terms = objective.risk(lambda y, s, exact: restorekit.Restoration(y), made, None)
        >>> round(float(terms["derivative"]), 3)  # of a network that changes nothing
        10.0
    """

    def __init__(
        self,
        noise: nn.Module,
        penalty: float = 0.1,
        step: float = 1e-2,
        sigma: KnownLevel = None,
    ) -> None:
        super().__init__(noise, sigma)
        if not penalty > 0:
            raise ValueError(f"penalty must be above 0, not {penalty}")
        if not 0 < step <= 1:
            raise ValueError(f"step must be above 0 and at most 1, not {step}")
        self.penalty, self.step = penalty, step

    def make_batch(self, images: Images, seed: int, step: int, places: Sequence[int]) -> TaskBatch:
        """The noisy images, with two probes in `extras`."""
        seen = self.observe(images, seed, step, places)
        extras = {
            name: signs_like(seen.noisy, generators(seen.noisy, seed, name, step, places))
            for name in ("probe", "second probe")
        }
        return TaskBatch(seen.noisy, seen.noisy, seen.sigma, extras=extras)

    def risk(self, restore: Restore, batch: TaskBatch, compare: Compare) -> Mapping[str, Tensor]:
        """The squared distance from the noisy images, and the penalty, which may be negative."""
        noisy = batch.input
        restored = restore(noisy, batch.sigma, exact=True).image.float()
        first, second = (
            probed(restore, noisy, batch.sigma, restored, probe, self.step).flatten(1).mean(1)
            for probe in batch.extras.values()
        )
        return {
            "distance": (restored - noisy).square().mean(),
            "derivative": self.penalty * (first * second).mean(),
        }
