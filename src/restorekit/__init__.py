"""Neural image denoising and restoration: components by name, plugins, a thin Trainer.

Every public name is imported when first used, so that importing restorekit imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from restorekit.components import registry as _registry
from restorekit.components.kinds import *  # noqa: F403 - every kind, whichever there are
from restorekit.components.kinds import REGISTRIES
from restorekit.components.registry import Component, Registry
from restorekit.errors import (
    ArgumentError,
    CheckpointError,
    ConfigError,
    DataError,
    DivergenceError,
    ImageFileError,
    InputError,
    InsufficientMemoryError,
    MissingExtraError,
    NameTakenError,
    OldSpellingWarning,
    PluginError,
    PluginWarning,
    RestoreKitError,
    RestoreWarning,
    UnknownNameError,
)
from restorekit.records import Degraded, Restoration

if TYPE_CHECKING:
    from restorekit.components.hookspecs import hookimpl
    from restorekit.config.train_config import TrainConfig
    from restorekit.restore.denoise import denoise
    from restorekit.restore.denoiser import Denoiser
    from restorekit.train.trainer import Trainer
    from restorekit.weights import list_weights, load_model, save_model

_LAZY = {
    "TrainConfig": "restorekit.config.train_config",
    "Trainer": "restorekit.train.trainer",
    "Denoiser": "restorekit.restore.denoiser",
    "denoise": "restorekit.restore.denoise",
    "hookimpl": "restorekit.components.hookspecs",
    "list_weights": "restorekit.weights",
    "load_model": "restorekit.weights",
    "save_model": "restorekit.weights",
}


def _shortcuts() -> dict[str, Any]:
    """`models`, `create_model`, `list_models`, and the same of each other kind."""
    return {k: v for each in REGISTRIES.values() for k, v in each.shortcuts.items()}


__all__ = [
    "ArgumentError",
    "CheckpointError",
    "Component",
    "ConfigError",
    "DataError",
    "Degraded",
    "Denoiser",
    "DivergenceError",
    "ImageFileError",
    "InputError",
    "InsufficientMemoryError",
    "MissingExtraError",
    "NameTakenError",
    "OldSpellingWarning",
    "PluginError",
    "PluginWarning",
    "Registry",
    "Restoration",
    "RestoreKitError",
    "RestoreWarning",
    "TrainConfig",
    "Trainer",
    "UnknownNameError",
    "denoise",
    "hookimpl",
    "list_weights",
    "load_model",
    "save_model",
]
__all__ += _shortcuts()
__all__.sort()


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("restorekit")
    if name in (shortcuts := _shortcuts()):
        return shortcuts[name]
    if name not in _LAZY:
        raise AttributeError(f"module 'restorekit' has no attribute '{name}'")
    value = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _discover(plugins: bool) -> None:
    from restorekit.components import plugin_host as host

    host.discover(plugins)


def _failures() -> list[str]:
    from restorekit.components import plugin_host as host

    return host.failures()


_registry.discover_with(_discover, _failures)
