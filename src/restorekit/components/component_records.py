"""What a registry knows: components, their providers and descriptions, the origin of an object."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

from restorekit.components import signatures

Target = Callable[..., object]

SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_ADDRESS, _YEAR = re.compile(r"https?://\S+"), re.compile(r"\b(?:19|20)\d\d\b")
# An attribute instead of a table, so that copies and pickles of the object keep it.
_ORIGIN = "_restorekit_origin"


@dataclass(frozen=True)
class Component:
    """A component as a hook of a plugin returns it: its name and what to call to create it.

    Attributes:
        name: snake_case, unique among its kind.
        target: a callable, or "package.module:Attribute", imported when first used.
        summary: one line for listings.
        reference: the paper or source.
        tags: words to filter by.
        presets: sets of arguments by name, such as published sizes: `create_model("nafnet",
            preset="w32")`. One called "tiny" is used by the checks of `restorekit.testing`.

    What is wrong with it is an error when it is registered.

    Example:
        >>> component = restorekit.Component("identity", torch.nn.Identity, "returns its input")
        >>> component.name, component.tags
        ('identity', ())
    """

    name: str
    target: Target | str
    summary: str = ""
    reference: str = ""
    tags: tuple[str, ...] = ()
    presets: Mapping[str, Mapping[str, object]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        # The record is frozen, and a plugin may give a list or a single text. Anything else that is
        # wrong is found by `fault`, so that one component does not end the hook that returns it.
        tags: Any = self.tags
        if isinstance(tags, (str, list)):
            object.__setattr__(self, "tags", (tags,) if isinstance(tags, str) else tuple(tags))

    @property
    def year(self) -> int | None:
        """The year of the paper: the last one in the reference, addresses excepted.

        Example:
            >>> restorekit.Component("net", torch.nn.Identity, reference="A et al., TIP 2018").year
            2018
        """
        years = _YEAR.findall(_ADDRESS.sub("", self.reference))
        return int(years[-1]) if years else None

    @property
    def fault(self) -> str | None:
        """Why it cannot be registered, in one line; None if it can.

        Example:
            >>> restorekit.Component("MyNoise", torch.nn.Identity).fault
            "component name 'MyNoise' is not snake_case. Did you mean 'my_noise'?"
        """
        if not isinstance(self.name, str) or not SNAKE_CASE.fullmatch(self.name):
            return f"component name {self.name!r} is not snake_case.{_nearest(self.name)}"
        target: object = self.target
        if isinstance(target, str) and not re.fullmatch(r"[\w.]+:[\w.]+", target):
            return f"component '{self.name}': target {target!r} is not 'package.module:Attribute'"
        if not isinstance(target, str) and not callable(target):
            return f"component '{self.name}': target is not callable"
        tags: object = self.tags
        words = tags if isinstance(tags, tuple) else (tags,)
        if not all(isinstance(text, str) for text in (self.summary, self.reference, *words)):
            return f"component '{self.name}': summary, reference and tags are text"
        if not _are_presets(self.presets):
            return f"component '{self.name}': presets are arguments by snake_case names"
        return None


def _are_presets(presets: object) -> bool:
    return isinstance(presets, Mapping) and all(
        isinstance(name, str) and SNAKE_CASE.fullmatch(name) and isinstance(arguments, Mapping)
        for name, arguments in presets.items()
    )


def _nearest(name: object) -> str:
    """The sentence that suggests a valid spelling of a name, or "" if there is none."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(name)).lower()
    near = re.sub(r"[^a-z0-9]+", "_", words).strip("_")
    return f" Did you mean '{near}'?" if SNAKE_CASE.fullmatch(near) else ""


@dataclass(frozen=True)
class Provider:
    """The provider of a component: a distribution, or code of the running process."""

    distribution: str
    version: str = ""

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".rstrip()


@dataclass(frozen=True)
class Origin:
    """The origin of an object made by a registry, from which it can be made again."""

    kind: str
    name: str
    arguments: Mapping[str, object]
    provider: Provider


@dataclass(frozen=True)
class Description:
    """The full description of a component."""

    kind: str
    name: str
    summary: str
    reference: str
    tags: tuple[str, ...]
    provider: Provider
    target: str
    file: str
    doc: str
    arguments: tuple[signatures.Argument, ...]
    presets: Mapping[str, Mapping[str, object]]


class Named(Protocol):
    """What a hook returns: it has a name, and says whether it is valid."""

    @property
    def name(self) -> str:
        """The name, unique among its kind."""

    @property
    def fault(self) -> str | None:
        """Why it cannot be registered, in one line; None if it can."""


Record = TypeVar("Record", bound=Named)


@dataclass(frozen=True)
class Entry(Generic[Record]):
    """A component or other record of a kind, and its provider."""

    kind: str
    component: Record
    provider: Provider

    @property
    def qualified_name(self) -> str:
        """What messages on arguments begin with, for example "noise 'gaussian'"."""
        return f"{self.kind} '{self.component.name}'"

    @property
    def label(self) -> str:
        """What messages on the code of a provider begin with: that and the provider."""
        return f"{self.qualified_name} of {self.provider}"


RegistryEntry = Entry[Component]


@dataclass(frozen=True)
class CheckedComponent:
    """A component with arguments that fit its signature.

    Attributes:
        entry: the component and its provider.
        target: what is called to make it.
        arguments: as they were given, and the defaults of the others.
        values: the given ones, converted to their declared types.
    """

    entry: RegistryEntry
    target: Target = field(compare=False)  # the entry's
    arguments: Mapping[str, object]
    values: Mapping[str, object]

    @property
    def kind(self) -> str:
        """The component's kind."""
        return self.entry.kind

    @property
    def name(self) -> str:
        """The component's name."""
        return self.entry.component.name

    def supplied_with(self, values: Mapping[str, object]) -> CheckedComponent:
        """The same, with values for arguments that it takes and that were not given.

        Args:
            values: by argument, of the right types; arguments that it does not take are ignored.
        """
        missing = {k: v for k, v in values.items() if k in self.arguments and k not in self.values}
        return replace(
            self, arguments={**self.arguments, **missing}, values={**self.values, **missing}
        )


def mark_origin(made: object, origin: Origin) -> None:
    """Record the origin of an object on the object."""
    # An object without a __dict__ still works, but its origin is then unknown.
    with contextlib.suppress(AttributeError, TypeError):
        # Not setattr, which `nn.Module` and frozen dataclasses define differently.
        object.__setattr__(made, _ORIGIN, origin)


def origin_of(made: object) -> Origin | None:
    """The origin of an object, or None if it was not made by a registry."""
    origin = getattr(made, _ORIGIN, None)
    return origin if isinstance(origin, Origin) else None
