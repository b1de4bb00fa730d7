"""How components are discovered: a function set from outside, so that this room imports none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class _Discovery:
    run: Callable[[bool], None] = lambda _: None
    failures: Callable[[], list[str]] = list


_discovery = _Discovery()


def discover_with(run: Callable[[bool], None], failures: Callable[[], list[str]]) -> None:
    """Set how components are discovered.

    Args:
        run: called before a look-up, with False for the built-in components alone and True for
            the plugins as well; must do each only once.
        failures: the plugins that failed to load, a line each.
    """
    _discovery.run, _discovery.failures = run, failures


def discover(*, plugins: bool) -> None:
    """Discover the built-in components and, with `plugins`, those of plugins."""
    _discovery.run(plugins)


def failed_plugins() -> str:
    """The end of a message on an unknown name: the plugins that failed to load, if any did."""
    failures = _discovery.failures()
    return f" (failed to load: {'; '.join(failures)})" if failures else ""
