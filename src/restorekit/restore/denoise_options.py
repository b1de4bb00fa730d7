"""The options of a restoration: declared, checked and given a default in one place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from inspect import Parameter, signature
from typing import Any, Literal, TypedDict, TypeVar

import torch

from restorekit.errors import ArgumentError
from restorekit.pictures.value_ranges import check_range
from restorekit.restore.argument_checks import check_fraction
from restorekit.restore.canvas import Canvas
from restorekit.restore.coarse_noise import Scales, check_scales
from restorekit.restore.impulse_removal.remove import ImpulseMode, check_impulses
from restorekit.restore.noise_estimation import EstimatorSpec, build_estimator
from restorekit.restore.noise_level import Sigma, check_sigma
from restorekit.restore.pixel_meaning import PixelMeaning
from restorekit.restore.stabilization.choose import Stabilize, check_stabilize
from restorekit.restore.strength import Strength
from restorekit.restore.tiles.tile_size import TileSize, check_tile
from restorekit.symmetry import ALL_SYMMETRIES, IDENTITY, Symmetry

AUTOMATIC = "auto"  # the model that is chosen for each image
DEFAULT_MODEL = AUTOMATIC
RangeEnd = float | Literal["auto"]
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
_VARIADIC = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


class FileKeywords(TypedDict, total=False):
    """The options as keywords, for picture files."""

    sigma: Sigma | Literal["estimate"] | None
    estimator: EstimatorSpec | None
    strength: float
    strength_luma: float | None
    strength_chroma: float | None
    keep_detail: float
    ensemble: bool
    tile: TileSize
    precision: str
    device: str | torch.device
    noise_map: bool
    runtime: str
    stabilize: Stabilize
    scales: Scales
    impulses: ImpulseMode
    black: RangeEnd
    white: RangeEnd
    force: bool


class DenoiseKeywords(FileKeywords, total=False):
    """The options as keywords, for images of any kind."""

    alpha: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class DenoiseOptions:
    """The checked options of a `Denoiser`, whose documentation describes them.

    A new option is a field here and a keyword above; `Denoiser`, `denoise` and `denoise_files`
    accept it then.

    Raises:
        ArgumentError: an option has an invalid value.
    """

    sigma: Sigma | Literal["estimate"] | None = None
    estimator: EstimatorSpec | None = None
    strength: float = 1.0
    strength_luma: float | None = None
    strength_chroma: float | None = None
    keep_detail: float = 0.0
    ensemble: bool = False
    tile: TileSize = "auto"
    precision: str = "auto"
    device: str | torch.device = "auto"
    noise_map: bool = False
    runtime: str = "torch"
    stabilize: Stabilize = "auto"
    scales: Scales = 1
    impulses: ImpulseMode = "auto"
    black: RangeEnd = "auto"
    white: RangeEnd = "auto"
    alpha: bool = True
    force: bool = False

    def __post_init__(self) -> None:
        check_sigma(self.given_sigma)
        if self.estimator is not None:
            self._use_estimator(self.estimator)
        check_range(self.black, self.white)
        check_fraction("strength", self.strength)
        for name in ("strength_luma", "strength_chroma"):
            if (share := getattr(self, name)) is not None:
                check_fraction(name, share)
        check_fraction("keep_detail", self.keep_detail)
        if self.noise_map and self.given_sigma is not None:
            raise ArgumentError("a noise map is estimated; give either sigma or noise_map")
        check_tile(self.tile)
        check_stabilize(self.stabilize)
        if self.is_level_given and self.stabilize not in ("auto", "off"):
            raise ArgumentError(
                "stabilize replaces the noise level by a curve; leave out sigma and noise_map"
            )
        check_scales(self.scales)
        check_impulses(self.impulses)

    def _use_estimator(self, estimator: EstimatorSpec) -> None:
        """Build the estimator once. Whoever names one wants the level to be estimated."""
        if self.given_sigma is not None:
            raise ArgumentError("give either sigma or an estimator of it")
        object.__setattr__(self, "estimator", build_estimator(estimator))
        object.__setattr__(self, "sigma", "estimate")

    def changed(self) -> dict[str, Any]:
        """The options that differ from their defaults, by name."""
        values = ((each, getattr(self, each.name)) for each in fields(self))
        # An array has no truth value, so only values of the default's type are compared.
        return {
            each.name: value
            for each, value in values
            if type(value) is not type(each.default) or value != each.default
        }

    @property
    def given_sigma(self) -> Sigma | None:
        """The noise level that the user gives."""
        # An array has no truth value, so it cannot be compared with a text.
        return None if isinstance(self.sigma, str) and self.sigma == "estimate" else self.sigma

    @property
    def meaning(self) -> PixelMeaning:
        """The range and the channels of an image, as far as the options state them."""
        return PixelMeaning(*check_range(self.black, self.white), has_alpha=self.alpha)

    def strength_of(self, canvas: Canvas) -> Strength:
        """The share of the change that is applied to an image."""
        luma, chroma = (
            self.strength if share is None else share
            for share in (self.strength_luma, self.strength_chroma)
        )
        return Strength(luma, chroma).of_image(canvas.is_colour)

    @property
    def is_level_given(self) -> bool:
        """Whether the options determine the noise level, so that no curve is measured."""
        return self.given_sigma is not None or self.noise_map

    @property
    def turns(self) -> Sequence[Symmetry]:
        """Flips and rotations over which the result is averaged."""
        return ALL_SYMMETRIES if self.ensemble else IDENTITY

    @property
    def tile_side(self) -> int | Literal["auto"] | None:
        """Largest side of a tile in pixels, "auto", or None for the whole image."""
        return check_tile(self.tile)


def show_options(keywords: type[FileKeywords]) -> Callable[[FunctionT], FunctionT]:
    """Make a decorator that lists the options in the signature of a function.

    `help` and the documentation then show each option and its default instead of `**options`.

    Args:
        keywords: the options that the function accepts.
    """
    options = [
        Parameter(each.name, Parameter.KEYWORD_ONLY, default=each.default, annotation=each.type)
        for each in fields(DenoiseOptions)
        if each.name in keywords.__annotations__
    ]

    def decorate(function: FunctionT) -> FunctionT:
        written = signature(function)
        own = [each for each in written.parameters.values() if each.kind not in _VARIADIC]
        shown = written.replace(parameters=[*own, *options])
        function.__signature__ = shown  # type: ignore[attr-defined]
        return function

    return decorate
