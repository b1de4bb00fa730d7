"""Catalogues: what hooks declare, by name, and who provides it.

The catalogue of a kind of components is a `Registry`, which also makes them. Other kinds, such as
trained weights, are records that are looked up as they are.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic

from restorekit.components.component_records import SNAKE_CASE, Entry, Provider, Record
from restorekit.components.discovery import discover, failed_plugins
from restorekit.errors import ArgumentError, NameTakenError, UnknownNameError, did_you_mean

CATALOGUES: dict[str, Catalogue[Any]] = {}  # by kind, in the order of their declaration
_MOST_LISTED = 16  # names in a message that has the nearest one


class Catalogue(Generic[Record]):
    """The records of one kind by name, a read-only collection of their names.

    `in`, `len` and iteration include the records of plugins. The first catalogue of a kind is
    entered in `CATALOGUES`, from which the hooks of plugins are derived. Another one of the same
    kind stands alone.

    Args:
        kind: what the records are, in the singular, snake_case.
        plural: the same in the plural.
        record: the class of the records, which a hook returns.
        contract: what a record must be, as the documentation of the hook.
        form: the form of the names.

    Raises:
        ArgumentError: kind or plural is not snake_case.
    """

    def __init__(
        self,
        kind: str,
        plural: str,
        record: type[Record],
        contract: str,
        form: re.Pattern[str] = SNAKE_CASE,
    ) -> None:
        self.kind, self.plural, self.record, self.contract = kind, plural, record, contract
        self.form = form
        for word in (kind, plural):
            if not SNAKE_CASE.fullmatch(word):
                raise ArgumentError(f"kind {word!r} is not snake_case")
        self._entries: dict[str, Entry[Record]] = {}
        # Tests make catalogues of their own, which must not replace the one of the kind.
        CATALOGUES.setdefault(kind, self)

    @property
    def hook(self) -> str:
        """The hook of a plugin for records of this kind, for example "restorekit_models"."""
        return f"restorekit_{self.plural}"

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        return self.find(name) is not None

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
        """
        discover(plugins=True)
        patterns = [*([pattern] if isinstance(pattern, str) else pattern), *more]
        return sorted({name for each in patterns for name in fnmatch.filter(self._entries, each)})

    def add(self, component: Record, provider: Provider, *, override: bool = False) -> None:
        """Add a record of `provider`.

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
        self._entries[component.name] = Entry(self.kind, component, provider)

    def remove(self, name: str) -> None:
        """Remove a component, for a plugin that is known for the time of a test only."""
        self._entries.pop(name, None)

    def provider_of(self, name: str) -> Provider | None:
        """The provider of `name`, or None if the name is free; does not load plugins."""
        entry = self._entries.get(name)
        return entry.provider if entry else None

    def loaded(self) -> list[Entry[Record]]:
        """The records known so far, in the order of their declaration; loads no plugins."""
        discover(plugins=False)
        return list(self._entries.values())

    def entry(self, name: str) -> Entry[Record]:
        """The record called `name` and its provider; plugins are loaded if it is unknown.

        Raises:
            UnknownNameError: the name is unknown.
        """
        found = self.find(name)
        if found is None:
            where = f" All: restorekit list {self.plural}."
            raise _unknown(self.kind, name, Catalogue.names(self), where)
        return found

    def find(self, name: str) -> Entry[Record] | None:
        """The record called `name`, or None.

        Plugins are loaded only for a name that is not built in, and that a record can have.
        """
        discover(plugins=False)
        if name not in self._entries and self.form.fullmatch(str(name)):
            discover(plugins=True)
        return self._entries.get(name)


def refuse_unknown(
    catalogue: Catalogue[Record],
    name: str,
    fits: Callable[[Record], bool],
    kind: str = "",
    also: Iterable[str] = (),
) -> None:
    """Check a name where only some components fit; the error names only these.

    A known name passes, whether it fits or not.

    Args:
        catalogue: the components.
        name: what was given.
        fits: whether a component fits.
        kind: what those that fit are called; the kind of all if left out.
        also: words that may be given in place of a name.

    Raises:
        UnknownNameError: the name is unknown.
    """
    if catalogue.find(name) is None:
        every = (entry.component for entry in catalogue.loaded())
        known = sorted({*(each.name for each in every if fits(each)), *also})
        raise _unknown(kind or catalogue.kind, name, known)


def _unknown(
    kind: str, name: object, known: Sequence[str], elsewhere: str = ""
) -> UnknownNameError:
    """The error of an unknown name, with the nearest one.

    It has all names too, or `elsewhere` if these are many and one is near.
    """
    nearest = did_you_mean(str(name), known)
    is_long = nearest and len(known) > _MOST_LISTED
    listed = elsewhere if is_long else f" Available: {', '.join(known)}"
    return UnknownNameError(f"unknown {kind} '{name}'.{nearest}{listed}{failed_plugins()}")
