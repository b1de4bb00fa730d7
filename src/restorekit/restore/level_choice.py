"""The choice of the noise level: which one an image has, and which one its network is given."""

from __future__ import annotations

from restorekit.errors import warn
from restorekit.networks.network import Network
from restorekit.restore.canvas import Canvas
from restorekit.restore.denoise_options import DenoiseOptions
from restorekit.restore.image_job import ImageJob
from restorekit.restore.noise_level import (
    NoiseLevel,
    estimated_level,
    estimated_map,
    given_level,
    stabilised_level,
)
from restorekit.restore.stabilization.choose import choose_stabilizer
from restorekit.restore.stabilization.stabilizer import Stabilizer


class LevelChoice:
    """Chooses the noise levels of images.

    Args:
        network: the network that restores them.
        name: name of the network in messages.
    """

    def __init__(self, network: Network, name: str) -> None:
        self.network, self.name = network, name
        self._warned: set[str] = set()

    def of_image(
        self, canvas: Canvas, options: DenoiseOptions, diagnose: bool
    ) -> NoiseLevel | None:
        """The noise level of each channel; None if it is neither given nor needed.

        Args:
            canvas: the image.
            options: how it is restored.
            diagnose: whether the level is reported, and so needed in any case.

        Warns:
            RestoreWarning: once, if sigma is given and the network does not use it.
        """
        if (sigma := options.given_sigma) is not None:
            given = given_level(canvas, sigma)
            if not self.network.is_blind:
                return given
            self._warn_of_unused("sigma")
        # The safeguard needs the level as well, also for a blind network.
        network_needs_it = not options.noise_map and self._is_given_level(options)
        needed = not options.strength_of(canvas).is_zero and (network_needs_it or not options.force)
        return estimated_level(canvas, options.estimator) if diagnose or needed else None

    def stabilizer_of(self, job: ImageJob, options: DenoiseOptions) -> Stabilizer | None:
        """The transforms of the images to a constant noise level; None if there are none.

        Args:
            job: the image.
            options: how it is restored.

        Warns:
            RestoreWarning: a transform is requested, and an image has no usable noise curve.
        """
        if options.strength_of(job.canvas).is_zero or options.is_level_given:
            return None
        uses_sigma = not self.network.is_blind
        return choose_stabilizer(job.canvas, options.stabilize, uses_sigma, job.analysis)

    def for_network(self, job: ImageJob, options: DenoiseOptions) -> NoiseLevel | None:
        """What the network is given: a level or a map; None if it is given none.

        Args:
            job: the image, with its level and its stabilizer.
            options: how it is restored.

        Warns:
            RestoreWarning: once, if a map is requested and the network does not use it.
        """
        level = self._unstabilised(job, options)
        return level if job.stabilizer is None else stabilised_level(level, job.stabilizer)

    def _unstabilised(self, job: ImageJob, options: DenoiseOptions) -> NoiseLevel | None:
        if self.network.is_blind:
            if options.noise_map:
                self._warn_of_unused("a noise map")
            return None
        if options.noise_map:
            return estimated_map(job.canvas, options.estimator)
        if options.sigma is None and job.choice is not None and job.choice.level is not None:
            return given_level(job.canvas, job.choice.level)
        return job.level if self._is_given_level(options) else None

    def _is_given_level(self, options: DenoiseOptions) -> bool:
        """Whether the network is given a level that the user states or wants to be estimated.

        A network that was also trained without a level receives one only if the user asks for it,
        because estimates are too low for some kinds of noise.
        """
        if self.network.is_blind:
            return False
        return options.sigma is not None or not self.network.sigma_is_optional

    def _warn_of_unused(self, option: str) -> None:
        if option not in self._warned:
            self._warned.add(option)
            warn(
                f"model '{self.name}' is blind: it finds the noise level itself, and {option} has "
                "no effect"
            )
