"""Parameter files of metrics with random content, and the arguments that name them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision

METRIC_ARGUMENTS: dict[str, dict[str, Any]] = {
    "lpips": {"weights": "alexnet.pth"},
    "brisque": {"weights": "brisque.pt"},
    "niqe": {"statistics": "niqe.npz"},
}


def write_metric_parameters(folder: Path) -> None:
    """Write the files of `METRIC_ARGUMENTS`: random weights, a regression and statistics."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        features = torchvision.models.alexnet(weights=None).features
    torch.save(features.state_dict(), folder / "alexnet.pth")
    generator = torch.Generator().manual_seed(0)
    vectors = torch.rand(40, 36, generator=generator, dtype=torch.float64) - 0.5
    coefficients = 100 * torch.randn(40, generator=generator, dtype=torch.float64)
    torch.save([coefficients, vectors], folder / "brisque.pt")
    drawn = np.random.default_rng(0)
    root = drawn.normal(size=(36, 36))
    np.savez(
        folder / "niqe.npz",
        mu_pris_param=drawn.normal(1.0, 0.5, 36),
        cov_pris_param=root @ root.T / 36 + np.eye(36),
    )
