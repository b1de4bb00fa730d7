"""A dataset and a run small enough for tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from restorekit import Trainer


class Blobs:
    """Smooth colour pictures, each with its own seed."""

    def __init__(self, count: int = 12, side: int = 24) -> None:
        self.count, self.side = count, side

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Tensor:
        coarse = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(index))
        return functional.interpolate(coarse, size=self.side, mode="bilinear")[0]


@pytest.fixture
def blobs() -> Blobs:
    """A dataset of smooth pictures."""
    return Blobs()


@pytest.fixture
def tiny(tmp_path: Path, blobs: Blobs) -> Callable[..., Trainer]:
    """A `Trainer` of a tiny network, whose arguments can be replaced."""

    def make(**changes: Any) -> Trainer:
        parts: dict[str, Any] = {
            "model": {"name": "dncnn", "depth": 3, "width": 8, "batch_norm": False},
            "noise": {"name": "gaussian", "std": 0.1},
            "loss": {"l1": 1.0},
            "dataset": blobs,
            "device": "cpu",
            "save_weight_path": tmp_path / "run",
            "precision": "float32",
            "steps": 6,
            "batch_size": 4,
            "validate_every": 3,
            "log_every": 1,
        }
        return Trainer(**{**parts, **changes})

    return make
