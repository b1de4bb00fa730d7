"""The options of `restorekit denoise` for noise that depends on the brightness."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from restorekit.errors import ArgumentError, did_you_mean

if TYPE_CHECKING:
    from restorekit.restore.stabilization.choose import Stabilize

_MODES = ("auto", "on", "off")


def read_stabilize(mode: str | None, curve: str | None) -> Stabilize:
    """The value of --stabilize, or the curve of --noise-curve.

    Args:
        mode: text of --stabilize; None if it was not given.
        curve: text of --noise-curve.

    Raises:
        ArgumentError: a text is invalid, or one option contradicts the other.
    """
    if mode is not None and mode not in _MODES:
        raise ArgumentError(
            f"--stabilize '{mode}' is unknown.{did_you_mean(mode, _MODES)} "
            f"One of: {', '.join(_MODES)}"
        )
    if curve is None:
        # Literal types, for the type checker.
        return "off" if mode == "off" else "on" if mode == "on" else "auto"
    if mode in ("auto", "off"):
        raise ArgumentError(f"--noise-curve stabilizes the noise; leave out --stabilize {mode}")
    return _sensor(curve)


def _sensor(text: str) -> Stabilize:
    from restorekit.restore.stabilization.sensor_noise import SensorNoise

    if text.lower().endswith(".json"):
        from restorekit.noise_profile import NoiseProfile

        return SensorNoise.of(NoiseProfile.read(text).pair)
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (2, 3) or not all(map(math.isfinite, numbers)):
        raise ArgumentError(
            "--noise-curve is GAIN,READ or GAIN,READ,PEDESTAL in values of the file, "
            f"for example 2.5,8,100, or a noise profile FILE.json, not '{text}'"
        )
    return SensorNoise(*numbers)
