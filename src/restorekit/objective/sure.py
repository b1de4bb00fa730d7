"""Stein's unbiased risk estimate: the mean squared error without the clean image."""

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


class SURE(SelfSupervised):
    """The mean squared error is estimated from the noisy image and the network's derivative.

    For Gaussian noise of variance v, the mean of (f(y) - y)^2 - v + 2 v f'(y) over the pixels has
    the same expectation as the squared error of the network f. The derivative f' of each output by
    its own input is estimated with one random probe, so a step takes two forward passes. It
    replaces the run's loss, which is not used.

    Assumption: Gaussian noise of known level, or Poisson-Gaussian noise of known gain and read
    noise, independent between pixels and not clipped. For Poisson noise f' stands for the
    difference that one photon makes, which is accurate if a pixel has more than a few. Needs:
    single noisy images and the level, or gain and read noise.

    Reference: Stein, Annals of Statistics 1981, https://doi.org/10.1214/aos/1176345632; training
    after Metzler et al., Unsupervised Learning with Stein's Unbiased Risk Estimator, 2018,
    https://arxiv.org/abs/1805.10531; Poisson-Gaussian noise after Le Montagner et al., IEEE TIP
    2014, https://doi.org/10.1109/TIP.2014.2334611

    Args:
        noise: the run's noise model, for clean images.
        gain: for Poisson-Gaussian noise, the value of one photon on the images' scale of [0, 1].
        read: for Poisson-Gaussian noise, the standard deviation of the Gaussian part.
        step: the size of the differences by which f' is estimated.
        sigma: the level of pictures that are noisy themselves: a number, "estimate", or None.

    Raises:
        ValueError: an argument is out of its range, or `read` has no `gain`.

    Example:
        >>> noise = restorekit.create_noise("gaussian", std=0.1)
        >>> objective = restorekit.create_objective("sure", noise)
        >>> made = objective.make_batch(batch, seed=0, step=1, places=[0, 1])
        >>> terms = objective.risk(lambda y, s, exact: restorekit.Restoration(y), made, None)
        >>> round(float(terms["sure"]), 4)  # of a network that changes nothing: the variance
        0.01
    """

    def __init__(
        self,
        noise: nn.Module,
        gain: float | None = None,
        read: float = 0.0,
        step: float = 1e-2,
        sigma: KnownLevel = None,
    ) -> None:
        super().__init__(noise, sigma)
        if gain is not None and not 0 < gain <= 1:
            raise ValueError(f"gain must be above 0 and at most 1, not {gain}")
        if not 0 <= read <= 1 or (read and gain is None):
            raise ValueError(f"read must be from 0 to 1 and needs a gain, not {read}")
        if not 0 < step <= 1:
            raise ValueError(f"step must be above 0 and at most 1, not {step}")
        self.gain, self.read, self.step = gain, read, step

    def make_batch(self, images: Images, seed: int, step: int, places: Sequence[int]) -> TaskBatch:
        """The noisy images, with the variance of their noise and a probe in `extras`.

        Raises:
            InputError: the level is unknown and there is no gain.
        """
        seen = self.observe(images, seed, step, places)
        noisy = seen.noisy
        if self.gain is None:
            variance = self.level_of(seen, "sure").square().expand(-1, -1, *noisy.shape[2:])
        else:
            # Not clamped: an estimate of the variance that is negative here and there is unbiased.
            variance = self.gain * noisy + self.read**2
        probe = signs_like(noisy, generators(noisy, seed, "probe", step, places))
        extras = {"variance": variance, "probe": probe}
        return TaskBatch(noisy, noisy, seen.sigma, extras=extras)

    def risk(self, restore: Restore, batch: TaskBatch, compare: Compare) -> Mapping[str, Tensor]:
        """The estimate of the mean squared error, which may be negative."""
        noisy, variance = batch.input, batch.extras["variance"]
        restored = restore(noisy, batch.sigma, exact=True).image.float()
        slope = probed(restore, noisy, batch.sigma, restored, batch.extras["probe"], self.step)
        error = (restored - noisy).square() - variance + 2 * variance * slope
        return {"sure": error.mean()}
