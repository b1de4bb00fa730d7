"""The noise of a camera as measured: pairs of gain and read noise, in a JSON file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from restorekit.errors import ArgumentError
from restorekit.storage.atomic import atomic_path
from restorekit.untrusted.plain_data import parse_json
from restorekit.untrusted.text import quoted

SCHEMA, VERSION = "restorekit.noise_profile", 1
_LARGEST = 1_000_000  # bytes
_ALIKE = 1.5  # the largest ratio of gains that are one sensor at one setting


@dataclass(frozen=True)
class SensorPair:
    """The noise of a sensor at one setting, on the scale where black is 0 and white is 1.

    The variance of a value is gain * (value - pedestal) + read^2.

    Attributes:
        gain: value of one photon, or of one electron.
        read: standard deviation of the read noise.
        pedestal: value without light.
        black: the value of black in the files that were measured.
        white: the value of white in them.
        source: what was measured, for people.

    Example:
        >>> from restorekit.noise_profile import SensorPair
        >>> SensorPair(gain=0.001, read=0.004).read
        0.004
    """

    gain: float
    read: float = 0.0
    pedestal: float = 0.0
    black: float = 0.0
    white: float = 1.0
    source: str = ""

    def __post_init__(self) -> None:
        for name in ("gain", "read", "pedestal", "black", "white"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise ArgumentError(f"{name} must be a number, not {quoted(value)}")
            if not math.isfinite(value):
                raise ArgumentError(f"{name} must be finite, not {value}")
        if not 1e-6 <= self.gain <= 1.0 or not 0.0 <= self.read <= 1.0:
            raise ArgumentError(
                f"gain must be between 1e-06 and 1 and read between 0 and 1, with white as 1, "
                f"not {self.gain:g} and {self.read:g}"
            )
        if not abs(self.pedestal) <= 1.0 or not self.white > self.black:
            raise ArgumentError("pedestal must be between -1 and 1, and white above black")

    @property
    def words(self) -> str:
        """The pair in one line."""
        where = f"{self.source}: " if self.source else ""
        return (
            f"{where}gain {self.gain:.3g}, read {self.read:.3g}, pedestal {self.pedestal:.3g} "
            f"(black {self.black:g}, white {self.white:g})"
        )


@dataclass(frozen=True)
class NoiseProfile:
    """The noise of a camera: a pair of gain and read noise for each setting that was measured.

    Attributes:
        pairs: at least one.

    Example:
        >>> from restorekit.noise_profile import SensorPair
        >>> profile = restorekit.NoiseProfile((SensorPair(gain=0.01, read=0.02),))
        >>> profile.write("camera.json")
        >>> restorekit.NoiseProfile.read("camera.json") == profile
        True
        >>> noise = restorekit.create_noise("poisson_gaussian", profile="camera.json")
        >>> noise(batch).noisy.shape
        torch.Size([2, 3, 32, 32])
    """

    pairs: tuple[SensorPair, ...]

    def __post_init__(self) -> None:
        if not self.pairs:
            raise ArgumentError("a noise profile needs a pair of gain and read noise")

    @property
    def pair(self) -> SensorPair:
        """The mean of all pairs, for a camera that was measured at one setting.

        Raises:
            ArgumentError: the gains differ by more than a factor of 1.5.
        """
        gains = [pair.gain for pair in self.pairs]
        if max(gains) > _ALIKE * min(gains):
            raise ArgumentError(
                f"the noise profile has gains from {min(gains):.3g} to {max(gains):.3g}; use one "
                "of a single setting of the camera"
            )
        first, count = self.pairs[0], len(self.pairs)
        return SensorPair(
            sum(gains) / count,
            math.sqrt(sum(pair.read**2 for pair in self.pairs) / count),
            sum(pair.pedestal for pair in self.pairs) / count,
            first.black,
            first.white,
        )

    def write(self, path: str | Path) -> None:
        """Write the profile as JSON; the file appears whole or not at all.

        Raises:
            ArgumentError: the file is not called .json.
            OSError: it cannot be written.
        """
        self.check_path(path)
        data = {"schema": SCHEMA, "version": VERSION, "pairs": [asdict(p) for p in self.pairs]}
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(data, indent=2) + "\n", "utf-8")

    @staticmethod
    def check_path(path: str | Path) -> None:
        """Refuse a file of another kind, such as a picture.

        Raises:
            ArgumentError: the file is not called .json.
        """
        if Path(path).suffix.lower() != ".json":
            raise ArgumentError(f"'{path}': a noise profile is a file with the suffix .json")

    @classmethod
    def read(cls, path: str | Path) -> NoiseProfile:
        """Read the profile in a file.

        Raises:
            ArgumentError: the file is missing, or not a noise profile of a known version.
        """
        try:
            return _from_data(_json_object(Path(path)))
        except (ArgumentError, ValueError) as error:
            raise ArgumentError(f"noise profile '{path}': {error}") from error


def _json_object(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise ArgumentError((error.strerror or str(error)).lower()) from error
    if len(content) > _LARGEST:
        raise ArgumentError(f"larger than {_LARGEST:,} bytes")
    try:
        data = parse_json(content.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise ArgumentError(f"not valid JSON, {error.msg.lower()}") from error
    except UnicodeDecodeError as error:
        raise ArgumentError("not a text file in UTF-8") from error
    if not isinstance(data, dict):
        raise ArgumentError("not a JSON object")
    return data


def _from_data(data: Mapping[str, Any]) -> NoiseProfile:
    if data.get("schema") != SCHEMA:
        raise ArgumentError(f'its "schema" is {quoted(data.get("schema"))}, not "{SCHEMA}"')
    if data.get("version") != VERSION:
        raise ArgumentError(f"its version is {quoted(data.get('version'))}; {VERSION} can be read")
    pairs = data.get("pairs")
    if not isinstance(pairs, list):
        raise ArgumentError('"pairs" must be a list')
    return NoiseProfile(tuple(_pair(number, each) for number, each in enumerate(pairs)))


def _pair(number: int, data: object) -> SensorPair:
    known = {each.name for each in fields(SensorPair)}
    if not isinstance(data, dict) or not {"gain", "read"} <= set(data):
        raise ArgumentError(f'pairs.{number}: needs "gain" and "read"')
    if unknown := sorted(set(data) - known):
        raise ArgumentError(f"pairs.{number}: unknown key {quoted(unknown[0])}")
    try:
        return SensorPair(**{**data, "source": str(data.get("source", ""))})
    except ArgumentError as error:
        raise ArgumentError(f"pairs.{number}: {error}") from error
