"""denoise from end to end with the bundled weights, the noise estimate and a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage import data
from skimage.metrics import peak_signal_noise_ratio


def noisy(clean: np.ndarray, sigma: float) -> np.ndarray:
    """A picture with Gaussian noise in 8-bit levels, of the type of the clean one."""
    top = np.iinfo(clean.dtype).max
    noise = np.random.default_rng(0).normal(0, sigma / 255, clean.shape)
    return np.clip(np.rint((clean / top + noise) * top), 0, top).astype(clean.dtype)


@pytest.mark.parametrize("model", ["swift-photo", "swift-gaussian"])
def test_a_photograph_gets_better(run: Any, tmp_path: Path, model: str) -> None:
    """By 4 dB or more at sigma 25, which is estimated within 10 percent."""
    clean = data.astronaut()[:256, :256]
    Image.fromarray(noisy(clean, 25)).save(tmp_path / "photo.png")
    report, output = tmp_path / "report.html", tmp_path / "clean.png"
    words = ("-m", model, "-o", output, "--report", report, "--json")
    outcome = run("denoise", tmp_path / "photo.png", *words)
    assert outcome.code == 0
    (page,) = json.loads(outcome.out)["pages"]
    assert np.mean(page["sigma"]) == pytest.approx(25, rel=0.1)
    assert report.read_text().startswith("<!")
    before, after = (np.asarray(Image.open(tmp_path / f"{n}.png")) for n in ("photo", "clean"))
    gained = peak_signal_noise_ratio(clean, after) - peak_signal_noise_ratio(clean, before)
    assert gained > 4


def test_a_deep_gray_frame_gets_better(run: Any, tmp_path: Path) -> None:
    """A 16-bit frame that uses 12 bits, as of microscopes, stays one."""
    clean = data.camera()[128:384, 128:384].astype(np.uint16) * 16
    frame = np.clip(clean + np.random.default_rng(0).normal(0, 25 * 16, clean.shape), 0, 4095)
    tifffile.imwrite(tmp_path / "frame.tif", frame.astype(np.uint16))
    assert run("denoise", tmp_path / "frame.tif", "-o", tmp_path / "clean.tif").code == 0
    after = tifffile.imread(tmp_path / "clean.tif")
    assert (after.dtype, after.shape) == (np.uint16, clean.shape)
    before, after = (peak_signal_noise_ratio(clean, x, data_range=4080) for x in (frame, after))
    assert after > before + 3


def test_a_deep_frame_becomes_a_picture_to_look_at(run: Any, tmp_path: Path) -> None:
    """12 bits in 16 fill the 8 bits of a JPEG, and the JSON refers to the same white."""
    clean = data.camera()[128:384, 128:384].astype(np.uint16) * 16
    frame = np.clip(clean + np.random.default_rng(0).normal(0, 25 * 16, clean.shape), 0, 4095)
    tifffile.imwrite(tmp_path / "frame.tif", frame.astype(np.uint16))
    outcome = run("denoise", tmp_path / "frame.tif", "-o", tmp_path / "clean.jpg", "--json")
    assert outcome.code == 0
    after = np.asarray(Image.open(tmp_path / "clean.jpg")).astype(float)
    assert after.mean() == pytest.approx(clean.mean() / 16, rel=0.05)
    (page,) = json.loads(outcome.out)["pages"]
    assert page["noise_before"] == pytest.approx(page["sigma"], rel=0.05)
    assert page["noise_before"] == pytest.approx([25], rel=0.15)
