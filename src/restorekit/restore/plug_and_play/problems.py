"""The three problems on an opened image: a blur, a reduction, missing pixels."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from numbers import Real
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.errors import ArgumentError, InputError
from restorekit.memory import available_memory, format_size
from restorekit.networks.loading import ModelLike
from restorekit.restore.canvas import Canvas
from restorekit.restore.denoiser import Denoiser
from restorekit.restore.missing_pixels import from_around
from restorekit.restore.noise_estimation import estimate_sigma
from restorekit.restore.plug_and_play.degradation import Degradation
from restorekit.restore.plug_and_play.kernels import Kernel, identity_kernel, reducing_kernel
from restorekit.restore.plug_and_play.solver import FIRST_LEVEL, Prior, solve

DEFAULT_MODEL = "swift-gaussian"
LEAST_SIGMA = 1 / 255  # less is not trusted: the rounding of 8 bits and the kernel have errors
LARGEST_FACTOR = 4
# Lower than in deblurring: where most pixels are unknown, more draws patterns into fine texture.
_ENLARGING_LEVEL = 20 / 255
_STEPS = 8
_FILL_STEPS = 16
# Bytes of memory for each value of the result, measured.
_BLURRED_BYTES, _REDUCED_BYTES, _INCOMPLETE_BYTES = 140, 80, 100


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

    def solve(self, canvas: Canvas) -> tuple[float, ...]:
        """Write the restored images to a canvas of the size of the result.

        Returns:
            The noise level that was assumed for each image.
        """


@dataclass(frozen=True)
class Blurred:
    """Images that were blurred.

    Attributes:
        kernel: the blur.
        sigma: standard deviation of the noise; None to estimate that of each image.
        prior: removes noise.
    """

    kernel: Kernel
    sigma: float | None
    prior: Prior
    factor: int = 1
    result: str = "sharp"

    def solve(self, canvas: Canvas) -> tuple[float, ...]:
        """Write the sharp images."""
        if self.kernel.reach >= max(canvas.size):
            raise InputError(
                f"the blur reaches {self.kernel.reach} pixels, farther than the image of "
                f"{canvas.size[1]}x{canvas.size[0]} pixels"
            )
        levels = []
        for number, image in _images(canvas, _BLURRED_BYTES):
            level = _rms_noise(image) if self.sigma is None else self.sigma
            levels.append(max(level, LEAST_SIGMA))
            restored = _restored(image, self.kernel, 1, levels[-1], self.prior)
            _write(canvas, number, restored)
        return tuple(levels)


@dataclass(frozen=True)
class Reduced:
    """Images that bicubic resizing made smaller, opened with each pixel as a square.

    Attributes:
        factor: by which height and width were divided.
        sigma: standard deviation of the noise.
        prior: removes noise.
    """

    factor: int
    sigma: float
    prior: Prior
    result: str = "large"

    def solve(self, canvas: Canvas) -> tuple[float, ...]:
        """Write the large images."""
        kernel, step = reducing_kernel(self.factor), slice(None, None, self.factor)
        for number, image in _images(canvas, _REDUCED_BYTES):
            small = image[..., step, step]
            _write(
                canvas,
                number,
                _restored(small, kernel, self.factor, self.sigma, self.prior, _ENLARGING_LEVEL),
            )
        return (self.sigma,) * len(canvas.source)


@dataclass(frozen=True)
class Incomplete:
    """Images with missing pixels.

    Attributes:
        missing: mask (H, W) of the pixels to fill.
        sigma: standard deviation of the noise.
        prior: removes noise.
    """

    missing: Tensor
    sigma: float
    prior: Prior
    factor: int = 1
    result: str = "filled"

    def solve(self, canvas: Canvas) -> tuple[float, ...]:
        """Write the filled images; known pixels stay as they are."""
        gaps = self.missing.to(canvas.source.device)
        if tuple(gaps.shape) != canvas.size:
            raise InputError(
                f"the mask of missing pixels is {tuple(gaps.shape)}, the image {canvas.size}"
            )
        known = ~gaps.expand(1, 1, -1, -1) & ~_fill_those_without_a_value(canvas, gaps)
        if not bool(known.any()):
            raise InputError("all pixels are missing; there is nothing to fill them from")
        for number, image in _images(canvas, _INCOMPLETE_BYTES):
            guess = from_around(image * known, known.to(image).expand_as(image))
            degradation = Degradation(identity_kernel(), 1, guess)
            filled = solve(
                image, known, degradation, guess, self.sigma, self.prior, _FILL_STEPS, noise=True
            )
            _write(canvas, number, torch.where(known, image, filled))
        return (self.sigma,) * len(canvas.source)


def make_prior(model: ModelLike, device: str) -> Prior:
    """A model as a function of a batch on the scale of [0, 1] and its noise level.

    Raises:
        ArgumentError: it does not use sigma.
    """
    denoiser = Denoiser(
        model,
        device=device,
        sigma=LEAST_SIGMA,
        black=0.0,
        white=1.0,
        alpha=False,
        force=True,
        impulses="off",
        stabilize="off",
        precision="float32",  # the levels of the last steps are below the rounding of bfloat16
    )
    if not denoiser.uses_sigma:
        raise ArgumentError(
            f"model '{denoiser.name}' does not use sigma; as a prior the strength of a denoiser "
            f"must be set, as that of '{DEFAULT_MODEL}'"
        )
    return lambda image, sigma: denoiser.with_sigma(sigma)(image)


def check_level(sigma: object) -> float:
    """A given noise level, at least the smallest that is assumed.

    Raises:
        ArgumentError: it is not a number from 0 to 1.
    """
    if isinstance(sigma, bool) or not isinstance(sigma, Real) or not 0 <= float(sigma) <= 1:
        scale = "on the scale of black 0 and white 1"
        raise ArgumentError(f"sigma is a number from 0 to 1, {scale}, not {sigma!r}")
    return max(float(sigma), LEAST_SIGMA)


def _check_memory(canvas: Canvas, size: int) -> None:
    """Check that a result of the size of the canvas can be computed.

    Args:
        canvas: the image.
        size: bytes for each of its values.

    Raises:
        InputError: it needs more memory than is free.
    """
    height, width = canvas.size
    needed = size * height * width * canvas.source.shape[1]
    if needed > (free := available_memory(canvas.source.device)):
        raise InputError(
            f"a result of {width}x{height} pixels needs about {format_size(needed)} of memory, "
            f"and {format_size(free)} are free; cut the picture into parts"
        )


def _images(canvas: Canvas, size: int) -> list[tuple[slice, Tensor]]:
    """Each image of a batch in float32, (1, C, H, W), with its place.

    Raises:
        InputError: a result needs more memory than is free.
    """
    _check_memory(canvas, size)
    everything = slice(None)
    places = [slice(number, number + 1) for number in range(len(canvas.source))]
    return [(place, canvas.read(place, everything, everything, torch.float32)) for place in places]


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


def _rms_noise(image: Tensor) -> float:
    """The estimated noise of an image, of all channels together."""
    return float(estimate_sigma(image).square().mean().sqrt())


def _fill_those_without_a_value(canvas: Canvas, gaps: Tensor) -> Tensor:
    """Let the result have those pixels without a value, such as NaN, that are in the gaps.

    Returns:
        The mask of all pixels without a value, (1, 1, H, W).
    """
    if canvas.kept is None:
        return torch.zeros_like(gaps).expand(1, 1, -1, -1)
    empty, values = canvas.kept
    outside = ~gaps.to(empty.device).expand_as(empty)
    canvas.kept = empty & outside, values[outside[empty]]
    return empty.any(0, keepdim=True).any(1, keepdim=True).to(gaps.device)


def _write(canvas: Canvas, place: slice, image: Tensor) -> None:
    canvas.write(place, slice(None), canvas.encode(image.clone()))
