"""The hooks a plugin implements, each decorated with `restorekit.hookimpl`.

Each kind of component has a hook, `restorekit_models` for example, whose implementation returns one
`Component` or any number of them; `restorekit_weights` returns `PretrainedWeights`. These hooks are
made from the catalogues of the kinds. The four hooks here are
called during a training run, so that a plugin can log elsewhere. An implementation may leave out
arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pluggy

from restorekit.components.catalogue import Catalogue

hookspec = pluggy.HookspecMarker("restorekit")
hookimpl = pluggy.HookimplMarker("restorekit")


def component_hooks(catalogues: Iterable[Catalogue[Any]]) -> type:
    """A class with the hook of each of these kinds, for pluggy."""
    hooks = {each.hook: staticmethod(_component_hook(each)) for each in catalogues}
    return type("ComponentHooks", (), hooks)


def _component_hook(catalogue: Catalogue[Any]) -> Callable[[], object]:
    def declare() -> object:
        raise NotImplementedError

    # pluggy takes the name of a hook from the function.
    declare.__name__, declare.__doc__ = catalogue.hook, catalogue.contract
    return hookspec(declare)


@hookspec
def restorekit_train_start(trainer: object) -> None:
    """Called when a run of this `restorekit.Trainer` starts or resumes; its folder exists.

    Called, as the three below, in the main process alone.
    """


@hookspec
def restorekit_step_end(trainer: object, step: int, metrics: Mapping[str, object]) -> None:
    """Called after logging "loss", "terms", "learning_rate", "images_per_second", "epoch"."""


@hookspec
def restorekit_validation_end(trainer: object, step: int, metrics: Mapping[str, object]) -> None:
    """Called after a validation: "loss", "terms", "psnr", "ssim", also of the noisy images."""


@hookspec
def restorekit_train_end(trainer: object, outcome: object, error: BaseException | None) -> None:
    """Called when a run has ended, was stopped or failed.

    `Trainer.fit` returns `outcome`, or raises `error`; the other one is None.
    """
