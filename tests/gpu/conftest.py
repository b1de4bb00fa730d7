"""The device that these tests run on: CUDA, or what RESTOREKIT_TEST_DEVICE names."""

from __future__ import annotations

import os

import pytest
import torch

# On "cpu" every test runs without a GPU, which shows that the tests themselves are right.
NAME = os.environ.get("RESTOREKIT_TEST_DEVICE", "cuda")


@pytest.fixture
def device() -> torch.device:
    """The device whose results are compared with the CPU."""
    if NAME == "cuda" and not torch.cuda.is_available():
        pytest.skip("there is no CUDA device here")
    return torch.device(NAME)


@pytest.fixture(autouse=True)
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Convolutions in full float32 (not TF32), by algorithms that repeat to the bit."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
