"""Recognising the checkpoints of other projects with the components of the kind `layout`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from restorekit.components.component_records import RegistryEntry
from restorekit.components.isolation import attempt
from restorekit.components.kinds import layouts
from restorekit.errors import CheckpointError, PluginError, RestoreKitError
from restorekit.untrusted.text import quoted
from restorekit.weights.nearest_layouts import describe_layout, nearest_layouts

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
    failures: list[str] = []
    for entries in _groups_of_layouts():
        refusals: dict[str, CheckpointError] = {}
        for entry in entries:
            try:
                layout = layouts.create(entry.component.name)
            except RestoreKitError as error:  # one that lacks a package must not block the others
                failures.append(str(error))
                continue
            for inner in _without_prefixes(state):
                try:
                    found = _read(entry, layout, inner, path)
                except CheckpointError as error:  # another layout may have the same first keys
                    refusals.setdefault(entry.component.name, error)
                    continue
                if found is not None:
                    return found
        if refusals:
            raise refusals[next(name for name in _nearest_first(state) if name in refusals)]
    raise _unknown(state, path, failures)


def _groups_of_layouts() -> Iterator[list[RegistryEntry]]:
    """The built-in layouts, then those of plugins, which are loaded only if none of these fits."""
    known = layouts.loaded()
    yield known
    yield [layouts.entry(name) for name in layouts.names() if layouts.entry(name) not in known]


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
    nearest = _nearest_first(state)
    failed = f" (failed: {'; '.join(failures)})" if failures else ""
    return CheckpointError(
        f"{path}: not written by restorekit, and its layout is unknown: it has "
        f"{', '.join(shapes[:3])}{more}; the nearest known layout is "
        f"{', then '.join(map(describe_layout, nearest[:2]))}{failed}"
    )


def _nearest_first(state: Mapping[str, Tensor]) -> list[str]:
    """All layouts; those whose typical keys are most like those of a state dict come first."""
    *_, inner = _without_prefixes(state)
    nearest = nearest_layouts([*inner, *state])
    return [*nearest, *(name for name in layouts.names() if name not in nearest)]
