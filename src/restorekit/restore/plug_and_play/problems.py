"""The three problems on an opened image: a blur, a reduction, missing pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from numbers import Real
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.errors import ArgumentError, InputError
from restorekit.restore.canvas import Canvas
from restorekit.restore.missing_pixels import from_around
from restorekit.restore.noise_level import estimated_level
from restorekit.restore.plug_and_play.degradation import Degradation
from restorekit.restore.plug_and_play.kernels import Kernel, identity_kernel, reducing_kernel
from restorekit.restore.plug_and_play.parts import Needs, PartSide, choose_parts, solve_parts
from restorekit.restore.plug_and_play.prior import LEAST_SIGMA, DenoiserPrior
from restorekit.restore.plug_and_play.solver import FIRST_LEVEL, NoiseField, Prior, solve

LARGEST_FACTOR = 4
# Lower than in deblurring: where most pixels are unknown, more draws patterns into fine texture.
_ENLARGING_LEVEL = 20 / 255
_STEPS = 8
_FILL_STEPS = 16
# Bytes of memory for each value of the result, measured.
_BLURRED_BYTES, _REDUCED_BYTES, _INCOMPLETE_BYTES = 140, 80, 100
_GUESS_BYTES = 30  # for each pixel of an image in parts, measured


class Solved(NamedTuple):
    """How images were restored.

    Attributes:
        sigma: the noise level that was assumed for each image.
        tile: largest side of a part in pixels, without margins; None for whole images.
    """

    sigma: tuple[float, ...]
    tile: int | None


class Problem(Protocol):
    """What happened to images, and how it is undone.

    Attributes:
        result: what the image becomes, in a word.
        factor: by which the result is larger than the image.
    """

    @property
    def result(self) -> str:
        """What the image becomes; the names of files end with it."""

    @property
    def factor(self) -> int:
        """By which height and width of the result are larger."""

    def solve(self, canvas: Canvas) -> Solved:
        """Write the restored images to a canvas of the size of the result.

        Raises:
            InputError: the problem does not fit the images, or there is not enough memory.
        """


@dataclass(frozen=True)
class Blurred:
    """Images that were blurred.

    Attributes:
        kernel: the blur.
        sigma: standard deviation of the noise; None to estimate that of each image.
        prior: removes noise.
        tile: side of the parts of a large image.
    """

    kernel: Kernel
    sigma: float | None
    prior: DenoiserPrior
    tile: PartSide = "auto"
    factor: int = 1
    result: str = "sharp"

    def solve(self, canvas: Canvas) -> Solved:
        """Write the sharp images."""
        reach = self.kernel.reach
        if reach >= max(canvas.size):
            raise InputError(
                f"the blur reaches {reach} pixels, farther than the image of "
                f"{canvas.size[1]}x{canvas.size[0]} pixels"
            )
        parts = choose_parts(canvas, Needs(_BLURRED_BYTES, self.prior, reach, reach), self.tile)
        levels = self._levels(canvas)
        for image, level in zip(_each_of(canvas), levels, strict=True):
            solve_parts(canvas, image, parts, partial(self._part, canvas, image, level))
        return Solved(levels, parts.side)

    def _part(
        self, canvas: Canvas, image: slice, level: float, rows: slice, columns: slice
    ) -> Tensor:
        observed = canvas.read(image, rows, columns, torch.float32)
        return _restored(observed, self.kernel, 1, level, self.prior)

    def _levels(self, canvas: Canvas) -> tuple[float, ...]:
        """The noise level of each image, that of all its channels together."""
        if self.sigma is not None:
            return (self.sigma,) * len(canvas.source)
        estimated = estimated_level(canvas).sigma.flatten(1).square().mean(1).sqrt()
        return tuple(min(max(level, LEAST_SIGMA), 1.0) for level in estimated.tolist())


@dataclass(frozen=True)
class Reduced:
    """Images that bicubic resizing made smaller, opened with each pixel as a square.

    Attributes:
        factor: by which height and width were divided.
        sigma: standard deviation of the noise.
        prior: removes noise.
        tile: side of the parts of a large result.
    """

    factor: int
    sigma: float
    prior: DenoiserPrior
    tile: PartSide = "auto"
    result: str = "large"

    def solve(self, canvas: Canvas) -> Solved:
        """Write the large images."""
        reach = reducing_kernel(self.factor).reach
        border = ceil(reach / self.factor) * self.factor
        needs = Needs(_REDUCED_BYTES, self.prior, border, reach, self.factor)
        parts = choose_parts(canvas, needs, self.tile)
        for image in _each_of(canvas):
            solve_parts(canvas, image, parts, partial(self._part, canvas, image))
        return Solved((self.sigma,) * len(canvas.source), parts.side)

    def _part(self, canvas: Canvas, image: slice, rows: slice, columns: slice) -> Tensor:
        large = canvas.read(image, rows, columns, torch.float32)
        small = large[..., :: self.factor, :: self.factor]
        kernel = reducing_kernel(self.factor)
        return _restored(small, kernel, self.factor, self.sigma, self.prior, _ENLARGING_LEVEL)


@dataclass(frozen=True)
class Incomplete:
    """Images with missing pixels.

    Attributes:
        missing: mask (H, W) of the pixels to fill.
        sigma: standard deviation of the noise.
        prior: removes noise.
        tile: side of the parts of a large image.
    """

    missing: Tensor
    sigma: float
    prior: DenoiserPrior
    tile: PartSide = "auto"
    factor: int = 1
    result: str = "filled"

    def solve(self, canvas: Canvas) -> Solved:
        """Write the filled images; known pixels stay as they are."""
        gaps = self.missing.to(canvas.source.device)
        _check_size(gaps, canvas.size)
        known = _known(canvas, gaps)
        if not bool(known.flatten(2).any(2).all()):
            raise InputError("all pixels are missing; there is nothing to fill them from")
        needs = Needs(_INCOMPLETE_BYTES, self.prior, whole_bytes=_GUESS_BYTES)
        parts = choose_parts(canvas, needs, self.tile)
        _guess(canvas, known)
        for image in _each_of(canvas):
            solve_parts(canvas, image, parts, partial(self._part, canvas, known, image))
        canvas.copy_where(~gaps)
        return Solved((self.sigma,) * len(canvas.source), parts.side)

    def _part(
        self, canvas: Canvas, known: Tensor, image: slice, rows: slice, columns: slice
    ) -> Tensor:
        guess = canvas.read(image, rows, columns, torch.float32)
        degradation = Degradation(identity_kernel(), 1, guess)
        noise = NoiseField(canvas.size, rows, columns)
        here = known[image, :, rows, columns]
        return solve(
            guess, here, degradation, guess, self.sigma, self.prior, _FILL_STEPS, noise=noise
        )


def check_level(sigma: object) -> float:
    """A given noise level, at least the smallest that is assumed.

    Raises:
        ArgumentError: it is not a number from 0 to 1.
    """
    if isinstance(sigma, bool) or not isinstance(sigma, Real) or not 0 <= float(sigma) <= 1:
        scale = "on the scale of black 0 and white 1"
        raise ArgumentError(f"sigma is a number from 0 to 1, {scale}, not {sigma!r}")
    return max(float(sigma), LEAST_SIGMA)


def _restored(
    observed: Tensor,
    kernel: Kernel,
    scale: int,
    sigma: float,
    prior: Prior,
    first: float = FIRST_LEVEL,
) -> Tensor:
    """The image that was blurred by a kernel and then reduced by a scale."""
    # So many pixels beyond the border contributed to those within, and are estimated with them.
    border = ceil(kernel.reach / scale)
    sides = (border,) * 4
    wide = functional.pad(observed, sides, "replicate")
    known = functional.pad(torch.ones_like(observed[:1, :1]), sides) > 0
    guess = functional.interpolate(wide, scale_factor=float(scale), mode="bicubic")
    degradation = Degradation(kernel, scale, guess)
    image = solve(wide, known, degradation, guess, sigma, prior, _STEPS, first=first)
    return functional.pad(image, (-border * scale,) * 4)


def _check_size(mask: Tensor, size: tuple[int, int]) -> None:
    """Check that a mask has the height and width of the image."""
    if mask.ndim != 2:
        raise InputError(f"the mask of missing pixels is (H, W), not {tuple(mask.shape)}")
    if tuple(mask.shape) != size:
        raise InputError(
            f"the mask of missing pixels is {mask.shape[1]}x{mask.shape[0]} pixels, the image "
            f"{size[1]}x{size[0]}"
        )


def _known(canvas: Canvas, gaps: Tensor) -> Tensor:
    """The values of images from which the gaps are filled, as a mask (B, C, H, W).

    Values that the result keeps, such as NaN, are not among them. Those in the gaps are filled too,
    and no longer kept.

    Args:
        canvas: the images.
        gaps: mask (H, W) of the pixels to fill.
    """
    if canvas.kept is None:
        return (~gaps).expand_as(canvas.source)
    empty, values = canvas.kept
    outside = ~gaps.to(empty.device).expand_as(empty)
    canvas.kept = empty & outside, values[outside[empty]]
    return (outside & ~empty).to(gaps.device)


def _each_of(canvas: Canvas) -> list[slice]:
    """The place of each image of a batch."""
    return [slice(number, number + 1) for number in range(len(canvas.source))]


def _guess(canvas: Canvas, known: Tensor) -> None:
    """Fill the unknown values of images by interpolation: a first guess for all parts.

    Args:
        canvas: the images; those of the caller stay as they are.
        known: mask (B, C, H, W) of the known values.
    """
    canvas.make_replaceable()
    everything = slice(None)
    # One plane at a time, which needs a third of the memory.
    for source, mask in zip(_planes(canvas.source), _planes(known), strict=True):
        plane = replace(canvas, source=source)
        values = plane.read(everything, everything, everything, torch.float32)
        around = from_around(values * mask, mask.float())[~mask]
        plane.replace_values(0, everything, ~mask[0], plane.encode(around))


def _planes(batch: Tensor) -> list[Tensor]:
    """Views (1, 1, H, W) of all channels of all images."""
    return [plane for image in batch.split(1) for plane in image.split(1, 1)]
