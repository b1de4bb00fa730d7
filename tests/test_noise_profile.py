"""Noise profiles as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from restorekit.errors import ArgumentError
from restorekit.noise_profile import NoiseProfile, SensorPair
from restorekit.restore.stabilization.sensor_noise import SensorNoise

PAIR = SensorPair(0.01, 0.02, 0.05, 0, 4095, "flat.tif")


def test_a_profile_is_read_as_it_was_written(tmp_path: Path) -> None:
    """As JSON with a schema and a version."""
    profile = NoiseProfile((PAIR, SensorPair(0.001)))
    profile.write(tmp_path / "camera.json")
    assert NoiseProfile.read(tmp_path / "camera.json") == profile
    data = json.loads((tmp_path / "camera.json").read_text())
    assert (data["schema"], data["version"]) == ("restorekit.noise_profile", 1)
    assert data["pairs"][0]["gain"] == 0.01


def test_the_pair_of_a_profile_is_the_mean_of_one_setting() -> None:
    """Read noise by its variance; gains of several settings are refused."""
    pair = NoiseProfile((SensorPair(0.010, 0.03), SensorPair(0.012, 0.01))).pair
    assert pair.gain == pytest.approx(0.011)
    assert pair.read == pytest.approx((0.0005) ** 0.5)
    with pytest.raises(ArgumentError, match=r"gains from 0.001 to 0.01; use one of a single"):
        _ = NoiseProfile((PAIR, SensorPair(0.001))).pair


def test_the_noise_of_a_sensor_is_in_the_values_of_its_files() -> None:
    """The variance of a value, by hand."""
    sensor = SensorNoise.of(PAIR)
    assert (sensor.gain, sensor.read, sensor.pedestal) == (40.95, 81.9, 204.75)
    assert sensor.curve(0, 4095).sigma(0.5) == pytest.approx((0.01 * 0.45 + 0.02**2) ** 0.5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": "other"}, 'its "schema" is \'other\', not "restorekit.noise_profile"'),
        ({"version": 2}, "its version is 2; 1 can be read"),
        ({"pairs": {}}, '"pairs" must be a list'),
        ({"pairs": []}, "needs a pair"),
        ({"pairs": [{"gain": 0.1}]}, 'pairs.0: needs "gain" and "read"'),
        ({"pairs": [{"gain": 0.1, "read": 0, "iso": 3}]}, "pairs.0: unknown key 'iso'"),
        ({"pairs": [{"gain": "x", "read": 0}]}, "pairs.0: gain must be a number, not 'x'"),
        ({"pairs": [{"gain": True, "read": 0}]}, "pairs.0: gain must be a number, not True"),
        ({"pairs": [{"gain": 0, "read": 0}]}, "pairs.0: gain must be between"),
        ({"pairs": [{"gain": 0.1, "read": 0, "white": -1}]}, "white above black"),
    ],
)
def test_other_files_are_refused(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    """In one line with the name of the file and the place in it."""
    path = tmp_path / "camera.json"
    NoiseProfile((PAIR,)).write(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ArgumentError) as caught:
        NoiseProfile.read(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not valid JSON"),
        (b"[1]", "not a JSON object"),
        (b"\xff\xfe{}", "not a text file in UTF-8"),
        (b'{"schema": NaN}', "NaN is not a JSON number"),
        (b" " * 1_000_001, "larger than 1,000,000 bytes"),
        (b"[" * 100_000, "nested"),
    ],
)
def test_damaged_files_are_refused(content: bytes, words: str, tmp_path: Path) -> None:
    """Before anything of them is used."""
    path = tmp_path / "camera.json"
    path.write_bytes(content)
    with pytest.raises(ArgumentError, match=words):
        NoiseProfile.read(path)
    with pytest.raises(ArgumentError, match="no such file"):
        NoiseProfile.read(tmp_path / "missing.json")


def test_a_picture_is_never_overwritten(tmp_path: Path) -> None:
    """A profile has the suffix .json."""
    with pytest.raises(ArgumentError, match=r"suffix \.json"):
        NoiseProfile((PAIR,)).write(tmp_path / "flat.tif")
    assert not list(tmp_path.iterdir())
