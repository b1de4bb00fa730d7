"""The models of the page: where their weights are, and when they are loaded again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

import restorekit
from restorekit.app.restoring_settings import (
    RestoringSettings,
    denoiser_for,
    resolve_models,
)
from restorekit.weights import schemes


def write_weights(path: Path, width: int) -> None:
    restorekit.save_model(restorekit.create_model("dncnn", depth=2, width=width), path)


def test_a_hub_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the page starts; visitors get the file, under the name that the owner gave."""
    file, asked = tmp_path / "model.safetensors", []
    write_weights(file, 4)

    def fetch(name: str) -> Path:
        asked.append(name)
        return file

    monkeypatch.setitem(schemes.SCHEMES, "hf-hub", schemes.Scheme(fetch, fetch))
    offered = resolve_models(["hf-hub:acme/denoiser", "median", str(tmp_path)])
    assert offered == (
        ("hf-hub:acme/denoiser", str(file)),
        ("median", "median"),
        (str(tmp_path), str(tmp_path)),
    )
    for _ in range(2):
        denoiser_for(RestoringSettings(offered[0][1]))
    assert asked == ["acme/denoiser"]


def test_weights_that_change_are_loaded_again(tmp_path: Path) -> None:
    """A run that goes on training writes the same file, or a better one in the same folder."""
    settings, last = RestoringSettings(str(tmp_path)), tmp_path / "last.safetensors"
    write_weights(last, 4)
    first = denoiser_for(settings)
    assert denoiser_for(settings) is first
    write_weights(last, 4)
    os.utime(last, (1, 1))
    second = denoiser_for(settings)
    pairs = zip(first.model.parameters(), second.model.parameters(), strict=True)
    assert not all(torch.equal(*pair) for pair in pairs)
    write_weights(tmp_path / "best.safetensors", 8)
    assert sum(p.numel() for p in denoiser_for(settings).model.parameters()) > 400


@pytest.mark.parametrize("model", ["auto", "median", "median:size=5"])
def test_a_model_without_a_file_is_kept(model: str) -> None:
    """It cannot change."""
    settings = RestoringSettings(model)
    assert denoiser_for(settings) is denoiser_for(settings)
