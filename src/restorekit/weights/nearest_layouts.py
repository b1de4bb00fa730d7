"""Which layouts of published checkpoints are most like keys that no layout recognises."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

from restorekit.components.kinds import layouts
from restorekit.errors import RestoreKitError

_COMPARED = 200  # most kinds of keys that are compared; published networks have fewer


def nearest_layouts(keys: Iterable[str]) -> list[str]:
    """The names of the layouts, those first whose keys are most like some keys.

    A layout states its typical keys. Each of them is compared with the most similar one of the
    given keys, wherever that is. Numbers are equal to each other, so that the keys of a network of
    many blocks are few.

    Args:
        keys: those of a state dict.
    """
    kinds = list(dict.fromkeys(map(_kind, keys)))[:_COMPARED]
    likeness = {name: _likeness(typical, kinds) for name, typical in _typical_keys()}
    return sorted(likeness, key=lambda name: -likeness[name])


def describe_layout(name: str) -> str:
    """A layout in words, with its typical keys."""
    summary = layouts.entry(name).component.summary or name
    return f"{summary} ({getattr(layouts.create(name), 'keys', '')}, ..)"


def _typical_keys() -> Iterator[tuple[str, list[str]]]:
    for entry in layouts.loaded():
        name = entry.component.name
        try:
            keys = getattr(layouts.create(name), "keys", "")
        except RestoreKitError:  # one that lacks a package must not block the others
            continue
        if isinstance(keys, str) and keys:
            yield name, [_kind(key) for key in keys.split(", ")]


def _likeness(typical: list[str], kinds: list[str]) -> float:
    """From 0 for nothing in common to 1 for a state dict with all typical keys."""
    return sum(_best(each, kinds) for each in typical) / len(typical)


def _best(typical: str, kinds: list[str]) -> float:
    if typical in kinds:
        return 1.0
    matcher = difflib.SequenceMatcher(None, autojunk=False)
    matcher.set_seq2(typical)
    best = 0.0
    for each in kinds:
        matcher.set_seq1(each)
        # The quick bounds leave few keys for the slow comparison.
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best:
            best = max(best, matcher.ratio())
    return best


def _kind(key: str) -> str:
    return re.sub(r"\d+", "#", key)
