"""A benchmark in float32, and a model that records its inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from restorekit.evaluate.benchmark import benchmark
from restorekit.evaluate.benchmark_results import BenchmarkResults

PROBE = (64, 64)  # the size at which a denoiser finds out whether a model uses sigma


class Spy(nn.Module):
    """A model that records its inputs and returns them times a factor.

    The noise level is added to the result, times `sigma_weight`.
    """

    def __init__(self, factor: float = 1.0, sigma_weight: float = 0.0) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))
        self.sigma_weight = sigma_weight
        self.given: list[Tensor] = []
        self.levels: list[float | None] = []

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        if noisy.shape[-2:] != PROBE:
            self.given.append(noisy.clone())
            self.levels.append(None if sigma is None else float(sigma.flatten()[0]))
        return noisy * self.factor + (0 if sigma is None else self.sigma_weight * sigma)


def measured(
    models: Any, folder: Path, noises: Any = "gaussian:25", **more: Any
) -> BenchmarkResults:
    """A benchmark in float32."""
    return benchmark(models, folder, noises, precision="float32", device="cpu", **more)
