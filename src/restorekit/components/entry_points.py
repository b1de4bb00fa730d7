"""The entry points of the installed plugins, found even if the installation is damaged."""

from __future__ import annotations

import importlib.metadata
import os
import re
from importlib.metadata import Distribution, EntryPoint

from restorekit.components.component_records import Provider
from restorekit.components.isolation import describe_cause

GROUP = "restorekit"
_UNKNOWN = "unknown distribution"


def entry_points() -> tuple[list[EntryPoint], list[tuple[str, str]]]:
    """The entry points of the distributions in RESTOREKIT_PLUGINS, or of all if it is not set.

    Returns:
        The entry points, sorted by distribution and name; the distributions whose files cannot be
        read, each with the reason.
    """
    unreadable: list[tuple[str, str]] = []
    try:
        found = list(importlib.metadata.entry_points(group=GROUP))
    except Exception:  # one damaged file of any distribution is enough for an error here
        found, unreadable = _one_by_one()
    wanted = os.environ.get("RESTOREKIT_PLUGINS")
    # An empty value is meaningful: it loads no plugin at all.
    if wanted is not None:
        names = {_normalised(name) for name in wanted.split(",") if name.strip()}
        found = [e for e in found if _normalised(provider(e).distribution) in names]
        unreadable = [each for each in unreadable if _normalised(each[0]) in names]
    # The order of the installation differs between machines, but who wins a name must not.
    return sorted(found, key=lambda e: (provider(e).distribution.lower(), e.name)), unreadable


def provider(entry_point: EntryPoint) -> Provider:
    """The distribution that an entry point belongs to."""
    distribution = entry_point.dist
    if distribution is None:
        return Provider(_UNKNOWN)
    # The remains of a broken installation may have no metadata, or damaged metadata.
    try:
        found = {key: distribution.metadata[key] for key in distribution.metadata}
    except Exception:
        return Provider(_UNKNOWN)
    return Provider(found.get("Name", _UNKNOWN), found.get("Version", ""))


def _one_by_one() -> tuple[list[EntryPoint], list[tuple[str, str]]]:
    found: dict[str, list[EntryPoint]] = {}
    unreadable: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        name = _name(distribution)
        if name in found or name in unreadable:  # shadowed by one earlier on sys.path
            continue
        try:
            found[name] = list(distribution.entry_points.select(group=GROUP))
        except Exception as error:
            unreadable[name] = describe_cause(error)
    return [each for several in found.values() for each in several], list(unreadable.items())


def _name(distribution: Distribution) -> str:
    try:
        return _normalised(distribution.metadata["Name"])
    except Exception:
        folder = getattr(distribution, "_path", None)
        return _UNKNOWN if folder is None else str(folder.name)


def _normalised(distribution: str) -> str:
    # As PEP 503 compares names of distributions.
    return re.sub(r"[-_.]+", "-", distribution.strip()).lower()
