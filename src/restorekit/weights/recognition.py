"""Recognising the checkpoints of other projects with the components of the kind `layout`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from restorekit.components.component_records import RegistryEntry
from restorekit.components.isolation import attempt
from restorekit.components.kinds import layouts, models
from restorekit.errors import ArgumentError, CheckpointError, PluginError, RestoreKitError
from restorekit.untrusted.text import quoted
from restorekit.weights.nearest_layouts import describe_layout, nearest_layouts

if TYPE_CHECKING:
    from torch import Tensor

    from restorekit.components.contracts import CheckpointLayout
    from restorekit.records import RecognisedCheckpoint


def recognise(
    state: Mapping[str, Tensor], path: Path, layout: str | None = None
) -> RecognisedCheckpoint:
    """Convert the state dict of a checkpoint; the layouts of plugins are tried last.

    Args:
        state: the state dict.
        path: its file, for messages.
        layout: the only layout to try.

    Raises:
        CheckpointError: no layout has such keys, or the shapes do not fit the layout.
        PluginError: the layout of a plugin fails.
        UnknownNameError: no layout has that name.
    """
    failures: list[str] = []
    groups = _groups_of_layouts() if layout is None else [[layouts.entry(layout)]]
    for entries in groups:
        refusals: dict[str, CheckpointError] = {}
        for entry in entries:
            try:
                made = layouts.create(entry.component.name)
            except RestoreKitError as error:  # one that lacks a package must not block the others
                failures.append(str(error))
                continue
            for inner in _without_prefixes(state):
                try:
                    found = _read(entry, made, inner, path)
                except CheckpointError as error:  # another layout may have the same first keys
                    refusals.setdefault(entry.component.name, error)
                    continue
                if found is not None:
                    return found
        if refusals:
            raise refusals[next(name for name in _nearest_first(state) if name in refusals)]
    raise _unknown(state, path, failures, layout)


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
            if found is None:
                return None
            if not isinstance(found, RecognisedCheckpoint):
                raise PluginError(
                    f"{path}: {entry.label} returned {quoted(found)}, not a RecognisedCheckpoint"
                )
            name = found.layout or entry.component.summary or entry.component.name
            named = replace(found, layout=name, tensors=_with_counters(found.tensors))
            _check_shapes(named, state)
        except CheckpointError as error:
            raise CheckpointError(f"{path}: {error}") from error
    return named


def _check_shapes(found: RecognisedCheckpoint, state: Mapping[str, Tensor]) -> None:
    """Compare the shapes of converted tensors with those of the network, which takes no memory.

    Raises:
        CheckpointError: a shape differs, or no network has such sizes.
    """
    import torch

    try:
        with torch.device("meta"):
            network = models.make(models.check(found.architecture, found.arguments))
    except ArgumentError as error:
        raise CheckpointError(f"the keys are those of {found.layout}, but {error}") from error
    except RestoreKitError:  # an architecture that is not there, which loading reports
        return
    published = {id(tensor): key for key, tensor in state.items()}
    for key, own in network.state_dict().items():
        tensor = found.tensors.get(key, own)
        if tensor.shape != own.shape:
            raise CheckpointError(
                f"the keys are those of {found.layout}, but the shape of "
                f"'{published.get(id(tensor), key)}' is {tuple(tensor.shape)}, not "
                f"{tuple(own.shape)}"
            )


def _with_counters(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Add the counters of batch normalisations, which checkpoints before torch 0.4.1 lack."""
    import torch

    statistics = [key for key in tensors if key.endswith(".running_var")]
    counters = [f"{key.removesuffix('running_var')}num_batches_tracked" for key in statistics]
    return {key: torch.tensor(0) for key in counters} | dict(tensors)


def _without_prefixes(state: Mapping[str, Tensor]) -> Iterator[Mapping[str, Tensor]]:
    """A state dict, then without each part of its keys that all of them share, such as "net."."""
    while True:
        yield state
        first = {key.partition(".")[0] for key in state}
        if len(first) != 1 or not all("." in key for key in state):
            return
        state = {key.partition(".")[2]: tensor for key, tensor in state.items()}


def _unknown(
    state: Mapping[str, Tensor], path: Path, failures: list[str], layout: str | None
) -> CheckpointError:
    """The error for keys of no layout: which keys there are, and the nearest layouts."""
    if not state:
        return CheckpointError(f"{path}: has no tensors")
    shapes = [f"{key} {tuple(tensor.shape)}" for key, tensor in state.items()]
    more = f" and {len(shapes) - 3} more" if len(shapes) > 3 else ""
    nearest = _nearest_first(state)
    failed = f" (failed: {'; '.join(failures)})" if failures else ""
    if layout is not None:
        return CheckpointError(
            f"{path}: not in the layout '{layout}', {describe_layout(layout)}: it has "
            f"{', '.join(shapes[:3])}{more}{failed}"
        )
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
