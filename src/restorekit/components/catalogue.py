"""The store of a registry: which components of a kind there are, and who provides them."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator

from restorekit.components.component_records import Component, Provider, RegistryEntry
from restorekit.components.discovery import discover, failed_plugins
from restorekit.errors import ArgumentError, NameTakenError, UnknownNameError, did_you_mean


class Catalogue:
    """The components of one kind by name, a read-only collection of their names.

    `in`, `len` and iteration include the components of plugins.

    Args:
        kind: what the components are, in the singular.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, RegistryEntry] = {}

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        return self._find(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def __bool__(self) -> bool:
        # Not whether there are components: a condition must not load plugins.
        return True

    def names(self, pattern: str | Iterable[str] = "*", *more: str) -> list[str]:
        """The names that match any of the shell patterns, sorted, including those of plugins.

        Args:
            pattern: a shell pattern, or several of them.
            more: further patterns.

        Example:
            >>> restorekit.list_noises("*_*")
            ['classic_mixture', 'one_of', 'salt_and_pepper']
            >>> restorekit.models.names("dn*", "ff*")
            ['dncnn', 'ffdnet']
        """
        discover(plugins=True)
        patterns = [*([pattern] if isinstance(pattern, str) else pattern), *more]
        return sorted({name for each in patterns for name in fnmatch.filter(self._entries, each)})

    def add(self, component: Component, provider: Provider, *, override: bool = False) -> None:
        """Add a component of `provider`.

        Raises:
            ArgumentError: its name is not snake_case, or its target cannot be one.
            NameTakenError: the name is taken and `override` is False.
        """
        if component.fault is not None:
            raise ArgumentError(component.fault)
        discover(plugins=False)
        taken = self._entries.get(component.name)
        if taken is not None and not override:
            raise NameTakenError(
                f"{self.kind} '{component.name}' of {provider} is already provided by "
                f"{taken.provider}"
            )
        self._entries[component.name] = RegistryEntry(self.kind, component, provider)

    def provider_of(self, name: str) -> Provider | None:
        """The provider of `name`, or None if the name is free; does not load plugins."""
        entry = self._entries.get(name)
        return entry.provider if entry else None

    def loaded(self) -> list[RegistryEntry]:
        """The components known so far, in the order of their declaration; loads no plugins."""
        discover(plugins=False)
        return list(self._entries.values())

    def entry(self, name: str) -> RegistryEntry:
        """The component called `name` and its provider; plugins are loaded if it is unknown.

        Raises:
            UnknownNameError: the name is unknown.
        """
        found = self._find(name)
        if found is None:
            known = sorted(self._entries)
            raise UnknownNameError(
                f"unknown {self.kind} '{name}'.{did_you_mean(str(name), known)} "
                f"Available: {', '.join(known)}{failed_plugins()}"
            )
        return found

    def _find(self, name: str) -> RegistryEntry | None:
        """A component; plugins are loaded only if it is none of those that are known."""
        discover(plugins=False)
        if name not in self._entries:
            discover(plugins=True)
        return self._entries.get(name)
