"""Pictures, files, arrays and tensors through a trained network, each back as what it came as."""

from __future__ import annotations

import time
import warnings
from copy import copy
from dataclasses import replace
from os import PathLike
from typing import Any, TypeVar, overload

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from restorekit.errors import ArgumentError, InputError, RestoreWarning
from restorekit.restore.arguments import check_share
from restorekit.restore.canvas import Canvas
from restorekit.restore.detail import return_detail
from restorekit.restore.ensemble import ALL, IDENTITY
from restorekit.restore.image_kinds import open_image
from restorekit.restore.loading import ModelLike, load, session
from restorekit.restore.network import Network, name_of
from restorekit.restore.noise_level import (
    NoiseLevel,
    Sigma,
    check_sigma,
    estimated_level,
    estimated_map,
    given_level,
    looks_clean,
)
from restorekit.restore.outcome import Outcome
from restorekit.restore.probing.memory import is_out_of_memory
from restorekit.restore.probing.precision import check_precision, dtype_of, is_worth_it
from restorekit.restore.tiles.size import TileSize, check_tile, choose, difference, smaller
from restorekit.restore.tiles.stitch import Stitching, stitch

Array = np.ndarray[Any, Any]
Kind = TypeVar("Kind", Image.Image, Array, Tensor)

DEFAULT_MODEL = "swift-photo"


@overload
def denoise(
    image: Kind,
    model: ModelLike = ...,
    sigma: Sigma | None = ...,
    strength: float = ...,
    keep_detail: float = ...,
    ensemble: bool = ...,
    tile: TileSize = ...,
    precision: str = ...,
    device: str | torch.device = ...,
) -> Kind: ...
@overload
def denoise(
    image: str | PathLike[str],
    model: ModelLike = ...,
    sigma: Sigma | None = ...,
    strength: float = ...,
    keep_detail: float = ...,
    ensemble: bool = ...,
    tile: TileSize = ...,
    precision: str = ...,
    device: str | torch.device = ...,
) -> Image.Image: ...
def denoise(
    image: Any,
    model: ModelLike = DEFAULT_MODEL,
    sigma: Sigma | None = None,
    strength: float = 1.0,
    keep_detail: float = 0.0,
    ensemble: bool = False,
    tile: TileSize = "auto",
    precision: str = "auto",
    device: str | torch.device = "auto",
) -> Any:
    """Restore one image; for many, make a `Denoiser`, which loads the network once.

    Args:
        image: a PIL image, the path of one, an array or a tensor, as `Denoiser` takes it.
        model: the name of bundled weights, a weights file, a run's folder, or a module.
        sigma: the noise's standard deviation on the [0, 1] scale, as for `Denoiser`; None estimates
            it.
        strength: how much of the change is made, from 0 to 1.
        keep_detail: how much of the fine detail that was lost is put back, from 0 to 1.
        ensemble: restore all eight flips and turns of the image and take their mean.
        tile: side of the tiles in pixels, "auto", or "off" for the whole image at once.
        precision: "auto", "float32", "bfloat16", or, on a GPU, "float16".
        device: where to run, as for `Denoiser`.

    Returns:
        The same kind of thing, of the same size, type and range; of a path, a PIL image.

    Raises:
        InputError: the image cannot be worked with.
        ImageFileError: the file cannot be read.
        ArgumentError: an option has a value that it cannot have.
        CheckpointError: the weights cannot be loaded.
    """
    denoiser = Denoiser(
        model,
        sigma=sigma,
        strength=strength,
        keep_detail=keep_detail,
        ensemble=ensemble,
        tile=tile,
        precision=precision,
        device=device,
    )
    return denoiser(image)


class Denoiser:
    """A network ready to restore images.

    Takes, and gives back with the same size, type and range:

    - PIL images of 8 bits (gray, colour, palette (given back as colour), black and white (given
      back as gray)), and gray ones of 16 bits ("I;16") or floats ("F"); metadata stays.
    - paths of such pictures (given back as PIL images). Colour of 16 bits or floats, and files of
      several pages, no PIL image can hold: give the `pixels` of each picture that
      `restorekit.data.files.read_pages` reads.
    - numpy arrays (H, W) or (H, W, C) and tensors (C, H, W) or (B, C, H, W), of uint8 from 0 to
      255, of uint16 from 0 to 65535, or of floats on the [0, 1] scale. Where no value of uint16
      reaches 2^14, white is taken to be the next power of two less one, 4095 for 12 bits.

    Floats may leave [0, 1], as noise and light brighter than white do, and the network sees them as
    they are. The result is clamped to [0, 1], or to the range of the given values where it is
    wider.

    One channel is gray, three are colour, and one more is alpha, which is kept as it is (unless
    the network says that it takes that many channels). A gray image goes through a colour network
    as three equal channels, whose mean is taken; a colour image goes through a gray network one
    channel at a time.

    Large images are restored in tiles, which overlap by as much as the network is measured to see:
    of a convolutional one the result is as of the whole image. A network that looks at the whole
    image at once restores tiles otherwise; this is warned of once, with the measured difference.

    Args:
        model: The name of bundled weights, a weights file, a run's folder, or a module. A module is
            used where it lies, its weights laid out channels-last, and is in evaluation mode
            during a call only.
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
            it, the image has at least 256x256 pixels, and the network is measured to lose less
            than 0.01 dB; else float32.
        device: "auto", "cpu", "cuda", "mps". "auto" is the fastest one for a file, and where it
            lies for a module; any other moves the module there.
        noise_map: Estimate the noise for each region of the image; for networks that take sigma.
        runtime: "torch", or "onnxruntime" or "openvino" where the extra is installed, both in
            float32; "auto" for the fastest of them.

    Raises:
        CheckpointError: there are no such weights, or they cannot be loaded.
        ArgumentError: an option has a value that it cannot have.
        InputError: there is no such device.
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
    ) -> None:
        check_sigma(sigma)
        check_share("strength", strength)
        check_share("keep_detail", keep_detail)
        if noise_map and sigma is not None:
            raise ArgumentError("a noise map is estimated; give either sigma or noise_map")
        self._tile = check_tile(tile)
        self._sigma, self._noise_map = sigma, noise_map
        self._strength, self._keep_detail = strength, keep_detail
        self._turns = ALL if ensemble else IDENTITY
        self.model = load(model, device)
        self.name = name_of(model)
        network = Network(self.model)
        check_precision(precision, network.device or torch.device("cpu"))
        run = session(network, runtime, precision)
        self._network = network if run is None else Network(self.model, run)
        self._precision = precision
        self._warned: set[str] = set()

    @property
    def channels(self) -> int | None:
        """How many image channels the network says it takes; None where it says nothing."""
        return self._network.channels

    @property
    def heeds_sigma(self) -> bool:
        """Whether the network makes anything of the noise's standard deviation: is not blind."""
        return not self._network.is_blind

    def told(self, sigma: Sigma | None) -> Denoiser:
        """This denoiser for another noise level, with the same network and what is known of it.

        Args:
            sigma: as for the constructor.
        """
        check_sigma(sigma)
        other = copy(self)
        other._sigma = sigma
        return other

    @overload
    def __call__(self, image: Kind) -> Kind: ...
    @overload
    def __call__(self, image: str | PathLike[str]) -> Image.Image: ...
    def __call__(self, image: Any) -> Any:
        """The image restored.

        Raises:
            InputError: it is empty, not finite, or of a kind, shape or type not listed above.
            ImageFileError: it is the path of no picture that can be read.
        """
        return self._restore(image, diagnose=False).image

    @overload
    def restore(self, image: Kind, in_place: bool = ...) -> Outcome[Kind]: ...
    @overload
    def restore(self, image: str | PathLike[str], in_place: bool = ...) -> Outcome[Image.Image]: ...
    def restore(self, image: Any, in_place: bool = False) -> Any:
        """The image restored, with its noise level, and what was done; see `Outcome`.

        Args:
            image: as in the list above.
            in_place: an array may be overwritten with its result, which saves its memory; it is not
                where it is read-only or `keep_detail` needs it. Half restored where an error is
                raised.

        Raises:
            InputError: it is empty, not finite, or of a kind, shape or type not listed above.
            ImageFileError: it is the path of no picture that can be read.
        """
        return self._restore(image, diagnose=True, in_place=in_place)

    def _restore(self, image: Any, diagnose: bool, in_place: bool = False) -> Outcome[Any]:
        started = time.perf_counter()
        in_place = in_place and not self._keep_detail
        canvas, finish = open_image(image, self._network.channels, in_place)
        tile, precision = None, self._precision
        level = self._level(canvas, diagnose)
        clean = diagnose and self._sigma is None and looks_clean(canvas, level)
        if self._strength == 0:
            canvas.result.copy_(canvas.source)
        else:
            dtype = self._dtype(canvas)
            precision = str(dtype or self._network.dtype).removeprefix("torch.")
            tile = self._run(canvas, self._level_for_network(canvas, level), dtype)
        return Outcome(
            image=finish(),
            sigma=_per_channel(level, canvas),
            already_clean=clean,
            seconds=time.perf_counter() - started,
            tile=tile,
            precision=precision,
            model=self.name,
        )

    def _run(
        self, canvas: Canvas, level: NoiseLevel | None, dtype: torch.dtype | None
    ) -> int | None:
        """Restore a canvas, in smaller tiles where memory runs out; the side of the tiles."""
        how: Stitching | None = choose(self._network, canvas.size, self._tile, exact=dtype is None)
        with self._network.running(dtype):
            while how is not None:
                how = replace(how, turns=self._turns)
                try:
                    self._warn_of_tiles(canvas, how, level)
                    # Detail is found in what the network changed: the strength is for afterwards.
                    strength = 1.0 if self._keep_detail else self._strength
                    stitch(canvas, self._network, how, level, strength)
                    if self._keep_detail:
                        return_detail(canvas, self._keep_detail, self._strength)
                    return how.tile
                except Exception as error:
                    if not is_out_of_memory(error):
                        raise
                how = None if canvas.is_spent else self._smaller(how, canvas)
        height, width = canvas.size
        tiles = "even in the smallest tiles" if self._network.reach else "which it takes only whole"
        tiles = "half of which it has restored in place" if canvas.is_spent else tiles
        raise InputError(
            f"not enough memory for model '{self.name}' on an image of {width}x{height} pixels, "
            f"{tiles}"
        )

    def _smaller(self, how: Stitching, canvas: Canvas) -> Stitching | None:
        halved = smaller(how, canvas.size)
        if halved is None or how.tile is not None:
            return halved
        # It was the whole image: nothing has been measured yet.
        return choose(self._network, canvas.size, halved.tile) if self._network.reach else None

    def _level(self, canvas: Canvas, diagnose: bool) -> NoiseLevel | None:
        """The level of each channel, where it is given, needed or asked for."""
        if self._sigma is not None:
            if self._network.is_blind:
                self._warn("blind: it finds the noise level itself, and sigma has no effect")
            return given_level(canvas, self._sigma)
        needed = self._strength and not self._noise_map and not self._network.is_blind
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
            return self._network.lossless_dtype if is_worth_it(canvas.size) else None
        return dtype_of(self._precision)

    def _warn_of_tiles(self, canvas: Canvas, how: Stitching, level: NoiseLevel | None) -> None:
        if how.tile is None or "tiles" in self._warned:
            return
        reach = self._network.reach
        if reach is not None and reach.is_global:
            self._warned.add("tiles")
            levels = 255 * difference(self._network, canvas, how, level)
            self._warn(
                f"one that looks at the whole image: in tiles of {how.tile} pixels the result "
                f"differs by about {levels:.2g}/255 (rms, measured on this image); "
                "tile='off' restores it whole"
            )

    def _warn(self, fact: str) -> None:
        """Warn once of what a model is."""
        if fact not in self._warned:
            self._warned.add(fact)
            warnings.warn(f"model '{self.name}' is {fact}", RestoreWarning, stacklevel=5)


def _per_channel(level: NoiseLevel | None, canvas: Canvas) -> tuple[float, ...]:
    """The level of each channel, where white is 1."""
    if level is None:
        return ()
    sigma = level.sigma.mean((0, 2, 3))
    return tuple(sigma.expand(canvas.source.shape[1]).tolist())
