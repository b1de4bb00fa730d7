"""Learning from two noisy shots of the same scene: Noise2Noise."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from restorekit.errors import InputError
from restorekit.objective.base import TaskBatch, corrupt
from restorekit.objective.self_supervised import KnownLevel, SelfSupervised
from restorekit.records import Images


class Noise2Noise(SelfSupervised):
    """One noisy shot of a scene is the target of another one.

    The noise of the second shot cannot be predicted from the first, so the best prediction of the
    second shot is the clean image. Clean images get the run's noise twice.

    Assumption: the noises of the two shots are independent, and the second has mean 0 (for the
    loss `mse`) or median 0 (for `l1`); nothing moves between them. The noise may be correlated
    between pixels. Needs: two noisy shots of each scene, as the dataset `pairs` has them; no noise
    level.

    Reference: Lehtinen et al., Noise2Noise, ICML 2018, https://arxiv.org/abs/1803.04189

    Args:
        noise: the run's noise model, for clean images.
        sigma: the level of pictures that are noisy themselves, for networks that take one: a
            number, "estimate", or None.

    Example:
        >>> noise = restorekit.create_noise("gaussian", std=0.1)
        >>> objective = restorekit.create_objective("noise2noise", noise)
        >>> made = objective.make_batch(batch, seed=0, step=1, places=[0, 1])
        >>> bool((made.input - made.target).std() > 0.13)  # noise of both: 0.1 times sqrt(2)
        True
    """

    def __init__(self, noise: nn.Module, sigma: KnownLevel = None) -> None:
        super().__init__(noise, sigma)

    def make_batch(self, images: Images, seed: int, step: int, places: Sequence[int]) -> TaskBatch:
        """The two shots.

        Raises:
            InputError: there is only one.
        """
        seen = self.observe(images, seed, step, places)
        if isinstance(images, Tensor):
            other: Tensor | None = corrupt(
                self.noise, images, seed, "second shot", step, places
            ).noisy
        else:
            other = images.second
        if other is None:
            raise InputError(
                "objective 'noise2noise' needs two noisy shots of each scene; the dataset has one: "
                "'noise2void' and 'neighbor2neighbor' learn from single ones"
            )
        return TaskBatch(seen.noisy, other, seen.sigma)
