"""The hooks a plugin implements, each decorated with `restorekit.hookimpl`.

A hook returns one `Component` or any number of them. None takes an argument.
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from restorekit.registry import Component

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
def restorekit_datasets() -> Component | Iterable[Component]:
    """Datasets: `len(dataset)` and `dataset[index] -> (C, H, W) float tensor in [0, 1]`."""
    raise NotImplementedError
