"""Scripts of users under `mypy --strict`: what is right passes, and what is wrong is found."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mypy import api

ROOT = Path(__file__).parents[1]

SCRIPT = """
import logging
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor, nn

import restorekit


@restorekit.models.register("mine", summary="a network of a user")
class Mine(nn.Module):
    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, noisy: Tensor) -> restorekit.Restoration:
        return restorekit.Restoration(noisy + self.conv(noisy), {"seen": noisy})


def report(done: int, total: int, message: str) -> None:
    logging.info("%d of %d: %s", done, total, message)


def main(folder: Path) -> None:
    if "swift" in restorekit.models and len(restorekit.models) > 3:
        print(*restorekit.models.names("*net*", "swift*"), *restorekit.list_noises())
    trainer = restorekit.Trainer(
        model=Mine(), dataset="samples", loss=[nn.L1Loss(), "ssim"], steps=10, progress=report
    )
    outcome: restorekit.TrainOutcome = trainer.fit(progress=True)
    model = restorekit.create_model("swift", size="small").eval()
    denoiser = restorekit.Denoiser(model, sigma=0.1)
    level: float = denoiser.restore(torch.rand(3, 32, 32)).sigma[0]
    denoiser(BytesIO(b"")).save(folder / "a.png")
    restorekit.denoise((folder / "a.jpg").read_bytes()).save(folder / "b.png")
    files = restorekit.denoise_files(folder, folder / "out", progress=report)
    print(outcome.step, level, [each.error for each in files.failed])
"""


@pytest.fixture(autouse=True)
def limit_of_recursion() -> Iterator[None]:
    """The one of before, because mypy raises it for the whole process."""
    before = sys.getrecursionlimit()
    yield
    sys.setrecursionlimit(before)


WRONG = [
    ("restorekit.nonexistent", "attr-defined"),
    ("restorekit.create_model('unet').to(3.5)", "call-overload"),
    ("restorekit.create_optimizer('adam', []).steps()", "attr-defined"),
    ("restorekit.Trainer(dataset='samples', progress='yes')", "arg-type"),
    ("restorekit.denoise_files('a.png', progres=True)", "call-arg"),
    ("restorekit.denoise('a.png', sigma='high')", "arg-type"),
    ("restorekit.denoise(b'').shape", "attr-defined"),
    ("restorekit.losses.names(3)", "arg-type"),
]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """What mypy says of the good script, and the codes of each wrong line."""
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "good.py").write_text(SCRIPT)
    lines = "\n".join(line for line, _ in WRONG)
    (folder / "wrong.py").write_text(f"import restorekit\n{lines}\n")
    # With the options of `make types`, whose cache is used, so that this takes seconds.
    options = ["--config-file", str(ROOT / "pyproject.toml")]
    options += ["--cache-dir", str(ROOT / ".mypy_cache")]
    said, trouble, _ = api.run([*options, str(folder / "good.py"), str(folder / "wrong.py")])
    assert trouble == ""
    good = "\n".join(line for line in said.splitlines() if "good.py" in line)
    at = re.findall(r"wrong\.py:(\d+): error: .*\[([\w-]+)\]$", said, re.MULTILINE)
    codes = dict(at)
    return good, [codes.get(str(number), "") for number in range(2, len(WRONG) + 2)]


def test_a_script_passes(found: tuple[str, list[str]]) -> None:
    """With registration, training, restoring of any input, files and progress."""
    assert found[0] == ""


@pytest.mark.parametrize("number", range(len(WRONG)), ids=lambda number: WRONG[number][0])
def test_a_mistake_is_found(number: int, found: tuple[str, list[str]]) -> None:
    """With the code of the error, at its line."""
    assert found[1][number] == WRONG[number][1]
