"""The choice of the transform that makes the noise of images constant, if there is one."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch

from restorekit.errors import ArgumentError, warn
from restorekit.estimate.noise_curve import MeasureNoiseCurve, NoiseCurve
from restorekit.restore.analysis import Analysis, image_sample
from restorekit.restore.canvas import Canvas
from restorekit.restore.stabilization.sensor_noise import SensorNoise
from restorekit.restore.stabilization.stabilizer import ImageStabilizer, Source, Stabilizer

_Mode = Literal["auto", "on", "off"]
Stabilize = _Mode | NoiseCurve | SensorNoise


def check_stabilize(stabilize: object) -> None:
    """Check the option `stabilize`.

    Raises:
        ArgumentError: it is neither a mode nor a curve with a gain above 0.
    """
    if isinstance(stabilize, NoiseCurve):
        if not (0 < stabilize.gain < math.inf and math.isfinite(stabilize.variance)):
            raise ArgumentError(f"the gain of a noise curve is above 0, not {stabilize.gain}")
    elif not isinstance(stabilize, SensorNoise) and stabilize not in get_args(_Mode):
        modes = ", ".join(get_args(_Mode))
        raise ArgumentError(f"stabilize is {modes}, a NoiseCurve or SensorNoise, not {stabilize!r}")


def is_curve(stabilize: Stabilize) -> bool:
    """Whether the option gives the noise of the sensor, so that none is measured."""
    return isinstance(stabilize, (NoiseCurve, SensorNoise))


def choose_stabilizer(
    canvas: Canvas, stabilize: Stabilize, uses_sigma: bool, analysis: Analysis | None = None
) -> Stabilizer | None:
    """The transforms of the images of a canvas; None if none of them is transformed.

    Args:
        canvas: the images.
        stabilize: the option.
        uses_sigma: whether the network uses the noise level. Otherwise "auto" means "off": a blind
            network was trained with the noise of untransformed images.
        analysis: that of a canvas of one image, if its noise curve was measured already.

    Warns:
        RestoreWarning: "on" was requested, and an image has no usable noise curve.
    """
    if stabilize == "off" or (stabilize == "auto" and not uses_sigma):
        return None
    images = tuple(
        _of_image(canvas, index, stabilize, analysis) for index in range(len(canvas.source))
    )
    if stabilize == "on" and None in images:
        warn("no noise curve could be measured, so the noise is not stabilised")
    return Stabilizer(images) if any(images) else None


@torch.no_grad()
def _of_image(
    canvas: Canvas, index: int, stabilize: Stabilize, analysis: Analysis | None
) -> ImageStabilizer | None:
    """The transform of one image; None if it has no noise curve that can be used."""
    if isinstance(stabilize, SensorNoise):
        stabilize = stabilize.curve(canvas.scale.black, canvas.scale.white)
    if isinstance(stabilize, NoiseCurve):
        curves = [stabilize] * canvas.source.shape[1]
        return ImageStabilizer.of(curves, image_sample(canvas, index), "given")
    fit = (
        MeasureNoiseCurve()(image_sample(canvas, index))
        if analysis is None
        else analysis.noise_curve
    )
    if stabilize == "auto" and not fit.is_trustworthy:
        return None
    # A channel of which the gain is not above 0 has no photon noise that could be measured.
    curves = [curve if curve.gain > 0 else fit.curve for curve in fit.channels]
    if any(curve.gain <= 0 for curve in curves):
        return None
    source: Source = "trustworthy" if fit.is_trustworthy else "measured"
    return ImageStabilizer.of(curves, image_sample(canvas, index), source)
