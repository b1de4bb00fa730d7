"""Recognising the checkpoints of other projects with the components of the kind `layout`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from restorekit.components.component_records import RegistryEntry
from restorekit.components.isolation import attempt
from restorekit.components.kinds import layouts
from restorekit.errors import CheckpointError, PluginError, RestoreKitError
from restorekit.untrusted.text import quoted

if TYPE_CHECKING:
    from torch import Tensor

    from restorekit.components.contracts import CheckpointLayout
    from restorekit.records import RecognisedCheckpoint


def recognise(state: Mapping[str, Tensor], path: Path) -> RecognisedCheckpoint:
    """Convert the state dict of a checkpoint; the layouts of plugins are tried last.

    Raises:
        CheckpointError: no layout has such keys, or the shapes do not fit the layout.
        PluginError: the layout of a plugin fails.
    """
    tried, failures = set[str](), list[str]()
    for entry in _layouts():
        tried.add(entry.component.name)
        try:
            layout = layouts.create(entry.component.name)
        except RestoreKitError as error:  # one that lacks a package must not block the others
            failures.append(str(error))
            continue
        for inner in _without_prefixes(state):
            if (found := _read(entry, layout, inner, path)) is not None:
                return found
    raise _unknown(state, path, failures)


def _layouts() -> Iterator[RegistryEntry]:
    """The built-in layouts, then those of plugins, which are loaded only if none of these fits."""
    known = layouts.loaded()
    yield from known
    yield from (layouts.entry(name) for name in layouts.names() if layouts.entry(name) not in known)


def _read(
    entry: RegistryEntry, layout: CheckpointLayout, state: Mapping[str, Tensor], path: Path
) -> RecognisedCheckpoint | None:
    from restorekit.records import RecognisedCheckpoint

    with attempt(lambda error: f"{path}: {entry.label} raised {error}", RestoreKitError):
        try:
            found: object = layout(state)
        except CheckpointError as error:
            raise CheckpointError(f"{path}: {error}") from error
    if found is None:
        return None
    if not isinstance(found, RecognisedCheckpoint):
        raise PluginError(
            f"{path}: {entry.label} returned {quoted(found)}, not a RecognisedCheckpoint"
        )
    return replace(found, layout=found.layout or entry.component.summary or entry.component.name)


def _without_prefixes(state: Mapping[str, Tensor]) -> Iterator[Mapping[str, Tensor]]:
    """A state dict, then without each part of its keys that all of them share, such as "net."."""
    while True:
        yield state
        first = {key.partition(".")[0] for key in state}
        if len(first) != 1 or not all("." in key for key in state):
            return
        state = {key.partition(".")[2]: tensor for key, tensor in state.items()}


def _unknown(state: Mapping[str, Tensor], path: Path, failures: list[str]) -> CheckpointError:
    """The error for keys of no layout: which keys there are, and the nearest layouts."""
    if not state:
        return CheckpointError(f"{path}: has no tensors")
    shapes = [f"{key} {tuple(tensor.shape)}" for key, tensor in state.items()]
    more = f" and {len(shapes) - 3} more" if len(shapes) > 3 else ""
    failed = f" (failed: {'; '.join(failures)})" if failures else ""
    return CheckpointError(
        f"{path}: not written by restorekit, and its layout is unknown: it has "
        f"{', '.join(shapes[:3])}{more}; the nearest known layout is {_nearest(state)}{failed}"
    )


def _nearest(state: Mapping[str, Tensor]) -> str:
    """The two layouts whose first keys are most like those of a state dict."""
    names = ", ".join(list(state)[:3])
    by_likeness: list[tuple[float, str]] = []
    for entry in layouts.loaded():
        try:
            keys = getattr(layouts.create(entry.component.name), "keys", "")
        except RestoreKitError:
            continue
        if isinstance(keys, str) and keys:
            likeness = difflib.SequenceMatcher(None, names, keys).ratio()
            by_likeness.append((likeness, f"{entry.component.summary} ({keys}, ..)"))
    first, second = [words for _, words in sorted(by_likeness, reverse=True)[:2]]
    return f"{first}, then {second}"
