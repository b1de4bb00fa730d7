"""Pictures, files, arrays and tensors through a trained network, each back as what it came as."""

from __future__ import annotations

import time
from collections.abc import Sequence
from copy import copy
from itertools import repeat
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from restorekit.devices import check_precision, dtype_of
from restorekit.errors import ArgumentError, warn
from restorekit.former_names import present_name
from restorekit.memory import memory_errors
from restorekit.networks.loading import ModelLike, load_network
from restorekit.networks.network import Network, model_name
from restorekit.networks.precision import is_large_enough
from restorekit.pictures.value_ranges import check_range
from restorekit.restore.argument_checks import check_fraction
from restorekit.restore.canvas import Canvas, group_alike, join_canvases
from restorekit.restore.image_types import open_image
from restorekit.restore.noise_level import (
    EstimatedLevel,
    NoiseLevel,
    Sigma,
    check_sigma,
    estimated_level,
    estimated_map,
    given_level,
    join_levels,
)
from restorekit.restore.outcome import DenoiseOutcome
from restorekit.restore.pipeline import Pipeline
from restorekit.restore.pixel_meaning import PixelMeaning
from restorekit.restore.safeguard.assess import assess
from restorekit.restore.safeguard.guard import Guard, join_guards
from restorekit.restore.tiles.stitch import pixels_at_once
from restorekit.restore.tiles.tile_size import TileSize, check_tile
from restorekit.symmetry import ALL_SYMMETRIES, IDENTITY

Array = np.ndarray[Any, Any]
RangeEnd = float | Literal["auto"]
ImageT = TypeVar("ImageT", Image.Image, Array, Tensor)

DEFAULT_MODEL = "swift-photo"
_RENAMED = {"told": "with_sigma", "heeds_sigma": "uses_sigma"}


class Denoiser:
    """A network ready to restore images, from any number of threads at once.

    Takes, and gives back with the same size, type and range:

    - PIL images of 8 bits (gray, colour, palette (given back as colour), black and white), and
      gray ones of 16 bits ("I;16") or floats ("F"); metadata stays.
    - paths of such pictures (given back as PIL images). Colour of 16 bits or floats, and files of
      several pages, no PIL image can hold: give the `pixels` of each picture that
      `restorekit.pictures.read_files.read_pages` reads.
    - numpy arrays (H, W) or (H, W, C) and tensors (C, H, W) or (B, C, H, W), of 8, 16 or 32-bit
      integers, signed or not, or of floats.

    Black and white are 0 and 255 of uint8, and 0 and 65535 of uint16; where no value of uint16
    reaches 2^14, white is the next power of two less one, 4095 for 12 bits. Floats are on the
    [0, 1] scale, which noise and light brighter than white may leave. Where their values show that
    they are not, and for other integers, the range is taken from the values, and a warning says
    so; `black` and `white` set it. The result is clamped to the range, or to that of the given
    values where it is wider.

    Pixels that are NaN, infinite, or further beyond black or white than ten times their distance
    come back as they are; the network sees their surroundings in their place.

    One channel is gray, three are colour, and of two or four the last is alpha, which is kept as it
    is (unless `alpha` is False, or the network says that it takes that many channels). A gray image
    goes through a colour network as three equal channels, whose mean is taken; a colour image goes
    through a gray network one channel at a time, and so do the channels of an image of more.

    Large images are restored in tiles, which overlap by as much as the network is measured to see:
    of a convolutional one the result is as of the whole image. A network that looks at the whole
    image at once restores tiles otherwise; this is warned of once, with the measured difference.

    Args:
        model: The name of bundled weights, a weights file, a run's folder, or a module. A module is
            used where it lies, its weights laid out channels-last, and is in evaluation mode
            during calls only: do not train it in another thread meanwhile. Its weights may change
            between calls; what was measured of it is then measured again.
        sigma: The noise's standard deviation where white is 1 and black 0: one, one for each
            channel, or a map (H, W) of it; None estimates it from each image. A blind network does
            not need it.
        strength: How much of the network's change is made: 0 gives the image itself, 1 the restored
            one.
        keep_detail: How much of the fine detail found in what the network took away is put back,
            from 0 to 1.
        ensemble: Restore all eight flips and quarter turns and take their mean; eight times slower,
            and a little better.
        tile: Greatest side of a tile in pixels; "auto" is what is fastest and fits the memory,
            "off" or None the whole image at once.
        precision: The network's number format. "auto" is bfloat16 where the hardware computes in
            it, the image has at least 64x64 pixels, and the network is measured to lose less
            than 0.01 dB; else float32.
        device: "auto", "cpu", "cuda", "mps". "auto" is the fastest one for a file, and where it
            lies for a module; any other moves the module there.
        noise_map: Estimate the noise for each region of the image; for networks that take sigma.
        black: The value that is black; "auto" finds it as said above.
        white: The value that is white.
        alpha: Whether the last of two or four channels of an array or tensor is alpha. If not, it
            is restored like the others.
        force: Restore every image in full. Otherwise images of two or a few values (pages, line
            art) and images without noise worth removing come back as they are, and no region is
            changed by more than its noise explains. `DenoiseOutcome.left_alone` tells which it was.
        runtime: "torch", or "onnxruntime" or "openvino" where the extra is installed, both in
            float32; "auto" for the fastest of them.

    Raises:
        CheckpointError: there are no such weights, or they cannot be loaded.
        ArgumentError: an option has a value that it cannot have.
        InputError: there is no such device.

    Example:
        >>> denoiser = restorekit.Denoiser()
        >>> noisy = batch + 0.1 * torch.randn_like(batch)
        >>> restored = denoiser(noisy)
        >>> bool((restored - batch).square().mean() < 0.2 * (noisy - batch).square().mean())
        True
    """

    def __init__(
        self,
        model: ModelLike = DEFAULT_MODEL,
        *,
        sigma: Sigma | None = None,
        strength: float = 1.0,
        keep_detail: float = 0.0,
        ensemble: bool = False,
        tile: TileSize = "auto",
        precision: str = "auto",
        device: str | torch.device = "auto",
        noise_map: bool = False,
        runtime: str = "torch",
        black: RangeEnd = "auto",
        white: RangeEnd = "auto",
        alpha: bool = True,
        force: bool = False,
    ) -> None:
        check_sigma(sigma)
        self._meaning = PixelMeaning(*check_range(black, white), has_alpha=alpha)
        check_fraction("strength", strength)
        check_fraction("keep_detail", keep_detail)
        if noise_map and sigma is not None:
            raise ArgumentError("a noise map is estimated; give either sigma or noise_map")
        side = check_tile(tile)
        self._sigma, self._noise_map, self._force = sigma, noise_map, force
        self.name = model_name(model)
        with memory_errors(lambda: f"to load model '{self.name}'; use a smaller one"):
            self.model = load_network(model, device)
            network = Network(self.model)
        check_precision(precision, network.device or torch.device("cpu"))
        if runtime != "torch":
            from restorekit.runtimes.runtime_models import make_runtime

            network = Network(
                self.model, lambda: make_runtime(Network(self.model), runtime, precision)
            )
        self._network = network
        self._precision = precision
        turns = ALL_SYMMETRIES if ensemble else IDENTITY
        self._pipeline = Pipeline(self._network, self.name, side, turns, strength, keep_detail)
        self._warned: set[str] = set()

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            return getattr(self, present_name("'Denoiser' object", name, _RENAMED))

    @property
    def channels(self) -> int | None:
        """How many image channels the network says it takes; None where it says nothing."""
        return self._network.channels

    @property
    def uses_sigma(self) -> bool:
        """Whether the network makes anything of the noise's standard deviation: is not blind."""
        self._network.renew()
        return not self._network.is_blind

    @property
    def pixels_at_once(self) -> int:
        """How many pixels images should have, all in all, that are restored together."""
        return pixels_at_once(self._network)

    def with_sigma(self, sigma: Sigma | None) -> Denoiser:
        """This denoiser for another noise level, with the same network and what is known of it.

        Args:
            sigma: as for the constructor.
        """
        check_sigma(sigma)
        other = copy(self)
        other._sigma = sigma
        return other

    @overload
    def __call__(self, image: ImageT) -> ImageT: ...
    @overload
    def __call__(self, image: str | PathLike[str]) -> Image.Image: ...
    def __call__(self, image: Any) -> Any:
        """The image restored.

        Raises:
            InputError: it is empty, not finite, or of a kind, shape or type not listed above.
            ImageFileError: it is the path of no picture that can be read.
        """
        return self._restore([image], diagnose=False)[0].image

    @overload
    def restore(
        self, image: ImageT, in_place: bool = ..., meaning: PixelMeaning | None = ...
    ) -> DenoiseOutcome[ImageT]: ...
    @overload
    def restore(
        self, image: str | PathLike[str], in_place: bool = ..., meaning: PixelMeaning | None = ...
    ) -> DenoiseOutcome[Image.Image]: ...
    def restore(
        self, image: Any, in_place: bool = False, meaning: PixelMeaning | None = None
    ) -> Any:
        """The image restored, with its noise level, and what was done; see `DenoiseOutcome`.

        Args:
            image: as in the list above.
            in_place: an array may be overwritten with its result, which saves its memory; it is not
                where it is read-only or `keep_detail` needs it. Half restored where an error is
                raised.
            meaning: the range and the channels of this image, where they are known.

        Raises:
            InputError: it is empty, not finite, or of a kind, shape or type not listed above.
            ImageFileError: it is the path of no picture that can be read.
        """
        return self._restore([image], True, in_place, None if meaning is None else [meaning])[0]

    def restore_all(
        self, images: Sequence[Any], meanings: Sequence[PixelMeaning] | None = None
    ) -> list[DenoiseOutcome[Any]]:
        """Several images restored, each as `restore` does.

        Those of one size, type and range go through the network together, which is faster where
        they are small. What is said of the seconds is each one's part.

        Args:
            images: as in the list above.
            meanings: the range and the channels of each, where they are known.

        Raises:
            InputError: one is empty, not finite, or of a kind, shape or type not listed above.
            ImageFileError: one is the path of no picture that can be read.
        """
        return self._restore(images, True, meanings=meanings)

    def _restore(
        self,
        images: Sequence[Any],
        diagnose: bool,
        in_place: bool = False,
        meanings: Sequence[PixelMeaning] | None = None,
    ) -> list[DenoiseOutcome[Any]]:
        def describe() -> str:
            what = "an image" if len(images) == 1 else f"{len(images)} images together"
            return f"to restore {what} with model '{self.name}'; use a smaller tile or image"

        with memory_errors(describe):
            return self._restore_within_memory(images, diagnose, in_place, meanings)

    def _restore_within_memory(
        self,
        images: Sequence[Any],
        diagnose: bool,
        in_place: bool,
        meanings: Sequence[PixelMeaning] | None,
    ) -> list[DenoiseOutcome[Any]]:
        started = time.perf_counter()
        self._network.renew()
        in_place = in_place and not self._pipeline.keep_detail
        opened = [
            open_image(image, self._network.channels, in_place, meaning)
            for image, meaning in zip(images, meanings or repeat(self._meaning), strict=False)
        ]
        canvases = [each.canvas for each in opened]
        for words in dict.fromkeys(canvas.words for canvas in canvases if canvas.words):
            warn(words)
        levels = [self._level(canvas, diagnose) for canvas in canvases]
        guards = [self._guard(*each) for each in zip(canvases, levels, strict=True)]
        clean = [isinstance(level, EstimatedLevel) and all(level.clean) for level in levels]
        how = self._run(canvases, levels, guards)
        reasons = [guard.reason if guard else None for guard in guards]
        seconds = (time.perf_counter() - started) / max(len(images), 1)
        return [
            DenoiseOutcome(
                image=each.finish(),
                sigma=_per_channel(level, each.canvas),
                already_clean=reason == "clean" or (is_clean and reason != "faint"),
                seconds=seconds,
                tile=tile,
                precision=precision,
                model=self.name,
                black=each.canvas.scale.black,
                white=each.canvas.scale.white,
                left_alone=reason,
            )
            for each, level, is_clean, reason, (tile, precision) in zip(
                opened, levels, clean, reasons, how, strict=True
            )
        ]

    def _run(
        self,
        canvases: Sequence[Canvas],
        levels: Sequence[NoiseLevel | None],
        guards: Sequence[Guard | None],
    ) -> list[tuple[int | None, str]]:
        """Restore canvases, those that are alike together; the tile and precision of each."""
        how: list[tuple[int | None, str]] = [(None, self._precision)] * len(canvases)
        changed = []
        for place, (canvas, guard) in enumerate(zip(canvases, guards, strict=True)):
            if self._pipeline.strength == 0 or (guard is not None and guard.reason is not None):
                canvas.leave(slice(None))
            else:
                changed.append(place)
        for group in group_alike([canvases[place] for place in changed], self.pixels_at_once):
            places = [changed[index] for index in group]
            some = [canvases[place] for place in places]
            told = [self._level_for_network(canvases[place], levels[place]) for place in places]
            dtype = self._dtype(some[0])
            precision = str(dtype or self._network.dtype).removeprefix("torch.")
            with (
                join_canvases(some) as canvas,
                join_guards([guards[place] for place in places]) as guard,
            ):
                tile = self._pipeline.run(canvas, join_levels(told), dtype, guard)
            for place in places:
                how[place] = tile, precision
        return how

    @property
    def _is_told(self) -> bool:
        """Whether the noise level is given, and has an effect."""
        return self._sigma is not None and not self._network.is_blind

    def _guard(self, canvas: Canvas, level: NoiseLevel | None) -> Guard | None:
        """What limits the change of a canvas, if anything is to."""
        if self._force or self._pipeline.strength == 0:
            return None
        return assess(canvas, level if isinstance(level, EstimatedLevel) else None)

    def _level(self, canvas: Canvas, diagnose: bool) -> NoiseLevel | None:
        """The level of each channel, where it is given, needed or asked for."""
        if self._sigma is not None:
            given = given_level(canvas, self._sigma)
            if self._is_told:
                return given
            self._warn("blind: it finds the noise level itself, and sigma has no effect")
        told = not self._noise_map and not self._network.is_blind
        needed = self._pipeline.strength and (told or not self._force)
        return estimated_level(canvas) if diagnose or needed else None

    def _level_for_network(self, canvas: Canvas, level: NoiseLevel | None) -> NoiseLevel | None:
        if self._noise_map:
            if not self._network.is_blind:
                return estimated_map(canvas)
            self._warn("blind: it finds the noise level itself, and a noise map has no effect")
        return None if self._network.is_blind else level

    def _dtype(self, canvas: Canvas) -> torch.dtype | None:
        if not self._network.is_torch:
            return None
        if self._precision == "auto":
            return self._network.lossless_dtype if is_large_enough(canvas.size) else None
        return dtype_of(self._precision)

    def _warn(self, fact: str) -> None:
        """Warn once of what a model is."""
        if fact not in self._warned:
            self._warned.add(fact)
            warn(f"model '{self.name}' is {fact}")


def _per_channel(level: NoiseLevel | None, canvas: Canvas) -> tuple[float, ...]:
    """The level of each channel, where white is 1."""
    if level is None:
        return ()
    sigma = level.sigma.mean((0, 2, 3))
    return tuple(sigma.expand(canvas.source.shape[1]).tolist())
