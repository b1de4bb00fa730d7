"""What tests of restoring share."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
import torch
from torch import Tensor

ESTIMATED = 0.125


@pytest.fixture
def estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    """An estimator that finds 0.125 wherever there is any contrast, and 0 where there is none.

    Its map is that of the local mean, so that a test can tell one place from another.
    """
    module = ModuleType("restorekit.restore.estimate")

    def estimate_sigma(image: Tensor) -> Tensor:
        return ESTIMATED * (image.std(dim=(2, 3)) > 0).float()

    def noise_map(image: Tensor) -> Tensor:
        return image.mean(dim=1, keepdim=True)

    def is_clean(sigma: Tensor) -> bool:
        return bool((torch.as_tensor(sigma) < 0.001).all())

    for function in (estimate_sigma, noise_map, is_clean):
        setattr(module, function.__name__, function)
    monkeypatch.setitem(sys.modules, module.__name__, module)
