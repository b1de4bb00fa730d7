"""Creating and describing registered components."""

from __future__ import annotations

import functools
import math
import sys
import types
from pathlib import Path

import pytest

from restorekit.components.component_records import Component, Origin, origin_of
from restorekit.components.kinds import REGISTRIES
from restorekit.components.registry import Registry
from restorekit.errors import (
    ArgumentError,
    PluginError,
)
from tests.components import registered_classes
from tests.components.registered_classes import ME, Scale


class Seven:
    """A component whose instances cannot have attributes."""

    __slots__ = ()

    def __call__(self) -> int:
        return 7


class Doubler:
    """Doubles."""

    def __call__(self, factor: float) -> float:
        return 2 * factor


class TestCreate:
    def test_arguments_are_converted_to_their_declared_types(self, models: Registry) -> None:
        """A list from JSON becomes the declared tuple, and a whole number a float."""
        made = models.create("scale", factor=2, shape=[3, 4])
        assert made.factor == 2.0
        assert isinstance(made.factor, float)
        assert made.shape == (3, 4)

    def test_a_wrong_argument_is_refused_before_the_call(self, models: Registry) -> None:
        """The error names the component and the argument."""
        with pytest.raises(ArgumentError, match=r"model 'scale': argument 'factor': .* not 'x'"):
            models.create("scale", factor="x")

    def test_a_value_error_of_the_constructor_names_the_component(self, models: Registry) -> None:
        """A `ValueError` of the target is reported with the name of the component."""
        with pytest.raises(ArgumentError) as caught:
            models.create("scale", factor=-1)
        assert str(caught.value) == "model 'scale': factor must not be negative"
        with pytest.raises(ArgumentError, match="model 'scale': factor is too large"):
            models.create("scale", factor=101)

    def test_the_origin_is_enough_to_make_it_again(self, models: Registry) -> None:
        """The origin has the kind, the name, the given arguments and the provider."""
        made = models.create("scale", factor=2, shape=(3, 4))
        assert origin_of(made) == Origin("model", "scale", {"factor": 2, "shape": (3, 4)}, ME)
        assert origin_of(Scale(1.0)) is None

    def test_an_object_without_attributes_has_no_origin(self, models: Registry) -> None:
        """It works, but its origin is unknown."""
        models.add(Component("seven", Seven), ME)
        made = models.create("seven")
        assert made() == 7
        assert origin_of(made) is None

    @pytest.mark.parametrize("made", [None, 7, "text", {}, [], (1, 2), print, object()])
    def test_other_types_than_a_component_are_refused(self, models: Registry, made: object) -> None:
        """A target that returns None, a built-in or what cannot be called is named."""
        models.add(Component("wrong", lambda: made), ME)
        with pytest.raises(PluginError, match=r"model 'wrong' of tests .* made .*, which is not"):
            models.create("wrong")

    def test_a_function_or_a_list_can_be_a_component(self) -> None:
        """An estimator may be a function, and a dataset a list of images."""
        estimators, datasets = Registry("estimator"), Registry("dataset", needs=("__getitem__",))
        estimators.add(Component("twice", lambda: lambda image: 2 * image), ME)
        assert estimators.create("twice")(3) == 6
        datasets.add(Component("few", lambda: [1, 2]), ME)
        assert datasets.create("few") == [1, 2]

    def test_an_argument_may_be_called_name(self, models: Registry) -> None:
        """The parameters of the registry do not conflict with those of a component."""
        models.add(Component("named", lambda name, self: lambda: (name, self)), ME)
        assert models.create("named", name="a", self="b")() == ("a", "b")


class TestBuild:
    def test_a_name_or_an_object_makes_the_component(self, models: Registry) -> None:
        """`"name"` and `{"name": ..., argument: ...}` are both specifications."""
        spec = {"name": "scale", "factor": 2}
        assert models.build(spec).factor == 2.0
        assert spec == {"name": "scale", "factor": 2}
        models.add(Component("seven", Seven), ME)
        assert isinstance(models.build("seven"), Seven)

    def test_anything_else_is_passed_on(self, models: Registry) -> None:
        """An object is returned unchanged."""
        made = Scale(1.0)
        assert models.build(made) is made

    @pytest.mark.parametrize("spec", [{}, {"factor": 1}, {"name": 3}, {"name": None}])
    def test_an_object_without_a_name_is_refused(self, models: Registry, spec: object) -> None:
        """The message for a specification without a name contains it."""
        with pytest.raises(ArgumentError, match="has no name"):
            models.build(spec)


class TestDescribe:
    def test_everything_known_is_described(self, models: Registry) -> None:
        """The description has texts, tags, provider, file, docstring and arguments."""
        told = models.describe("scale")
        assert (told.kind, told.name, told.summary) == ("model", "scale", "multiplies")
        assert (told.reference, told.tags, told.provider) == ("A paper", ("simple",), ME)
        assert told.target.endswith(":Scale")
        assert Path(told.file) == Path(registered_classes.__file__)
        assert told.doc.startswith("Multiplies.\n\nArgs:")
        factor, shape = told.arguments
        assert (factor.name, factor.type, factor.required) == ("factor", "float", True)
        assert factor.description == "by how much."
        assert (shape.default, shape.required) == ((1, 1), False)

    @pytest.mark.parametrize("target", [functools.partial(Scale, 2.0), math.sqrt, Doubler()])
    def test_any_callable_can_be_described(self, models: Registry, target: object) -> None:
        """A target without a source file or a name of its own can be described."""
        models.add(Component("odd", target), ME)  # type: ignore[arg-type]
        told = models.describe("odd")
        assert told.name == "odd"
        assert len(told.arguments) == 1

    def test_a_class_of_a_session_is_described(
        self, models: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A class that was typed in has no source file."""
        session = types.ModuleType("__main__")
        monkeypatch.setitem(sys.modules, "__main__", session)
        exec("class Typed:\n    'Typed in.'", vars(session))
        models.add(Component("typed", session.Typed), ME)
        assert (models.describe("typed").doc, models.describe("typed").file) == ("Typed in.", "")

    def test_a_partial_is_described_by_what_it_calls(self, models: Registry) -> None:
        """Bound arguments hide neither the docstring nor the file."""
        models.add(Component("double", functools.partial(Scale, 2.0)), ME)
        told = models.describe("double")
        assert told.target.endswith(":Scale")
        assert told.doc.startswith("Multiplies.")
        assert [a.name for a in told.arguments] == ["shape"]


@pytest.mark.parametrize("kind", REGISTRIES)
def test_the_built_in_components_are_declared_well(kind: str) -> None:
    """Each has a one-line summary without a full stop, tags, and restorekit as its provider."""
    each = REGISTRIES[kind]
    own = [n for n in each.names() if each.entry(n).provider.distribution == "restorekit"]
    assert own
    for name in own:
        component = each.entry(name).component
        assert component.summary
        assert "\n" not in component.summary
        assert not component.summary.endswith(".")
        assert component.tags
