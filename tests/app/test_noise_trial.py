"""Adding noise to a clean picture, and the samples for it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from restorekit import create_noise
from restorekit.app.noise_trial import LARGEST, NOISE_KINDS, NoiseKind, try_noise
from restorekit.app.restoring_settings import RestoringSettings
from restorekit.app.sample_pictures import clean_samples, noisy_samples, write_sample
from restorekit.errors import DataError
from restorekit.pictures.picture import Picture
from restorekit.pictures.read_files import read_picture

MEDIAN = RestoringSettings(model="median", force=True)


def gray(height: int, width: int) -> Picture:
    """Middle gray, which noise seldom drives out of the range."""
    return Picture(np.full((height, width, 3), 128, np.uint8))


def test_the_noise_has_the_chosen_strength() -> None:
    """Noise of 25 of 255 gives 20 log10(255 / 25) = 20.17 dB."""
    trial = try_noise(gray(96, 96), NOISE_KINDS["Grain (Gaussian)"].spec(25), MEDIAN)
    assert trial.psnr[0] == pytest.approx(20.17, abs=0.1)
    clean = np.full(trial.restored.shape, 128, np.uint8)
    assert trial.psnr[1] == pytest.approx(peak_signal_noise_ratio(clean, trial.restored), abs=0.01)
    assert trial.psnr[1] > trial.psnr[0] + 3
    assert trial.ssim is not None
    assert trial.ssim[1] > trial.ssim[0]


def test_a_trial_can_be_repeated() -> None:
    """The noise is the same each time, so that settings can be compared."""
    spec = NOISE_KINDS["Uniform"].spec(40)
    first, second = (try_noise(gray(20, 20), spec, MEDIAN) for _ in range(2))
    assert np.array_equal(first.noisy, second.noisy)


def test_a_tiny_picture_has_no_ssim() -> None:
    """It is smaller than the window of the measure."""
    assert try_noise(gray(8, 30), NOISE_KINDS["Uniform"].spec(40), MEDIAN).ssim is None


def test_a_large_picture_is_cut() -> None:
    """Its middle is used, so that a trial takes seconds."""
    trial = try_noise(gray(12, LARGEST + 50), NOISE_KINDS["Uniform"].spec(40), MEDIAN)
    assert trial.noisy.shape == (12, LARGEST, 3)


@pytest.mark.parametrize("kind", NOISE_KINDS.values(), ids=lambda kind: kind.name)
def test_every_amount_is_accepted(kind: NoiseKind) -> None:
    """The noise can be made at both ends of the slider and where it starts."""
    for amount in (1, kind.usual, kind.largest):
        spec = dict(kind.spec(amount))
        create_noise(spec.pop("name"), **spec)


def test_samples_have_noise(tmp_path: Path) -> None:
    """The grainy ones have noise of 25 of 255, and the others differ from the clean ones too."""
    for label, word in zip(noisy_samples(), clean_samples(), strict=True):
        clean, noisy = (read_picture(write_sample(each, tmp_path)) for each in (word, label))
        change = noisy.pixels.astype(float) - clean.pixels
        # Where the noise is not cut off at black or white.
        inside = (clean.pixels > 100) & (clean.pixels < 156)
        assert change[inside].std() == pytest.approx(25, abs=1) or "grainy" not in label
        assert change.std() > 3


def test_without_scikit_image_there_is_a_drawing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page has a sample in any case."""
    monkeypatch.setitem(sys.modules, "skimage", None)
    assert noisy_samples() == ["Drawing, grainy"]
    assert read_picture(write_sample("Drawing", tmp_path)).colours == 3
    with pytest.raises(DataError, match="there is no sample 'Portrait'"):
        write_sample("Portrait", tmp_path)
