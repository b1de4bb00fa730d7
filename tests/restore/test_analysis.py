"""`restorekit.analyze` on every kind of image, and with measurements that fail."""

from __future__ import annotations

import json
import pickle
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import restorekit
from restorekit.estimate.image_sample import ImageSample

RAMP = np.linspace(40, 200, 64 * 48).reshape(48, 64).round().astype(np.uint8)
COLOUR = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], -1)


@dataclass(frozen=True)
class Mean:
    """A record of a plugin."""

    level: float


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Registers a measurement for the duration of a test."""
    names = restorekit.list_measurements()
    entries = dict(restorekit.measurements._entries)
    monkeypatch.setattr(restorekit.measurements, "_entries", entries)
    assert names
    return lambda name, target: restorekit.measurements.register(name)(target)


@pytest.mark.parametrize(
    ("image", "channels"),
    [
        (RAMP, 1),
        (COLOUR, 3),
        (np.dstack([COLOUR, RAMP]), 3),  # RGBA
        (COLOUR.astype(np.uint16) * 257, 3),
        (COLOUR.astype(np.float32) / 255, 3),
        (COLOUR.astype(np.float64) / 255, 3),
        (torch.from_numpy(COLOUR).movedim(2, 0), 3),
        (torch.from_numpy(COLOUR).movedim(2, 0)[None], 3),
        (Image.fromarray(COLOUR), 3),
        (Image.fromarray(RAMP), 1),
        (Image.fromarray(RAMP).convert("P"), 3),
        (Image.fromarray(RAMP > 100), 1),
        (Image.fromarray(RAMP.astype(np.uint16)), 1),
    ],
    ids=lambda value: getattr(value, "mode", None) or str(getattr(value, "dtype", value)),
)
def test_whatever_denoise_takes_is_analyzed(image: Any, channels: int) -> None:
    """Every built-in measurement is an attribute, and the result is plain JSON data."""
    analysis = restorekit.analyze(image)
    assert analysis.size == (48, 64)
    assert analysis.channels == channels
    assert set(analysis.measured) == set(restorekit.list_measurements())
    for name in analysis.measured:
        assert getattr(analysis, name) is analysis.measured[name]
    plain = analysis.to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert (plain["width"], plain["height"], plain["channels"]) == (64, 48, channels)
    assert all(words and "\n" not in words for words in analysis.words.values())


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 5, 3), (9, 2, 1)])
def test_tiny_images_are_analyzed(shape: tuple[int, ...]) -> None:
    """No size is too small for a built-in measurement."""
    analysis = restorekit.analyze(np.full(shape, 7, np.uint8))
    assert set(analysis.measured) == set(restorekit.list_measurements())


def test_a_file_is_analyzed(tmp_path: Path) -> None:
    """A path gives the same as its pixels."""
    Image.fromarray(COLOUR).save(tmp_path / "picture.png")
    assert restorekit.analyze(tmp_path / "picture.png") == restorekit.analyze(COLOUR)
    with pytest.raises(restorekit.ImageFileError, match="does not exist"):
        restorekit.analyze(tmp_path / "missing.png")


def test_a_batch_is_refused() -> None:
    """An analysis is of one image."""
    with pytest.raises(restorekit.InputError, match="batch of 2 images"):
        restorekit.analyze(torch.rand(2, 3, 16, 16))


def test_the_range_can_be_given() -> None:
    """White is where the caller says."""
    image = np.full((32, 32), 300, np.int32)
    assert restorekit.analyze(image, black=0, white=300).content.white == 1
    assert restorekit.analyze(image, black=0, white=600).content.white == 0


def test_an_analysis_can_be_pickled() -> None:
    """It travels between processes."""
    analysis = restorekit.analyze(RAMP)
    assert pickle.loads(pickle.dumps(analysis)) == analysis


def test_a_measurement_of_a_plugin_appears(registered: Any) -> None:
    """By name, in words and in JSON, without a change elsewhere."""

    def make() -> Any:
        return lambda sample: Mean(float(sample.pieces.mean()))

    registered("mean_level", make)
    analysis = restorekit.analyze(np.full((16, 16), 51, np.uint8))
    assert analysis.mean_level == Mean(pytest.approx(0.2))  # type: ignore[attr-defined]
    assert analysis.to_dict()["mean_level"] == {"level": pytest.approx(0.2)}
    assert analysis.words["mean level"].startswith("level 0.2")


@pytest.mark.parametrize("failure", [ValueError("odd"), SystemExit(3), None])
def test_a_measurement_that_fails_is_left_out(registered: Any, failure: Any) -> None:
    """One warning names it; the others are there."""

    def measure(sample: ImageSample) -> object:
        if failure is not None:
            raise failure
        return 7

    registered("broken", lambda: measure)
    with pytest.warns(restorekit.PluginWarning, match="measurement 'broken' of .* left out"):
        analysis = restorekit.analyze(RAMP)
    assert set(analysis.measured) == set(restorekit.list_measurements()) - {"broken"}
    with pytest.raises(AttributeError, match="no measurement 'broken'"):
        analysis.broken  # type: ignore[attr-defined]  # noqa: B018


def test_nothing_is_printed_or_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    """Built-in measurements are silent."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        restorekit.analyze(COLOUR)
    assert capsys.readouterr() == ("", "")
