"""Restoring opened images with one network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from restorekit.devices import check_precision
from restorekit.memory import memory_errors
from restorekit.networks.loading import ModelLike, load_network
from restorekit.networks.network import Network, model_name
from restorekit.restore.coarse_noise import CoarseNoise
from restorekit.restore.denoise_options import DenoiseOptions
from restorekit.restore.image_batches import run_jobs
from restorekit.restore.image_job import ImageJob
from restorekit.restore.impulse_removal.remove import ImpulseMode
from restorekit.restore.level_choice import LevelChoice
from restorekit.restore.noise_level import EstimatedLevel
from restorekit.restore.pipeline import Pipeline
from restorekit.restore.safeguard.assess import assess
from restorekit.restore.safeguard.guard import Guard, Verdict
from restorekit.restore.tiles.stitch import pixels_at_once


class NetworkRestorer:
    """Restores opened images with one network.

    Args:
        model: what `Denoiser` takes, except "auto".
        options: device, runtime and precision of the network.

    Raises:
        CheckpointError: the weights do not exist or cannot be loaded.
        InputError: the device is not available.
    """

    def __init__(self, model: ModelLike, options: DenoiseOptions) -> None:
        self.name = model_name(model)
        with memory_errors(lambda: f"to load model '{self.name}'; use a smaller one"):
            self.model = load_network(model, options.device)
            self._network = _make_network(self.model, options)
        self._levels = LevelChoice(self._network, self.name)
        self._pipeline = Pipeline(self._network, self.name)

    @property
    def channels(self) -> int | None:
        """Number of image channels of the network; None if it does not declare it."""
        return self._network.channels

    @property
    def uses_sigma(self) -> bool:
        """Whether the output of the network depends on sigma."""
        self._network.renew()
        return not self._network.is_blind

    @property
    def pixels_at_once(self) -> int:
        """Recommended total number of pixels of images that are restored together."""
        return pixels_at_once(self._network)

    def run(self, jobs: Sequence[ImageJob], options: DenoiseOptions, diagnose: bool) -> None:
        """Restore images, and record how.

        Args:
            jobs: the images.
            options: how they are restored.
            diagnose: whether the noise level is reported, and so needed in any case.
        """
        self._network.renew()
        for job in jobs:
            job.model = self.name
            if mode := self._impulse_mode(job, options):
                job.remove_impulses(mode)
            job.level = self._levels.of_image(job.canvas, options, diagnose)
            job.stabilizer = self._levels.stabilizer_of(job, options)
            _choose_scales(job, options)
            job.guard = _guard(job, options)
        run_jobs(jobs, self._pipeline, self._levels, options)
        for job in jobs:
            job.finish_verdict()

    def _impulse_mode(self, job: ImageJob, options: DenoiseOptions) -> ImpulseMode | None:
        """How impulses are removed; None if they are not."""
        is_left = options.impulses == "auto" and self._network.is_blind
        if options.impulses == "off" or is_left or options.strength_of(job.canvas).is_zero:
            return None
        return options.impulses


def _choose_scales(job: ImageJob, options: DenoiseOptions) -> None:
    """Measure coarse noise if it may be removed at several scales."""
    if options.scales == 1 or options.strength_of(job.canvas).is_zero:
        return
    noise = CoarseNoise(job.canvas, job.analysis)
    count = noise.count(options.scales)
    if count > 1:
        job.shares, job.level = noise.shares(count), noise.improved(job.level)


def _guard(job: ImageJob, options: DenoiseOptions) -> Guard | None:
    """The limits on the change of an image; None if it is unlimited."""
    if options.force or options.strength_of(job.canvas).is_zero:
        return None
    estimated = job.level if isinstance(job.level, EstimatedLevel) else None
    if estimated and not job.has_impulses:
        estimated = replace(estimated, impulsive=())
    guard = assess(job.canvas, estimated, job.stabilizer)
    guard.is_luma = job.is_luma
    if guard.reason is None and job.choice is not None and job.choice.left_alone is not None:
        return Guard(guard.sigma, [Verdict(job.choice.left_alone)])
    return guard


def _make_network(module: torch.nn.Module, options: DenoiseOptions) -> Network:
    """The module as a network, in the runtime of the options."""
    network = Network(module)
    check_precision(options.precision, network.device or torch.device("cpu"))
    if options.runtime == "torch":
        return network
    # Here, since the packages of other runtimes are optional and slow to import.
    from restorekit.runtimes.runtime_models import make_runtime

    return Network(
        module,
        # A function, because an exported network must be made again when the weights change.
        lambda: make_runtime(Network(module), options.runtime, options.precision),
    )
