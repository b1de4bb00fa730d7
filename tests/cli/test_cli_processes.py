"""denoise: several processes, and output that is written whole or to nowhere."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image


class _Pieces(io.RawIOBase):
    """Records the text of each write."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self.pieces.append(bytes(piece))
        return len(piece)


def test_lines_are_written_whole(
    run: Any, pictures: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also without buffering; otherwise the lines of two processes on one pipe would mix."""
    out, err = _Pieces(), _Pieces()
    (pictures / "bad.png").write_bytes(b"junk")
    words = ["denoise", pictures, "-o", tmp_path / "out", "-m", weights]
    with monkeypatch.context() as patched:
        for name, pieces in (("stdout", out), ("stderr", err)):
            patched.setattr(sys, name, io.TextIOWrapper(pieces, write_through=True))
        run(*words)
    for pieces in (out.pieces, err.pieces):
        assert len(pieces) >= 2
        assert all(piece.count(b"\n") == 1 and piece.endswith(b"\n") for piece in pieces)


def test_a_closed_output_stops_nothing(
    run: Any, pictures: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With stdout closed, as by `restorekit denoise ... >&-`, the pictures are restored."""
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", None)
        outcome = run("denoise", pictures, "-o", tmp_path / "out", "-m", weights)
    assert outcome.code == 0
    assert len(list((tmp_path / "out").rglob("*.png"))) == 3


def test_torchrun_shares_the_folder(pictures: Path, weights: Path, tmp_path: Path) -> None:
    """Two processes restore a part of a folder each; a bad picture stops neither of them."""
    (pictures / "0.png").write_bytes(b"junk")
    for number in range(1, 6):
        Image.new("L", (8, 8), number).save(pictures / f"{number}.png")
    words = ["denoise", pictures, "-o", tmp_path / "out", "-m", weights, "--sigma", "10"]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2"]
    launcher += ["--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0", "-m", "restorekit"]
    done = subprocess.run(
        [*launcher, *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
        timeout=300,
    )
    assert done.returncode != 0
    made = sorted(
        path.relative_to(tmp_path / "out").as_posix() for path in tmp_path.glob("out/**/*.png")
    )
    expected = [f"{number}.png" for number in range(1, 6)] + ["a.png", "deep/gray.png", "z.png"]
    assert made == expected
    assert sorted(done.stdout.split()) == [str(tmp_path / "out" / name) for name in expected]
    faults = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(faults) == 1
    assert "0.png" in faults[0]
