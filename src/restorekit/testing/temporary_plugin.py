"""A plugin for the time of a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from restorekit.components.plugin_host import added_plugin
from restorekit.components.plugin_record import Plugin


@contextmanager
def temporary_plugin(plugin: object, name: str = "temporary") -> Iterator[Plugin]:
    """Within the block, the components and hooks of a plugin are known; then they are removed.

    Args:
        plugin: a module or an instance whose functions implement hooks, as an entry point names it.
        name: the name of the plugin in messages.

    Yields:
        What became of it: its components and hooks.

    Raises:
        PluginError: it cannot be used, or one of its components.

    Example:
        >>> from restorekit.testing import temporary_plugin
        >>> class Plugin:
        ...     @restorekit.hookimpl
        ...     def restorekit_models(self):
        ...         return restorekit.Component("unchanged", torch.nn.Identity, "returns its input")
        >>> with temporary_plugin(Plugin()):
        ...     restorekit.create_model("unchanged")
        Identity()
        >>> "unchanged" in restorekit.list_models()
        False
    """
    with added_plugin(plugin, name) as added:
        yield added
