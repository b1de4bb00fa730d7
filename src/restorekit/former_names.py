"""Names that the documentation gave before, which still work and warn."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Mapping
from types import ModuleType

# Modules that the documentation named, and where their content is now.
MODULES: Mapping[str, str] = {
    "restorekit.evaluate.metrics": "restorekit.metric.image_quality",
    "restorekit.evaluate.results": "restorekit.evaluate.benchmark_results",
    "restorekit.hookspecs": "restorekit.components.hookspecs",
    "restorekit.registry": "restorekit.components.registry",
    "restorekit.restore.estimate": "restorekit.restore.noise_estimation",
    "restorekit.restore.export": "restorekit.runtimes.export",
    "restorekit.restore.runtime": "restorekit.runtimes.runtime_models",
    "restorekit.train.results": "restorekit.train.run_folder",
}
_RENAMED = {"restorekit.train.results": {"Outcome": "TrainOutcome"}}


class _FormerModule(ModuleType):
    """A module without code, whose names are those of another module."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # what the import system asks of any module
            raise AttributeError(f"module '{self.__name__}' has no attribute '{name}'")
        now = _RENAMED.get(self.__name__, {}).get(name, name)
        found = getattr(importlib.import_module(MODULES[self.__name__]), now)
        warn_former(f"{self.__name__}.{name}", f"{MODULES[self.__name__]}.{now}")
        return found


def register_former_modules() -> None:
    """Make the former modules importable; nothing is imported until a name is used."""
    for name in MODULES:
        # A real module of that name, if there is one, has precedence.
        sys.modules.setdefault(name, _FormerModule(name, "A module that was moved."))


def present_name(owner: str, name: str, renamed: Mapping[str, str]) -> str:
    """The present name of an attribute, for the `__getattr__` of its owner.

    Args:
        owner: what has the attribute, for messages: "module 'x'", "'Denoiser' object".
        name: the name that was not found.
        renamed: present names by former ones.

    Raises:
        AttributeError: the attribute never existed.

    Warns:
        DeprecationWarning: it has another name now.
    """
    if name not in renamed:
        raise AttributeError(f"{owner} has no attribute '{name}'")
    warn_former(f"'{name}'", f"'{renamed[name]}'", stacklevel=4)
    return renamed[name]


def warn_former(former: str, now: str, stacklevel: int = 3) -> None:
    """Warn that a name has changed.

    Args:
        former: the name that was used.
        now: the name to use.
        stacklevel: how far up the caller is that used it.
    """
    warnings.warn(f"{former} is now {now}", DeprecationWarning, stacklevel=stacklevel)
