"""The gain and read noise of a sensor, measured from pictures or from flat and dark frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from restorekit.errors import InputError
from restorekit.noise_profile import SensorPair
from restorekit.pictures.picture import Picture
from restorekit.pictures.tensors import pixels_to_tensor
from restorekit.restore.analysis import analyze_canvas
from restorekit.restore.image_types import open_image
from restorekit.restore.pixel_meaning import PixelMeaning

Ends = tuple[float | None, float | None]
_BRIGHTEST = 0.98  # mean of a flat frame; its values are clipped above it


def pair_of_picture(picture: Picture, ends: Ends, source: str) -> SensorPair:
    """The pair of a picture, from the noise curve that is measured in its flat areas.

    Args:
        picture: a picture with the noise of its sensor.
        ends: the values of black and white; None to find them.
        source: what the picture is called.

    Raises:
        InputError: its noise curve cannot be measured, or cannot be trusted.
    """
    meaning = PixelMeaning.of(picture)
    if ends != (None, None):
        meaning = replace(meaning, black=ends[0], white=ends[1])
    canvas = open_image(picture.pixels, channels=None, meaning=meaning).canvas
    fit = analyze_canvas(canvas, names=["noise_curve"]).noise_curve
    if not fit.is_trustworthy:
        raise InputError(f"{source}: its noise curve cannot be trusted: {fit.words}")
    gain, variance = fit.curve.gain, fit.curve.variance
    return SensorPair(
        gain,
        max(0.0, variance) ** 0.5,
        # A variance below 0 at black is that of a value without light above black.
        max(0.0, -variance / gain),
        canvas.scale.black,
        canvas.scale.white,
        source,
    )


def pair_of_frames(
    flat: Sequence[Picture], dark: Sequence[Picture], ends: Ends, source: str
) -> SensorPair:
    """The pair of a sensor from evenly lit frames and frames without light.

    The gain is the difference of the variances divided by that of the means (EMVA Standard 1288,
    the photon transfer method). Two frames of a kind are subtracted from each other, which removes
    all that is the same in both. Of a single frame the variance is that of the differences of
    neighbouring pixels.

    Args:
        flat: one or two frames of one exposure.
        dark: one or two frames without light.
        ends: the values of black and white; None takes those of the first flat frame.
        source: what the frames are called.

    Raises:
        InputError: the frames differ in size, are clipped, or the flat one is not brighter and
            noisier than the dark one.
    """
    for frames, name in ((flat, "flat"), (dark, "dark")):
        if not 1 <= len(frames) <= 2:
            raise InputError(f"{source}: one or two {name} frames are needed, not {len(frames)}")
    if len({frame.pixels.shape for frame in (*flat, *dark)}) > 1:
        raise InputError(f"{source}: the frames have several sizes")
    black, white = _range(flat[0], ends)
    bright, light = _mean_and_variance(flat, black, white)
    pedestal, read = _mean_and_variance(dark, black, white)
    if bright > _BRIGHTEST:
        raise InputError(f"{source}: the flat frame is clipped; use a shorter exposure")
    if bright <= pedestal or light <= read:
        raise InputError(f"{source}: the flat frame is not brighter and noisier than the dark one")
    gain = (light - read) / (bright - pedestal)
    return SensorPair(gain, read**0.5, pedestal, black, white, source)


def _range(picture: Picture, ends: Ends) -> tuple[float, float]:
    """The values of black and white of a frame."""
    meaning = replace(PixelMeaning.of(picture), black=ends[0], white=ends[1])
    if ends == (None, None):
        meaning = PixelMeaning.of(picture)
    scale = open_image(picture.pixels, channels=None, meaning=meaning).canvas.scale
    return scale.black, scale.white


def _mean_and_variance(
    frames: Sequence[Picture], black: float, white: float
) -> tuple[float, float]:
    """Mean of all frames, and variance of the noise in one."""
    images = [pixels_to_tensor(each.pixels, white, black).double() for each in frames]
    mean = float(torch.stack(images).mean())
    if len(images) == 2:
        return mean, float((images[0] - images[1]).flatten(1).var(1).mean() / 2)
    return mean, float(_differences(images[0]).square().mean())


def _differences(image: Tensor) -> Tensor:
    """Diagonal differences in blocks of 2x2 pixels, of the variance of the noise."""
    height, width = (side // 2 * 2 for side in image.shape[-2:])
    rows = image[..., 0:height:2, :width] - image[..., 1:height:2, :width]
    return (rows[..., 0::2] - rows[..., 1::2]) / 2
