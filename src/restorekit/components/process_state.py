"""Process-wide state, which is restored after code of plugins has run.

Plugins are imported into the process of a command or of a host program. One that changes the
working directory, the default dtype or the warning filters would change what all other code does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Self

from restorekit.components.process_parts import PARTS, RANDOM, Part

# The initial state of modules that were loaded within a block.
_new: dict[Part, object] = {}


class KeptState:
    """Undo all changes of process-wide state at the end of the block.

    A change by another thread during this time cannot be distinguished from one of the block.

    Args:
        with_random: also put the random generators back.

    Attributes:
        changed: the names of what was put back.
    """

    def __init__(self, *, with_random: bool = True) -> None:
        self._parts = [part for part in PARTS if with_random or part.name != RANDOM]
        self.changed: list[str] = []

    def __enter__(self) -> Self:
        self._before = _read(part for part in self._parts if part.module in sys.modules)
        self._watch = _Watch()
        # First, so that no other finder imports a module unseen.
        sys.meta_path.insert(0, self._watch)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ValueError):  # it may have been removed
            sys.meta_path.remove(self._watch)
        # The order matters: what was read before the block is preferred to the state after an
        # import.
        before = {part: _new[part] for part in self._parts if part in _new} | self._before
        changed = [part.name for part in self._parts if part in before and _changed(part, before)]
        self.changed = list(dict.fromkeys(changed))


def _read(parts: Iterable[Part]) -> dict[Part, object]:
    values = {}
    for part in parts:
        with suppress(Exception):  # another thread may be importing the module
            values[part] = part.read(sys.modules[part.module])
    return values


def _changed(part: Part, before: dict[Part, object]) -> bool:
    """Restore a part of the state if it has changed; return whether it had."""
    with suppress(Exception):  # a state that can no longer be read has changed
        if part.same(before[part], part.read(sys.modules[part.module])):
            return False
    with suppress(Exception):
        part.write(sys.modules[part.module], before[part])
    return True


class _Watch:
    """Records the state of modules that are loaded within a block, directly after loading."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        parts = [part for part in PARTS if part.module == name and part not in _new]
        spec = PathFinder.find_spec(name, path) if parts else None
        # Built-in and frozen modules are loaded before any plugin.
        if spec is None or not isinstance(spec.loader, SourceFileLoader):
            return None
        execute = spec.loader.exec_module

        def execute_and_note(module: ModuleType) -> None:
            execute(module)
            _new.update(_read(parts))

        spec.loader.exec_module = execute_and_note  # type: ignore[method-assign]
        return spec
