"""Registries: components by name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restorekit.components import kinds
from restorekit.components.component_records import Component, Provider
from restorekit.components.kinds import REGISTRIES
from restorekit.components.registry import Registry
from restorekit.errors import (
    ArgumentError,
    MissingExtraError,
    NameTakenError,
    PluginError,
    RestoreKitError,
    UnknownNameError,
)
from tests.components.registered_classes import ME, Scale


@pytest.fixture
def shared() -> Iterator[None]:
    """The registries of the process, which are restored after the test."""
    for each in REGISTRIES.values():
        each.names()
    before = {kind: dict(each._entries) for kind, each in REGISTRIES.items()}
    yield
    for kind, each in REGISTRIES.items():
        each._entries.clear()
        each._entries.update(before[kind])


@pytest.fixture
def module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[str]:
    """An importable module of the given source, by its name."""
    name = f"lazy_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(request.param)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    sys.modules.pop(name, None)


class TestComponent:
    @pytest.mark.parametrize("name", ["a", "dncnn", "salt_and_pepper", "unet_2", "k9"])
    def test_snake_case_names_are_accepted(self, name: str) -> None:
        """A name has lower-case words and digits, joined by single underscores."""
        assert Component(name, Scale).name == name

    @pytest.mark.parametrize(
        "name", ["", "DnCNN", "a-b", "_a", "a_", "a__b", "9a", "a b", "a\n", 3]
    )
    def test_other_names_are_refused(self, models: Registry, name: object) -> None:
        """Anything else is an error when it is added, whose message contains the name."""
        with pytest.raises(ArgumentError, match="is not snake_case") as caught:
            models.add(Component(name, Scale), ME)  # type: ignore[arg-type]
        assert repr(name) in str(caught.value)

    @pytest.mark.parametrize("target", ["module", "module.Class", ":Class", "module:", "a b:c"])
    def test_a_lazy_target_names_module_and_attribute(self, models: Registry, target: str) -> None:
        """A string that is not 'package.module:Attribute' is refused when it is added."""
        with pytest.raises(ArgumentError, match=r"is not 'package\.module:Attribute'"):
            models.add(Component("a", target), ME)

    def test_a_target_is_callable(self, models: Registry) -> None:
        """A target that cannot be called is refused."""
        with pytest.raises(ArgumentError, match="component 'a': target is not callable"):
            models.add(Component("a", 3), ME)  # type: ignore[arg-type]


class TestNames:
    def test_a_registry_is_a_collection_of_names(self, models: Registry) -> None:
        """`in`, `len` and iteration agree with `names`."""
        models.register("half")(Scale)
        assert list(models) == models.names()
        assert len(models) == len(set(models)) == len(models.names())
        assert "half" in models
        assert "haff" not in models
        assert 3 not in models

    def test_a_registry_without_components_is_true(self) -> None:
        """`registry or default` does not depend on what is installed."""
        assert Registry("model")
        assert len(Registry("model")) == 0

    @pytest.mark.parametrize("patterns", [("*net*", "sw*"), (["*net*", "sw*"],)])
    def test_any_of_several_patterns_may_match(self, patterns: tuple[Any, ...]) -> None:
        """Each name is listed once and in order, however the patterns are given."""
        registry = Registry("model")
        for name in ("unet", "swift", "tv", "swinnet"):
            registry.register(name)(Scale)
        assert registry.names(*patterns) == ["swift", "swinnet", "unet"]

    def test_no_pattern_matches_nothing(self) -> None:
        """An empty list is not the same as none."""
        assert kinds.models.names([]) == []

    def test_the_repr_names_the_kind(self) -> None:
        """And loads no plugin."""
        assert repr(kinds.losses) == "<registry of losses>"


class TestRegister:
    def test_the_decorator_registers_and_returns_its_class(self, models: Registry) -> None:
        """The decorated class is unchanged, and found under its name."""

        class Half:
            """Halves.

            And nothing else.
            """

        assert models.register("half", tags=("simple",))(Half) is Half
        assert models.get("half") is Half
        entry = models.entry("half")
        assert entry.component.summary == "Halves."
        assert entry.component.tags == ("simple",)
        assert entry.provider == Provider(__name__)

    def test_an_inherited_docstring_is_not_the_summary(self, models: Registry) -> None:
        """An undocumented class does not get the summary of its base."""
        undocumented = type("Undocumented", (Scale,), {})
        models.register("undocumented")(undocumented)
        assert models.entry("undocumented").component.summary == ""
        assert models.describe("undocumented").doc == ""

    def test_a_taken_name_is_refused(self, models: Registry) -> None:
        """The error names the component and both providers, and the first one stays."""
        with pytest.raises(NameTakenError) as caught:
            models.register("scale")(dict)
        assert str(caught.value) == "model 'scale' of builtins is already provided by tests 1.0"
        assert models.get("scale") is Scale

    def test_override_replaces(self, models: Registry) -> None:
        """With `override` the last one is used."""
        models.register("scale", override=True)(dict)
        assert models.get("scale") is dict

    def test_kinds_do_not_share_names(self, shared: None) -> None:
        """A model and a noise may have the same name."""
        kinds.models.register("gaussian")(Scale)
        assert kinds.models.get("gaussian") is Scale
        assert kinds.noises.get("gaussian") is not Scale

    def test_a_built_in_name_is_taken_from_the_start(self, shared: None) -> None:
        """Built-in components are there before the first registration."""
        with pytest.raises(NameTakenError, match="already provided by restorekit "):
            kinds.losses.register("l1")(Scale)


class TestLookUp:
    def test_an_unknown_name_is_answered_with_the_nearest(self, models: Registry) -> None:
        """The message has the kind, the name, the nearest one and all names, in one line."""
        models.add(Component("shift", Scale), ME)
        with pytest.raises(UnknownNameError) as caught:
            models.get("scael")
        assert str(caught.value) == (
            "unknown model 'scael'. Did you mean 'scale'? Available: scale, shift"
        )
        assert isinstance(caught.value, RestoreKitError)
        assert isinstance(caught.value, LookupError)

    def test_without_a_similar_name_none_is_suggested(self, models: Registry) -> None:
        """A suggestion must be similar."""
        with pytest.raises(UnknownNameError, match=r"unknown model 'zzz'\. Available: scale$"):
            models.create("zzz")

    def test_case_is_part_of_the_guess_only(self, models: Registry) -> None:
        """Names are case-sensitive; the message suggests the right case."""
        with pytest.raises(UnknownNameError, match="Did you mean 'scale'"):
            models.get("SCALE")

    @given(names=st.sets(st.from_regex(r"[a-z]{1,6}", fullmatch=True), max_size=8))
    def test_names_are_sorted_and_complete(self, names: set[str]) -> None:
        """All names are listed, sorted independently of the order of registration."""
        own = Registry("loss")
        for name in names:
            own.add(Component(name, Scale), ME)
        assert own.names() == sorted(names)
        assert own.names("a*") == sorted(n for n in names if n.startswith("a"))

    def test_the_pattern_is_a_shell_pattern(self, models: Registry) -> None:
        """`*`, `?` and `[...]` mean the same as in a shell."""
        models.add(Component("unet_2", Scale), ME)
        models.add(Component("unet_3", Scale), ME)
        assert models.names("unet_?") == ["unet_2", "unet_3"]
        assert models.names("*[!2]") == ["scale", "unet_3"]
        assert models.names("none") == []

    def test_provider_of_returns_the_provider_or_none(self, models: Registry) -> None:
        """A free name has no provider."""
        assert models.provider_of("scale") == ME
        assert models.provider_of("free") is None


class TestLazyTargets:
    def test_a_lazy_target_is_imported_when_used(
        self, models: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Registering and listing do not import it, but `get` does; attributes may be nested."""
        (tmp_path / "lazy_outer.py").write_text("class Outer:\n    class Inner: ...\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        models.add(Component("inner", "lazy_outer:Outer.Inner"), ME)
        assert "inner" in models.names()
        assert "lazy_outer" not in sys.modules
        try:
            assert models.get("inner") is sys.modules["lazy_outer"].Outer.Inner
        finally:
            sys.modules.pop("lazy_outer", None)

    @pytest.mark.parametrize(
        ("target", "cause"),
        [
            ("no_such_module_at_all:Thing", "ModuleNotFoundError: No module named"),
            ("json:Thing", "AttributeError: "),
            ("json:JSONDecoder.thing.deep", "AttributeError: "),
            ("..json:Thing", "TypeError: "),
        ],
    )
    def test_a_target_that_cannot_be_imported(
        self, models: Registry, target: str, cause: str
    ) -> None:
        """The error names the component, its provider, the target and the cause."""
        models.add(Component("lost", target), ME)
        with pytest.raises(PluginError) as caught:
            models.create("lost")
        expected = f"model 'lost' of tests 1.0 cannot be imported from {target}: {cause}"
        assert str(caught.value).startswith(expected)

    @pytest.mark.parametrize("module", ["raise RuntimeError('no licence')"], indirect=True)
    def test_a_module_that_raises_is_a_plugin_error(self, models: Registry, module: str) -> None:
        """An exception during the import of a module is reported with the component's name."""
        models.add(Component("lost", f"{module}:Thing"), ME)
        with pytest.raises(PluginError, match="RuntimeError: no licence"):
            models.get("lost")

    @pytest.mark.parametrize(
        "module",
        ["import restorekit\nraise restorekit.MissingExtraError('pip install x')"],
        indirect=True,
    )
    def test_our_own_errors_pass_unchanged(self, models: Registry, module: str) -> None:
        """The error for a missing extra already says how to install it."""
        models.add(Component("extra", f"{module}:Thing"), ME)
        with pytest.raises(MissingExtraError, match=r"^pip install x$"):
            models.get("extra")

    def test_a_target_must_be_callable(self, models: Registry) -> None:
        """A constant is refused as a component."""
        models.add(Component("constant", "json:__name__"), ME)
        with pytest.raises(PluginError, match="json:__name__ is not callable"):
            models.get("constant")
