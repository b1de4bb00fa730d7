"""The hooks a plugin implements, each decorated with `restorekit.hookimpl`.

Five declare components: each returns one `Component` or any number of them. Four are called during
a training run, so that a plugin can log elsewhere; an implementation may leave out arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pluggy

from restorekit.components.registry import Component

hookspec = pluggy.HookspecMarker("restorekit")
hookimpl = pluggy.HookimplMarker("restorekit")


@hookspec
def restorekit_models() -> Component | Iterable[Component]:
    """Architectures: modules with `forward(noisy, sigma=None) -> Tensor | Restoration`."""
    raise NotImplementedError


@hookspec
def restorekit_noises() -> Component | Iterable[Component]:
    """Noise models: modules with `forward(clean, generator=None) -> Tensor | Degraded`."""
    raise NotImplementedError


@hookspec
def restorekit_losses() -> Component | Iterable[Component]:
    """Loss terms: modules with `forward(restoration, target) -> scalar`."""
    raise NotImplementedError


@hookspec
def restorekit_train_start(trainer: Any) -> None:
    """A run of this `restorekit.Trainer` begins or goes on; its folder is ready.

    Called, as the three below, in the main process alone.
    """


@hookspec
def restorekit_step_end(trainer: Any, step: int, metrics: Mapping[str, Any]) -> None:
    """Metrics were logged: "loss", "terms", "learning_rate", "images_per_second", "epoch"."""


@hookspec
def restorekit_validation_end(trainer: Any, step: int, metrics: Mapping[str, Any]) -> None:
    """A validation is over: "loss", "terms", "psnr", "ssim", and both of the noisy images."""


@hookspec
def restorekit_train_end(trainer: Any, outcome: Any) -> None:
    """A run came to its end or was stopped; `outcome` is what `Trainer.fit` returns."""


@hookspec
def restorekit_datasets() -> Component | Iterable[Component]:
    """Datasets: `len(dataset)` and `dataset[index] -> (C, H, W) float tensor in [0, 1]`."""
    raise NotImplementedError


@hookspec
def restorekit_estimators() -> Component | Iterable[Component]:
    """Noise level estimators: `estimator(image (B, C, H, W)) -> (B, C)` standard deviations."""
    raise NotImplementedError
