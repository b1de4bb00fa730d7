"""`restorekit analyze --profile`, and the commands that use its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

import restorekit

GAIN, READ, PEDESTAL = 4.0, 12.0, 300.0  # in values of a file of 12 bits
RNG = np.random.default_rng(0)


def exposed(light: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Values of a sensor, by numpy's Poisson numbers."""
    values = PEDESTAL + GAIN * RNG.poisson(light / GAIN) + RNG.normal(0, READ, light.shape)
    return values.round().clip(0, 4095).astype(np.uint16)


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two flat frames with vignetting, two dark ones, and a picture of a wide range."""
    folder = tmp_path_factory.mktemp("frames")
    vignetting = 1 - 0.3 * np.linspace(-1, 1, 128)[:, None] ** 2 * np.ones((128, 128))
    for number in (1, 2):
        tifffile.imwrite(folder / f"flat{number}.tif", exposed(2500 * vignetting))
        tifffile.imwrite(folder / f"dark{number}.tif", exposed(np.zeros((128, 128))))
    ramp = np.linspace(50, 3500, 400)[None].repeat(300, 0)
    tifffile.imwrite(folder / "ramp.tif", exposed(ramp))
    return folder


def is_close(pair: Any, tolerance: float) -> bool:
    """Whether a pair has the values that the frames were made with."""
    found = pair.gain * 4095, pair.read * 4095, pair.pedestal * 4095
    return all(
        abs(value - true) < tolerance * true
        for value, true in zip(found, (GAIN, READ, PEDESTAL), strict=True)
    )


@pytest.mark.parametrize("count", [1, 2])
def test_frames_give_the_true_gain_and_read_noise(
    run: Any, frames: Path, tmp_path: Path, count: int
) -> None:
    """Within 3 %, of one or two frames of each kind, whatever their vignetting."""
    flats = [frames / f"flat{n + 1}.tif" for n in range(count)]
    darks = [w for n in range(count) for w in ("--dark", frames / f"dark{n + 1}.tif")]
    path = tmp_path / "camera.json"
    outcome = run("analyze", *flats, *darks, "--profile", path, "--white", "4095")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[-1] == str(path)
    assert is_close(restorekit.NoiseProfile.read(path).pair, 0.03)


def test_a_picture_gives_its_noise_curve(run: Any, frames: Path, tmp_path: Path) -> None:
    """The variance at the values of the picture is that of the sensor, within 15 %."""
    path = tmp_path / "camera.json"
    outcome = run("analyze", frames / "ramp.tif", "--profile", path, "--white", "4095")
    assert outcome.code == 0
    pair = restorekit.NoiseProfile.read(path).pair
    for value in (1000, 2500):
        found = pair.gain * (value / 4095 - pair.pedestal) + pair.read**2
        true = (GAIN * (value - PEDESTAL) + READ**2) / 4095**2
        assert found == pytest.approx(true, rel=0.15)


def test_the_profile_is_used_by_noise_and_denoise(run: Any, frames: Path, tmp_path: Path) -> None:
    """The same noise as of the frames; denoise takes it as the curve."""
    path, noisy = tmp_path / "camera.json", tmp_path / "noisy.tif"
    frame = restorekit.noise_profile.SensorPair(GAIN / 4095, READ / 4095, PEDESTAL / 4095, 0, 4095)
    restorekit.NoiseProfile((frame,)).write(path)
    tifffile.imwrite(tmp_path / "clean.tif", np.full((128, 128), 2300, np.uint16))
    formula = f'poisson_gaussian(profile="{path}")'
    words = ("noise", tmp_path / "clean.tif", "-o", noisy, "-n", formula, "--white", "4095")
    assert run(*words).code == 0
    added = tifffile.imread(noisy).astype(float)
    assert added.var() == pytest.approx(GAIN * 2000 + READ**2, rel=0.05)
    curve = ("--noise-curve", path, "-m", "median", "--white", "4095", "--json")
    outcome = run("denoise", noisy, "-o", tmp_path / "out.tif", *curve)
    assert outcome.code == 0
    assert '"stabilized": true' in outcome.out or '"stabilized": "given"' in outcome.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["flat1.tif", "--dark", "dark1.tif"], "--dark is for --profile FILE.json"),
        (["flat1.tif", "--profile", "x.tif"], "suffix .json"),
        (["dark1.tif", "--dark", "dark2.tif", "--profile", "x.json"], "not brighter"),
        (["flat1.tif", "--dark", "ramp.tif", "--profile", "x.json"], "several sizes"),
        (["flat1.tif", "--profile", "x.json"], "can be trusted"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    run: Any, frames: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    """With exit code 2, and without a file."""
    monkeypatch.chdir(frames)
    outcome = run("analyze", *words, "--white", "4095")
    assert outcome.code == 2
    assert message in outcome.err
    assert not list(frames.glob("x.*"))
