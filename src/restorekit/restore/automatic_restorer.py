"""Restoring opened images with the network that suits each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from threading import Lock

from torch import nn

from restorekit.restore.analysis import Analysis, analyze_canvas
from restorekit.restore.canvas import Canvas
from restorekit.restore.choice import MEASUREMENTS, Choice, choose
from restorekit.restore.denoise_options import AUTOMATIC, DenoiseOptions
from restorekit.restore.image_job import ImageJob
from restorekit.restore.image_types import OpenedImage
from restorekit.restore.impulse_removal.refill import refill
from restorekit.restore.network_restorer import NetworkRestorer
from restorekit.restore.neutral import average_channels, differs_by_noise
from restorekit.restore.separate_channels import Channels, join_channels, split_channels
from restorekit.restore.shared_noise import finish_luma, luma_job, may_share_noise
from restorekit.restore.stabilization.choose import is_curve

_USUAL, _FOR_IMPULSES = "swift-photo", "swift-impulse"
# Above this level of other noise, the network for impulses takes them for part of it.
_WEAK = 12 / 255


class AutomaticRestorer:
    """Restores opened images with the network that suits each of them.

    Networks are loaded when they are first needed.

    Args:
        options: device, runtime and precision of the networks.
    """

    name = AUTOMATIC
    channels = None
    uses_sigma = True

    def __init__(self, options: DenoiseOptions) -> None:
        self._options = options
        self._restorers: dict[str, NetworkRestorer] = {}
        self._lock = Lock()
        self._restorer(_USUAL)  # errors of the device or the runtime are raised here

    @property
    def model(self) -> nn.Module:
        """The network for most photographs."""
        return self._restorer(_USUAL).model

    @property
    def pixels_at_once(self) -> int:
        """Recommended total number of pixels of images that are restored together."""
        return self._restorer(_USUAL).pixels_at_once

    def run(self, jobs: Sequence[ImageJob], options: DenoiseOptions, diagnose: bool) -> None:
        """Choose a network for each image, and restore those with the same choice together.

        Args:
            jobs: the images.
            options: how they are restored.
            diagnose: whether the noise level is reported, and so needed in any case.
        """
        images = [job.split() for job in jobs]
        split = [(image, self._split(image, options)) for image in chain.from_iterable(images)]
        parts = [part for _, channels in split for _, part in channels]
        groups: dict[Choice, list[ImageJob]] = {}
        for part in parts:
            assert part.analysis is not None
            choice = choose(part.analysis, part.searched, is_curve(options.stabilize))
            if differs_by_noise(part.canvas):
                part.canvas.has_gray_noise = True
                choice = replace(choice, gray="restored")
            part.choice = choice
            if not self._restore_luma(part, options, diagnose):
                groups.setdefault(choice.settings, []).append(part)
        options = replace(options, impulses="off")
        for choice, some in groups.items():
            chosen = options if options.scales != 1 else replace(options, scales=choice.scales)
            self._restorer(choice.model).run(some, chosen, diagnose)
        for part in parts:
            _average_weak_noise(part, options)
        for image, channels in split:
            join_channels(image, channels)
        for job, its_images in zip(jobs, images, strict=True):
            job.join(its_images)

    def _split(self, image: ImageJob, options: DenoiseOptions) -> Channels:
        """The channels of an image that are restored together, analyzed and without impulses."""
        if image.analysis is None:
            image.analysis = analyze_canvas(image.canvas, names=MEASUREMENTS)
        if image.canvas.is_colour:
            self._remove_impulses(image, options)
        channels = split_channels(image, options)
        if not image.canvas.is_colour:
            for _, part in channels:
                self._remove_impulses(part, options)
        return channels

    def _restore_luma(self, part: ImageJob, options: DenoiseOptions, diagnose: bool) -> bool:
        """Remove noise that the channels share from luma alone, if there surely is some."""
        choice, analysis = part.choice, part.analysis
        if options.force or options.is_level_given or options.stabilize not in ("auto", "off"):
            return False  # the user knows the noise
        if options.strength_of(part.canvas).luma == 0:
            return False
        if choice is None or analysis is None or choice.model != _USUAL or choice.left_alone:
            return False
        if not may_share_noise(part.canvas, analysis):
            return False
        luma = luma_job(part)
        luma.analysis = analyze_canvas(luma.canvas, names=MEASUREMENTS)
        luma.choice = choose(luma.analysis, without_impulses=True)
        scales = luma.choice.scales if options.scales == 1 else options.scales
        own = replace(options, impulses="off", stabilize="off", scales=scales)
        self._restorer(luma.choice.model).run([luma], own, diagnose)
        if luma.reason is not None:
            return False
        finish_luma(part, luma)
        part.choice = replace(luma.choice, reason=f"{luma.choice.reason}, in luma alone")
        return True

    def _remove_impulses(self, part: ImageJob, options: DenoiseOptions) -> None:
        """Fill impulses, those in weak noise by the network that was trained for them."""
        if options.impulses == "off" or options.strength_of(part.canvas).is_zero:
            return
        part.remove_impulses(options.impulses)
        if part.impulses is None or part.analysis is None:
            return
        found = part.impulses.images[0]
        if found is not None and found.is_noise and found.are_exact and _is_weak(part.analysis):
            part.impulses = refill(part.canvas, part.impulses, self._restore_impulses)
            part.analysis = analyze_canvas(part.canvas, names=MEASUREMENTS)

    def _restore_impulses(self, canvas: Canvas) -> None:
        own = self._options
        # Only how the network computes; what the user wants of the result comes later.
        options = DenoiseOptions(
            ensemble=own.ensemble,
            tile=own.tile,
            precision=own.precision,
            device=own.device,
            runtime=own.runtime,
            stabilize="off",
            impulses="off",
            force=True,
        )
        job = ImageJob(OpenedImage(canvas, lambda: None), options.precision)
        self._restorer(_FOR_IMPULSES).run([job], options, False)

    def _restorer(self, model: str) -> NetworkRestorer:
        with self._lock:
            if model not in self._restorers:
                self._restorers[model] = NetworkRestorer(model, self._options)
            return self._restorers[model]


def _is_weak(analysis: Analysis) -> bool:
    """Whether noise is too weak to disturb the network for impulses.

    Impulses that no rule has found, and interpolation in texture, look like strong noise, but not
    like white noise.
    """
    is_white = analysis.correlation.is_white or analysis.noise_curve.is_trustworthy
    return analysis.noise_scales.overall[0] < _WEAK or not is_white


def _average_weak_noise(job: ImageJob, options: DenoiseOptions) -> None:
    """Average the channels of a gray image that was left as it is.

    The mean of three channels has a third of their noise, and all of their detail.
    """
    if job.choice is None or job.choice.gray is None or job.reason not in ("clean", "unclear"):
        return
    average_channels(job.canvas, options.strength_of(job.canvas))
    job.guard, job.choice = None, replace(job.choice, gray="averaged")
