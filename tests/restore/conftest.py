"""What tests of restoring share."""

from __future__ import annotations

import pytest
from torch import Tensor

ESTIMATED = 0.125


@pytest.fixture
def estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    """An estimator that finds 0.125 wherever there is any contrast, and 0 where there is none.

    Its map is that of the local mean, so that a test can tell one place from another.
    """
    from restorekit.restore import estimate

    def estimate_sigma(image: Tensor) -> Tensor:
        return ESTIMATED * (image.std(dim=(2, 3)) > 0).float()

    def noise_map(image: Tensor) -> Tensor:
        return image.mean(dim=1, keepdim=True)

    monkeypatch.setattr(estimate, "estimate_sigma", estimate_sigma)
    monkeypatch.setattr(estimate, "noise_map", noise_map)
