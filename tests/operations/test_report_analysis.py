"""The analysis of a report is the one that the restoration made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import restorekit
from restorekit.estimate.image_sample import ImageSample


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the measurements, each time that one is made."""
    names: list[str] = []
    registry = restorekit.measurements
    create = registry.create

    def counted(name: str) -> Any:
        measure = create(name)

        def call(sample: ImageSample) -> Any:
            names.append(name)
            return measure(sample)

        return call

    monkeypatch.setattr(registry, "create", counted)
    return names


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    """A picture with noise."""
    values = np.random.default_rng(0).normal(128, 20, (48, 48, 3)).clip(0, 255)
    Image.fromarray(values.astype(np.uint8)).save(tmp_path / "noisy.png")
    return tmp_path / "noisy.png"


@pytest.mark.parametrize("model", ["auto", "swift-gaussian"])
def test_each_measurement_is_made_once(model: str, noisy: Path, measured: list[str]) -> None:
    """Also if the network, the transform and the scales are chosen by it."""
    report = noisy.with_suffix(".html")
    outcome = restorekit.denoise_files(
        noisy, model=model, scales="auto", report=report, summarize=True
    )
    assert sorted(measured) == restorekit.list_measurements()
    (page,) = outcome.results[0].pages
    assert page.analysis is not None
    assert outcome.results[0].summaries[0]["analysis"] == page.analysis.to_dict()
    assert "Analysis: jpeg" in report.read_text()


def test_only_what_the_choice_needs_without_a_report(noisy: Path, measured: list[str]) -> None:
    """The JPEG quality, for example, is not needed."""
    outcome = restorekit.denoise_files(noisy)
    (page,) = outcome.results[0].pages
    assert page.analysis is not None
    assert sorted(page.analysis.measured) == sorted(measured)
    assert "jpeg" not in measured


def test_a_batch_has_no_analysis() -> None:
    """Since an analysis is that of one image."""
    noisy = np.random.default_rng(0).normal(0.5, 0.1, (2, 3, 32, 32)).astype(np.float32)
    outcome = restorekit.Denoiser("median").restore(torch.from_numpy(noisy), analyze=True)
    assert outcome.analysis is None
