"""The example packages with weights and with checkpoints of another library, each installed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.examples.fresh_environment import ROOT, FreshEnvironment

ACME = ROOT / "examples" / "restorekit-acme"
SPANDREL = ROOT / "examples" / "restorekit-spandrel"


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> FreshEnvironment:
    """A fresh environment with the wheels of restorekit and of both packages."""
    return FreshEnvironment(tmp_path_factory.mktemp("packages"), wheel, ACME, SPANDREL)


def test_weights_in_the_wheel_restore_a_picture(
    installed: FreshEnvironment, tmp_path: Path
) -> None:
    """They are in the wheel, and found by name by each command."""
    noisy = np.random.default_rng(0).normal(128, 20, (24, 32, 3)).clip(0, 255)
    Image.fromarray(noisy.astype(np.uint8)).save(tmp_path / "noisy.png")
    options = ("-m", "acme-denoise", "-o", "clean.png", "--force", "--sigma", "20")
    installed.restorekit("denoise", "noisy.png", *options, cwd=tmp_path)
    with Image.open(tmp_path / "clean.png") as clean:
        assert np.std(clean) < np.std(noisy) / 2
    card = json.loads(installed.restorekit("info", "acme-denoise", "--json", cwd=tmp_path))
    assert card["model"]["provider"] == "restorekit-acme"
    listed = installed.restorekit("list", "weights", cwd=tmp_path)
    assert "[restorekit-acme 0.1.0]" in listed


@pytest.mark.parametrize("project", [ACME, SPANDREL], ids=lambda project: project.name)
def test_its_own_tests_pass(project: Path, installed: FreshEnvironment, tmp_path: Path) -> None:
    """With the wheels, without the source."""
    assert " passed" in installed.pytest(project, tmp_path)


def test_the_package_for_spandrel_is_short() -> None:
    """Its whole source has under 100 lines."""
    files = (SPANDREL / "src").rglob("*.py")
    assert sum(len(path.read_text("utf-8").splitlines()) for path in files) < 100
