"""The demonstration, with few steps."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]


def test_the_demo_writes_what_it_promises(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It writes weights, loss map and picture, and a table of three results."""
    spec = importlib.util.spec_from_file_location("demo", ROOT / "examples" / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    folder = tmp_path / "demo"
    demo.main(["--folder", str(folder), "--steps", "4"])
    printed = capsys.readouterr().out
    assert all(label in printed for label in ("noisy", "restored", "total variation", "SSIM"))
    assert (folder / "best.safetensors").is_file()
    for name in ("loss_map.png", "before_after.png"):
        with Image.open(folder / name) as picture:
            picture.verify()
