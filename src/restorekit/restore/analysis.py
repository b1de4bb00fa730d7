"""The analysis of a picture before it is restored: every registered measurement of one sample."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from restorekit.components.isolation import attempt
from restorekit.components.kinds import measurements
from restorekit.errors import PluginError, PluginWarning
from restorekit.estimate.image_sample import ImageSample
from restorekit.restore.canvas import Canvas
from restorekit.untrusted.plain_data import to_json_value
from restorekit.untrusted.text import quoted

if TYPE_CHECKING:
    from restorekit.estimate.content import Content
    from restorekit.estimate.correlation import Correlation
    from restorekit.estimate.impulses import Impulses
    from restorekit.estimate.jpeg import Jpeg
    from restorekit.estimate.noise_curve import NoiseCurveFit
    from restorekit.estimate.noise_scales import NoiseScales


class _BuiltIn:
    """The types of the records of built-in measurements, for type checkers."""

    content: Content
    correlation: Correlation
    impulses: Impulses
    jpeg: Jpeg
    noise_curve: NoiseCurveFit
    noise_scales: NoiseScales


@dataclass(frozen=True)
class Analysis(_BuiltIn):
    """What was measured of a picture.

    Each measurement is an attribute with the name of its component: `analysis.content`, for
    example. `restorekit list measurements` shows them.

    Attributes:
        size: (H, W) of the picture.
        channels: number of channels, without alpha.
        measured: the record of each measurement by its name, also of those of plugins. A
            measurement that failed is absent.

    Example:
        >>> analysis = restorekit.analyze(image)
        >>> analysis.size, analysis.channels, analysis.content.black
        ((32, 32), 3, 0.0)
    """

    size: tuple[int, int]
    channels: int
    measured: Mapping[str, Any] = field(default_factory=dict)

    if not TYPE_CHECKING:  # otherwise type checkers would accept any name

        def __getattr__(self, name: str) -> Any:
            # While an object is unpickled, `measured` itself is not there yet.
            measured = vars(self).get("measured", {})
            if name not in measured:
                raise AttributeError(f"the analysis has no measurement '{name}'")
            return measured[name]

    @property
    def words(self) -> dict[str, str]:
        """The findings in plain words, one line for each measurement."""
        height, width = self.size
        kind = {1: "gray", 3: "colour"}.get(self.channels, f"{self.channels} channels")
        lines = {"picture": f"{width} x {height} pixels, {kind}"}
        return lines | {
            name.replace("_", " "): _in_words(record) for name, record in self.measured.items()
        }

    def to_dict(self) -> dict[str, Any]:
        """The analysis as JSON data: "width", "height", "channels", and each measurement."""
        height, width = self.size
        plain: dict[str, Any] = to_json_value(self.measured)
        return {"width": width, "height": height, "channels": self.channels} | plain


@torch.no_grad()
def analyze_canvas(canvas: Canvas, index: int = 0, names: Sequence[str] | None = None) -> Analysis:
    """Run measurements on one image of a canvas.

    Args:
        canvas: the images.
        index: which of them.
        names: names of the measurements; None for every registered one.

    Warns:
        PluginWarning: a measurement failed; the others are not affected.
    """
    sample = image_sample(canvas, index)
    measured = {}
    for name in measurements.names() if names is None else names:
        try:
            measured[name] = _measure(name, sample)
        except PluginError as error:
            warnings.warn(f"{error}; it is left out", PluginWarning, stacklevel=2)
    return Analysis(sample.size, canvas.source.shape[1], measured)


def _measure(name: str, sample: ImageSample) -> object:
    label = f"measurement '{name}' of {measurements.entry(name).provider}"
    with attempt(lambda error: f"{label} failed: {error}", PluginError):
        record: object = measurements.create(name)(sample)
    if not dataclasses.is_dataclass(record) or isinstance(record, type):
        raise PluginError(f"{label} returned {quoted(record)}, not a dataclass")
    return record


def image_sample(canvas: Canvas, index: int = 0) -> ImageSample:
    """The sample of one image of a canvas."""
    read = partial(canvas.read, slice(index, index + 1), dtype=torch.float32)
    return ImageSample.read(
        lambda rows, columns: read(rows, columns)[0],
        canvas.size,
        canvas.source.shape[1],
        None if canvas.is_float else round(abs(canvas.scale.span)),
        canvas.quantization,
    )


def _in_words(record: Any) -> str:
    """The line that a record has for people, or else its fields."""
    if isinstance(words := getattr(record, "words", None), str):
        return words
    plain = to_json_value(record).items()
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in plain)
