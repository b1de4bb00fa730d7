"""Running the command line within the test's own process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from restorekit import create_model, save_model
from restorekit.cli.main import main
from restorekit.restore import outcome
from restorekit.restore.safeguard.reason import Reason


@dataclass(frozen=True)
class Outcome:
    """An exit code and what was printed."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line as a function of its words."""

    def run(*words: object) -> Outcome:
        code = main([str(word) for word in words])
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture
def refused(run: Run) -> Callable[..., str]:
    """The one line of the message for a mistake, after "error: "."""

    def refused(*words: object) -> str:
        outcome = run(*words)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.startswith("error: ")
        assert outcome.err.count("\n") == 1
        return outcome.err.removeprefix("error: ").rstrip("\n")

    return refused


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with a colour picture, a gray one in a subfolder and one with transparency."""
    folder = tmp_path / "pictures"
    (folder / "deep").mkdir(parents=True)
    Image.new("RGB", (40, 30), (128, 128, 128)).save(folder / "a.png")
    Image.new("L", (20, 24), 100).save(folder / "deep" / "gray.png")
    transparent = Image.new("RGBA", (16, 16), (90, 120, 150, 255))
    transparent.putpixel((3, 4), (90, 120, 150, 7))
    transparent.save(folder / "z.png")
    return folder


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """The weights of a small network that was never trained."""
    torch.manual_seed(0)
    path = tmp_path / "weights.safetensors"
    card = {"noise": {"name": "gaussian", "std": 0.1}, "metrics": {"psnr": 31.25}, "step": 12_000}
    save_model(create_model("dncnn", depth=2, width=4), path, card)
    return path


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The pictures for which reports were requested; the writer writes empty files."""
    written: list[tuple[Any, ...]] = []

    def write_report(
        path: Path, before: Any, after: Any, outcome: Any, *, name: str, analysis: Any
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        written.append((path, before, after, outcome, name))

    def summary(before: Any, after: Any, outcome: Any, analysis: Any) -> dict[str, Any]:
        return {
            "sigma": list(outcome.sigma),
            "shape": list(before.shape),
            "change": float(abs(after.astype(float) - before).max()),
            "model": outcome.model,
        }

    monkeypatch.setattr("restorekit.operations.restoring.write_report", write_report)
    monkeypatch.setattr("restorekit.operations.restoring.summary", summary)
    return written


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A denoiser that inverts, in place of the real one; it records its options and inputs."""
    seen = SimpleNamespace(settings=[], given=[], meanings=[], clean=False)

    class Inverting:
        pixels_at_once = 2**16

        def __init__(self, model: str, **settings: Any) -> None:
            seen.settings.append({"model": model, **settings})

        def restore(
            self, image: Any, in_place: bool = False, meaning: Any = None, analyzed: bool = False
        ) -> Any:
            seen.given.append(image)
            seen.meanings.append(meaning)
            top = 1 if image.dtype.kind == "f" else np.iinfo(image.dtype).max
            sigma = (0.4 / 255,) * image.shape[2]
            inverted = np.subtract(top, image, out=image if in_place else None)
            how = (0.5, None, "float32", "inverting")
            left: Reason | None = "clean" if seen.clean else None
            return outcome.DenoiseOutcome(inverted, sigma, seen.clean, *how, left_alone=left)

        def restore_all(self, images: Any, meanings: Any, analyzed: bool = False) -> Any:
            pairs = zip(images, meanings, strict=True)
            return [self.restore(image, False, meaning) for image, meaning in pairs]

    monkeypatch.setattr("restorekit.operations.denoise_files.Denoiser", Inverting)
    return seen
