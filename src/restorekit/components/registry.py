"""Registries: components by name.

A component is declared with a target, a callable or a lazy "package.module:Attribute", and made
with `create(name, **arguments)`. Built-in components and plugins are discovered on first use.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from restorekit.components import signatures, targets
from restorekit.components.argument_presets import preset_schema, split_preset
from restorekit.components.catalogue import Catalogue
from restorekit.components.component_records import (
    CheckedComponent,
    Component,
    Description,
    Origin,
    Provider,
    Target,
    mark_origin,
)
from restorekit.components.isolation import attempt
from restorekit.components.making import check_arguments, make_object, undoing_changes
from restorekit.errors import ArgumentError, RestoreKitError
from restorekit.untrusted.text import quoted

if TYPE_CHECKING:
    import typing_extensions

    # Only Python 3.13 has defaults of its own. With one, `Registry` alone is `Registry[Any]`.
    MadeT_co = typing_extensions.TypeVar("MadeT_co", covariant=True, default=Any)
else:
    MadeT_co = TypeVar("MadeT_co", covariant=True)
TargetT = TypeVar("TargetT", bound=Callable[..., object])

REGISTRIES: dict[str, Registry[Any]] = {}  # by kind, in the order of their declaration


class Registry(Catalogue[Component], Generic[MadeT_co]):
    """The components of one kind, by name; for type checkers, also the type of what it makes.

    A registry is a collection of names, those of plugins included: `"unet" in restorekit.models`,
    `len(restorekit.models)`, `for name in restorekit.models`.

    The first registry of a kind is entered in `REGISTRIES`, from which hooks, listings and all else
    that depends on the kinds is derived. Another one of the same kind stands alone.

    Args:
        kind: what the components are, in the singular, snake_case.
        plural: the same in the plural; with an s if left out.
        contract: what a component must do, as the documentation of the hook.
        needs: the attributes that a component must have.
        given: how many objects that no configuration names a target takes first: the weights of an
            optimizer, for example.
        of_tensors: building one allocates little but tensors, so that one which is too large for
            the memory can be refused beforehand.

    Raises:
        ArgumentError: kind or plural is not snake_case.

    Example:
        >>> @restorekit.noises.register("half", summary="half the brightness")
        ... class Half(torch.nn.Module):
        ...     def forward(self, clean, generator=None):
        ...         return restorekit.Degraded(clean / 2)
        >>> restorekit.create_noise("half")(batch).noisy.max()
        tensor(0.4000)
    """

    def __init__(
        self,
        kind: str,
        plural: str = "",
        *,
        contract: str = "",
        needs: tuple[str, ...] = ("__call__",),
        of_tensors: bool = False,
        given: int = 0,
    ) -> None:
        super().__init__(kind, plural or f"{kind}s", Component, contract)
        self.needs, self.of_tensors, self.given = needs, of_tensors, given
        # Tests make registries of their own, which must not replace the one of the kind.
        REGISTRIES.setdefault(kind, self)

    def __repr__(self) -> str:
        # Without the names, since to list them would load plugins.
        return f"<registry of {self.plural.replace('_', ' ')}>"

    @property
    def title(self) -> str:
        """The heading of the kind in the documentation, for example "Models"."""
        return self.plural.capitalize().replace("_", " ")

    @property
    def shortcuts(self) -> dict[str, object]:
        """The public names in `restorekit` for the registry and its most used methods."""
        return {
            self.plural: self,
            f"create_{self.kind}": self.create,
            f"list_{self.plural}": self.names,
        }

    def register(
        self,
        name: str,
        *,
        summary: str = "",
        reference: str = "",
        tags: tuple[str, ...] = (),
        presets: Mapping[str, Mapping[str, object]] | None = None,
        override: bool = False,
    ) -> Callable[[TargetT], TargetT]:
        """Decorator that registers a class or function of this process under `name`.

        Raises:
            ArgumentError: the name is not snake_case.
            NameTakenError: the name is taken and `override` is False.
        """

        def decorate(target: TargetT) -> TargetT:
            line = summary or targets.own_docstring(target).partition("\n")[0]
            component = Component(name, target, line, reference, tags, presets or {})
            self.add(component, Provider(target.__module__), override=override)
            return target

        return decorate

    def get(self, name: str) -> Target:
        """The class or function called `name`, imported.

        Raises:
            UnknownNameError: the name is unknown.
            PluginError: its target cannot be imported.
        """
        entry = self.entry(name)
        target = entry.component.target
        if not isinstance(target, str):
            return target
        with undoing_changes(entry):
            return targets.import_target(target, entry.label)

    def configurable(self, name: str) -> Target:
        """The target of `name`, without the arguments that are not part of a configuration.

        Raises:
            UnknownNameError: the name is unknown.
            PluginError: its target cannot be imported.
        """
        target = self.get(name)
        # Bound by position, so that the signature shows the configurable arguments only.
        return functools.partial(target, *[None] * self.given) if self.given else target

    def create(self, name: str, /, *given: Any, **arguments: Any) -> MadeT_co:
        """Create the component `name`, after a check of the arguments against its signature.

        Args:
            name: the registered name, or NAME:PRESET ("nafnet:w32").
            given: the objects that a component of this kind is given, not by a configuration: the
                weights of an optimizer, for example. Most kinds have none.
            arguments: what a configuration says; `preset` names a set of them, if there are any.

        Raises:
            UnknownNameError: the name is unknown.
            ArgumentError: an argument is unknown, missing or cannot be used.
            PluginError: its target fails, or returns another kind of object.

        Example:
            >>> restorekit.create_noise("gaussian", std=0.1)
            Gaussian(std=(0.1, 0.1), clip=False)
        """
        if len(given) != self.given:
            raise ArgumentError(f"{self.kind} '{name}' is made with {self.given} objects before")
        return self.make(self.check(name, arguments), *given)

    def check(self, name: str, arguments: Mapping[str, object]) -> CheckedComponent:
        """The component called `name` with arguments that fit it, ready for `make`.

        Args:
            name: the registered name, or NAME:PRESET.
            arguments: its arguments.

        Raises:
            UnknownNameError: nothing is called that.
            ArgumentError: an argument is unknown, missing or cannot be used.
            PluginError: its target cannot be imported.
        """
        name, arguments = split_preset(name, arguments)
        return check_arguments(self.entry(name), self.configurable(name), arguments)

    def make(self, checked: CheckedComponent, *given: Any) -> MadeT_co:
        """Make a component that `check` returned, with the objects that `create` is given.

        Raises:
            ArgumentError: the target refuses the value of an argument.
            PluginError: the target fails, or does not make such a component.
        """
        try:
            # `checked.target` is bound to placeholders for these objects.
            target = functools.partial(self.get(checked.name), *given) if given else checked.target
            made: Any = make_object(checked, target, needs=self.needs, of_tensors=self.of_tensors)
        except RestoreKitError as error:
            error.component = error.component or checked  # one within this one is more precise
            raise
        mark_origin(
            made, Origin(self.kind, checked.name, checked.arguments, checked.entry.provider)
        )
        return made  # type: ignore[no-any-return]

    @overload
    def build(
        self, spec: str | Mapping[str, object] | CheckedComponent, *given: Any
    ) -> MadeT_co: ...
    @overload
    def build(self, spec: Any, *given: Any) -> Any: ...
    def build(self, spec: Any, *given: Any) -> Any:
        """Make a component from a name, `{"name": ..., argument: ...}` or what `check` returned.

        Anything else is returned as it is.

        Raises:
            ArgumentError: a mapping has no name, or an argument does not fit.
            UnknownNameError: the name is unknown.
        """
        if isinstance(spec, CheckedComponent):
            return self.make(spec, *given)
        if isinstance(spec, str):
            return self.create(spec, *given)
        if isinstance(spec, Mapping):
            arguments = dict(spec)
            if not isinstance(name := arguments.pop("name", None), str):
                raise ArgumentError(f"{self.kind} {quoted(dict(spec))} has no name")
            return self.create(name, *given, **arguments)
        return spec

    def names(
        self, pattern: str | Iterable[str] = "*", *more: str, tag: str | Iterable[str] | None = None
    ) -> list[str]:
        """The names that match any of the shell patterns, sorted, including those of plugins.

        Args:
            pattern: a shell pattern, or several of them.
            more: further patterns.
            tag: only components with this tag, or with all of several.

        Example:
            >>> restorekit.list_noises("*_mixture", "sa*")
            ['classic_mixture', 'salt_and_pepper']
            >>> restorekit.models.names("dn*", "ff*")
            ['dncnn', 'ffdnet']
            >>> restorekit.list_estimators(tag="wavelet")
            ['mad']
        """
        found = super().names(pattern, *more)
        wanted = {tag} if isinstance(tag, str) else set(tag or ())
        return [name for name in found if wanted <= set(self._entries[name].component.tags)]

    def tags(self) -> list[str]:
        """The tags of all components, sorted, including those of plugins."""
        names = super().names()
        return sorted({tag for name in names for tag in self._entries[name].component.tags})

    def describe(self, name: str) -> Description:
        """Arguments, docstring, paper, provider and file of a component (imports it)."""
        name, chosen = split_preset(name, {})
        entry, target = self.entry(name), self.configurable(name)
        component = entry.component
        values = check_arguments(entry, target, chosen).arguments if chosen else {}
        with attempt(lambda error: f"{entry.label} cannot be described: {error}"):
            return Description(
                kind=self.kind,
                name=name,
                summary=component.summary,
                reference=component.reference,
                tags=component.tags,
                provider=entry.provider,
                target=targets.target_path(target),
                file=targets.source_file(target),
                doc=targets.own_docstring(signatures.unwrap_target(target)),
                arguments=tuple(
                    replace(each, default=values[each.name]) if each.name in values else each
                    for each in signatures.arguments(target)
                ),
                presets=component.presets,
            )

    def json_schema(self, name: str) -> dict[str, Any]:
        """The JSON Schema of a component's arguments (imports it)."""
        entry, target = self.entry(name), self.configurable(name)
        with attempt(lambda error: f"{entry.label} has no schema: {error}"):
            schema = signatures.arguments_schema(target)
        if preset := preset_schema(entry):
            schema["properties"] = {**preset, **schema.get("properties", {})}
        return schema
