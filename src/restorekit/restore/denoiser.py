"""Restoring pictures, files, arrays and tensors; each result has the type of its input."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import repeat
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from restorekit.errors import warn
from restorekit.former_names import present_name
from restorekit.memory import memory_errors
from restorekit.networks.loading import ModelLike
from restorekit.pictures.encoded_images import Encoded
from restorekit.restore.automatic_restorer import AutomaticRestorer
from restorekit.restore.denoise_options import (
    AUTOMATIC,
    DEFAULT_MODEL,
    DenoiseKeywords,
    DenoiseOptions,
    show_options,
)
from restorekit.restore.image_job import ImageJob
from restorekit.restore.image_types import open_image
from restorekit.restore.network_restorer import NetworkRestorer
from restorekit.restore.noise_level import Sigma
from restorekit.restore.outcome import DenoiseOutcome
from restorekit.restore.pixel_meaning import PixelMeaning
from restorekit.restore.safeguard.reason import describe_reason
from restorekit.untrusted.text import quoted

LOGGER = logging.getLogger(__name__)

Array = np.ndarray[Any, Any]
ImageT = TypeVar("ImageT", Image.Image, Array, Tensor)
ImageSource = str | PathLike[str] | Encoded  # what becomes a PIL image

_RENAMED = {"told": "with_sigma", "heeds_sigma": "uses_sigma"}


class Denoiser:
    """A network ready to restore images. It may be called from several threads at once.

    It can be sent to another process, where the weights are loaded again if they have a name. In a
    process that was forked, torch computes with one thread.

    The result has the size, type and range of the input. Supported inputs are:

    - PIL images of 8 bits (gray, colour, palette, black and white), and gray ones of 16 bits
      ("I;16") or floats ("F"). Palette images are returned as colour. Metadata is kept.
    - paths of such pictures, returned as PIL images. PIL cannot represent colour of 16 bits or
      floats, nor files of several pages: for these, restore the `pixels` of each picture that
      `restorekit.pictures.read_files.read_pages` returns.
    - the bytes of such a file, or a binary stream that gives them (`io.BytesIO`, an open file), as
      for paths.
    - numpy arrays (H, W), (H, W, C) or (B, H, W, C) and tensors (C, H, W) or (B, C, H, W), of 8, 16
      or 32-bit integers, signed or not, or of floats.

    Black and white are 0 and 255 for uint8, and 0 and 65535 for uint16. If no uint16 value reaches
    2^14, white is the next power of two minus one, for example 4095 for 12 bits. Floats are on the
    [0, 1] scale; noise and light brighter than white may lie outside it. If the values of floats
    show another scale, and for other integers, the range is taken from the values with a warning;
    `black` and `white` set it. The result is clamped to the range, or to that of the input values
    if it is wider.

    Pixels that are NaN, infinite, or farther outside the range than ten times its width are
    returned unchanged; the network sees values interpolated from their surroundings.

    One channel is gray and three are colour. Of two or four channels the last is alpha, which is
    kept, unless `alpha` is False or the network takes that many channels. A gray image goes through
    a colour network as three equal channels, whose mean is the result. A colour image goes through
    a gray network one channel at a time, as do the channels of an image with more of them. Model
    "auto" restores channels one at a time if they do not share their detail, as the stains of a
    micrograph, and leaves constant channels as they are.

    Large images are restored in tiles that overlap by the measured receptive field of the network.
    For a convolutional network, the result equals that of the whole image. For a network that uses
    the whole image, tiles change the result; one warning reports the measured difference.

    Args:
        model: The name of bundled weights, a weights file, the folder of a run, or a module. "auto"
            measures the noise of each image and chooses among the bundled weights;
            `DenoiseOutcome.choice` has the choice and its reason. A
            module stays on its device, with its weights in channels-last layout. It is in
            evaluation mode during calls only, so do not train it in another thread meanwhile. Its
            weights may change between calls; it is then measured again.
        sigma: Standard deviation of the noise on the scale where black is 0 and white is 1: one
            value, one for each channel, or a map (H, W). None estimates it from each image for
            networks that need it, and "estimate" also for networks that work without it. Blind
            networks do not use it.
        estimator: The estimator of the level or of the noise map, by name ("mad"), as a mapping
            {"name": ..., argument: ...}, or as a function of a batch (B, C, H, W) that returns
            (B, C). Naming one means `sigma="estimate"`. None for the default, `block_dct`.
        strength: Share of the change that is applied: 0 returns the input, 1 the restored image.
        strength_luma: Share of the change of luma, which is 0.299 R + 0.587 G + 0.114 B, and of
            images without colour. None for that of `strength`.
        strength_chroma: Share of the change of colour differences, which keeps luma. None for that
            of `strength`.
        keep_detail: Share of the removed detail that is returned, from 0 to 1, at the price of
            noise in textures. Flat areas stay clean.
        ensemble: Whether to average over all eight flips and rotations: eight times slower, and
            slightly better.
        tile: Largest side of a tile in pixels. "auto" selects the fastest that fits in memory,
            "off" or None restores the whole image at once.
        precision: Number format of the network. "auto" uses bfloat16 if the hardware supports it,
            the image has at least 64x64 pixels, and the measured loss is below 0.01 dB; otherwise
            float32.
        device: "auto", "cpu", "cuda" or "mps". "auto" selects the fastest device for a file, and
            leaves a module where it is; any other value moves the module.
        noise_map: Whether to estimate the noise for each region, for networks that use sigma.
        stabilize: Whether noise that depends on the brightness is transformed to a constant level,
            so that a network for white noise can remove it. "auto" does so if the network uses
            sigma and the measured noise curve is trustworthy, "on" in any case, "off" never. A
            `NoiseCurve` (on the [0, 1] scale) or `SensorNoise` (in the units of the image) gives
            the curve. A curve replaces sigma and noise_map; with these, "auto" means "off".
        black: The value that is black; "auto" finds it as described above.
        white: The value that is white; "auto" finds it as described above.
        alpha: Whether the last of two or four channels of an array or tensor is alpha. If not, it
            is restored like the others.
        force: Whether to restore every image in full. Otherwise images with few distinct values
            (pages, line art) and images without noise worth removing are returned unchanged, and
            no region is changed by more than its noise explains. `DenoiseOutcome.left_alone` has
            the reason.
        scales: Number of scales, 1 to 4, at which noise is removed: in the image averaged over 8, 4
            and 2 pixels first, and then in the image itself. For noise that is correlated over
            several pixels and that a network for white noise takes for detail. "auto" uses as many
            as the measured noise is coarse for.
        impulses: Whether impulses (salt, pepper, hot and dead pixels) are found and filled from the
            good pixels around them before the network is used. "auto" does so with model "auto" and
            with networks that use sigma, except in pages, line art and halftones; "on" with any
            network and image, "off" never. Impulses are filled in full, whatever the strength.
        runtime: "torch", or "onnxruntime" or "openvino" (in float32) if the extra is installed;
            "auto" selects the fastest.

    Raises:
        CheckpointError: the weights do not exist or cannot be loaded.
        ArgumentError: an option has an invalid value.
        InputError: the device is not available.

    Example:
        >>> denoiser = restorekit.Denoiser()
        >>> noisy = batch + 0.1 * torch.randn_like(batch)
        >>> restored = denoiser(noisy)
        >>> bool((restored - batch).square().mean() < 0.2 * (noisy - batch).square().mean())
        True
    """

    @show_options(DenoiseKeywords)
    def __init__(
        self, model: ModelLike = DEFAULT_MODEL, **options: Unpack[DenoiseKeywords]
    ) -> None:
        self._options, self._given = DenoiseOptions(**options), model
        self._restorer: NetworkRestorer | AutomaticRestorer = (
            AutomaticRestorer(self._options)
            if isinstance(model, str) and model == AUTOMATIC
            else NetworkRestorer(model, self._options)
        )

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            return getattr(self, present_name("'Denoiser' object", name, _RENAMED))

    def __repr__(self) -> str:
        weight = next(self.model.parameters(), None)
        device = self._options.device if weight is None else weight.device
        options = (f", {name}={quoted(value)}" for name, value in self._options.changed().items())
        return f"<Denoiser {self.name!r} on {device}{''.join(options)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # Locks and sessions of runtimes cannot be pickled, and the weights of a name need not be.
        return partial(type(self), **self._options.changed()), (self._given,)

    @property
    def name(self) -> str:
        """Name of the model, or the path of its weights."""
        return self._restorer.name

    @property
    def model(self) -> torch.nn.Module:
        """The network; for "auto", the one for most photographs."""
        return self._restorer.model

    @property
    def channels(self) -> int | None:
        """Number of image channels of the network; None if it takes any or does not declare it."""
        return self._restorer.channels

    @property
    def uses_sigma(self) -> bool:
        """Whether the output of the network depends on sigma; it does not for a blind network."""
        return self._restorer.uses_sigma

    @property
    def pixels_at_once(self) -> int:
        """Recommended total number of pixels of images that are restored together."""
        return self._restorer.pixels_at_once

    def with_sigma(self, sigma: Sigma | None) -> Denoiser:
        """A copy of this denoiser for another noise level; it shares the network.

        Args:
            sigma: as in the constructor.
        """
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        # A given level replaces the estimate.
        estimator = self._options.estimator if sigma is None else None
        other._options = replace(self._options, sigma=sigma, estimator=estimator)
        return other

    @overload
    def __call__(self, image: ImageT) -> ImageT: ...
    @overload
    def __call__(self, image: ImageSource) -> Image.Image: ...
    def __call__(self, image: object) -> object:
        """Restore an image.

        Raises:
            InputError: the image is empty, has no finite value, or has an unsupported kind, shape
                or type.
            ImageFileError: the path is not a readable picture.
        """
        return self._restore([image], diagnose=False)[0].image

    @overload
    def restore(
        self,
        image: ImageT,
        in_place: bool = ...,
        meaning: PixelMeaning | None = ...,
        analyze: bool = ...,
    ) -> DenoiseOutcome[ImageT]: ...
    @overload
    def restore(
        self,
        image: ImageSource,
        in_place: bool = ...,
        meaning: PixelMeaning | None = ...,
        analyze: bool = ...,
    ) -> DenoiseOutcome[Image.Image]: ...
    def restore(
        self,
        image: object,
        in_place: bool = False,
        meaning: PixelMeaning | None = None,
        analyze: bool = False,
    ) -> object:
        """Restore an image, and return its noise level and how it was restored.

        Args:
            image: any supported input, see the class.
            in_place: whether an array may be overwritten by its result, which saves memory. It is
                not if it is read-only or if `keep_detail` is used. After an error, it may be
                partly restored.
            meaning: the range and the channels of this image, if they are known.
            analyze: whether `DenoiseOutcome.analysis` is to have every measurement of the image.

        Raises:
            InputError: the image is empty, has no finite value, or has an unsupported kind, shape
                or type.
            ImageFileError: the path is not a readable picture.
        """
        meanings = None if meaning is None else [meaning]
        return self._restore([image], True, in_place, meanings, analyze)[0]

    def restore_all(
        self,
        images: Sequence[object],
        meanings: Sequence[PixelMeaning] | None = None,
        analyze: bool = False,
    ) -> list[DenoiseOutcome[object]]:
        """Restore several images, each as `restore` does.

        Images of equal size, type and range go through the network as a batch, which is faster for
        small images. `seconds` of each outcome is the mean.

        Args:
            images: any supported inputs, see the class.
            meanings: the range and the channels of each image, if they are known.
            analyze: see `restore`.

        Raises:
            InputError: an image is empty, has no finite value, or has an unsupported kind, shape or
                type.
            ImageFileError: a path is not a readable picture.
        """
        return self._restore(images, True, meanings=meanings, analyze=analyze)

    def _restore(
        self,
        images: Sequence[object],
        diagnose: bool,
        in_place: bool = False,
        meanings: Sequence[PixelMeaning] | None = None,
        analyze: bool = False,
    ) -> list[DenoiseOutcome[object]]:
        def describe() -> str:
            what = "an image" if len(images) == 1 else f"{len(images)} images together"
            return f"to restore {what} with model '{self.name}'; use a smaller tile or image"

        with memory_errors(describe):
            started = time.perf_counter()
            jobs = self._open(images, in_place, meanings)
            if analyze:
                for job in jobs:
                    job.analyze()
            self._restorer.run(jobs, self._options, diagnose)
            seconds = (time.perf_counter() - started) / max(len(jobs), 1)
            outcomes = [job.outcome(seconds) for job in jobs]
        for done in outcomes:
            _log(done)
        return outcomes

    def _open(
        self,
        images: Sequence[object],
        in_place: bool,
        meanings: Sequence[PixelMeaning] | None,
    ) -> list[ImageJob]:
        """Open images, and warn once about each range that was guessed."""
        # Detail is measured as the difference from the image, so that must still exist.
        in_place = in_place and not self._options.keep_detail
        jobs = [
            ImageJob(
                open_image(image, self.channels, in_place, meaning),
                self._options.precision,
            )
            for image, meaning in zip(
                images, meanings or repeat(self._options.meaning), strict=False
            )
        ]
        # One warning for a range that many images share.
        for words in dict.fromkeys(job.canvas.words for job in jobs if job.canvas.words):
            warn(words)
        return jobs


def _log(done: DenoiseOutcome[object]) -> None:
    """Log how an image was restored; that it was not is what a user asks about most."""
    if done.left_alone is not None:
        why = describe_reason(done.left_alone, done.sigma)
        LOGGER.info("model '%s': the image is %s; force=True restores it", done.model, why)
    how = done.left_alone or f"tile {done.tile}, {done.precision}"
    LOGGER.debug("model '%s': %s, %.3f s", done.model, how, done.seconds)
