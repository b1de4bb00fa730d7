"""Arguments, read from a signature and checked against it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field
from torch import nn

from restorekit.components import signatures
from restorekit.errors import ArgumentError


class Blur(nn.Module):
    """Blurs.

    Args:
        std: the width in pixels,
            or the range it is drawn from.
        mode (str, optional): what lies beyond the edge.
        taps: how many, for example 3.

    Raises:
        ValueError: never.
    """

    def __init__(
        self,
        std: float | tuple[float, float],
        mode: Literal["zero", "mirror"] = "zero",
        taps: Annotated[int, Field(gt=0)] = 3,
        names: Sequence[str] = (),
    ) -> None:
        super().__init__()


def open_ended(size: int, **options: Any) -> None:
    """A target that accepts any further arguments."""


def faults_of(target: signatures.Target, given: dict[str, Any]) -> Sequence[str]:
    """The faults of the given arguments; empty if they are valid."""
    try:
        signatures.validate(target, given, "it")
    except ArgumentError as error:
        return error.faults
    return ()


class TestArguments:
    def test_they_are_read_from_signature_and_docstring(self) -> None:
        """Name, type, default and description of each, in order; the description in one line."""
        std, mode, taps, names = signatures.arguments(Blur)
        assert std == signatures.Argument(
            "std",
            "float | tuple[float, float]",
            None,
            True,
            "the width in pixels, or the range it is drawn from.",
        )
        assert (mode.default, mode.required) == ("zero", False)
        assert mode.description == "what lies beyond the edge."
        assert taps.description == "how many, for example 3."
        assert (names.default, names.description) == ((), "")

    def test_an_argument_without_annotation_is_any(self) -> None:
        """Without an annotation, any value is accepted."""
        (only,) = signatures.arguments(lambda x: x)
        assert only.type == "any"
        assert signatures.validate(lambda x: x, {"x": [1]}, "it") == {"x": [1]}

    def test_a_partial_has_the_remaining_arguments(self) -> None:
        """Arguments bound by position are gone; the others keep type and description."""
        first, *_ = signatures.arguments(functools.partial(Blur, 1.0))
        assert (first.name, first.description) == ("mode", "what lies beyond the edge.")

    def test_a_target_without_a_signature(self) -> None:
        """An unreadable signature is an error."""
        with pytest.raises(ArgumentError, match="has no readable signature"):
            signatures.arguments(dict)


class TestValidate:
    @given(
        std=st.floats(0, 10) | st.tuples(st.floats(0, 1), st.floats(1, 2)),
        mode=st.sampled_from(["zero", "mirror"]),
        taps=st.integers(1, 9),
    )
    def test_valid_values_are_kept(self, std: object, mode: str, taps: int) -> None:
        """Values of the declared types are returned unchanged."""
        given_ = {"std": std, "mode": mode, "taps": taps}
        assert signatures.validate(Blur, given_, "blur") == given_

    def test_json_becomes_the_declared_types(self) -> None:
        """Lists become tuples and whole numbers floats, as declared."""
        checked = signatures.validate(Blur, {"std": [1, 2]}, "blur")
        assert checked == {"std": (1.0, 2.0)}
        assert isinstance(checked["std"], tuple)

    @pytest.mark.parametrize("wrong", [{"std": True}, {"std": [0, True]}, {"std": 1, "taps": True}])
    def test_a_boolean_is_not_a_number(self, wrong: dict[str, Any]) -> None:
        """pydantic accepts True as 1; here it is a mistake, at any depth."""
        with pytest.raises(ArgumentError, match=r"input should be a number, not .*True"):
            signatures.validate(Blur, wrong, "blur")

    def test_a_declared_boolean_stays_one(self) -> None:
        """Also in a union with a number."""

        def target(flag: bool, both: bool | float, anything: Any) -> None: ...

        given_ = {"flag": True, "both": True, "anything": True}
        assert signatures.validate(target, given_, "it") == given_

    def test_only_what_is_given_is_returned(self) -> None:
        """Defaults are left to the target."""
        assert signatures.validate(Blur, {"std": 1.0}, "blur") == {"std": 1.0}

    def test_every_fault_is_reported(self) -> None:
        """Unknown, missing and wrong arguments are all in the one-line message."""
        with pytest.raises(ArgumentError) as caught:
            signatures.validate(Blur, {"mode": "wrap", "tap": 1, "taps": 0}, "noise 'blur'")
        message = str(caught.value)
        assert "noise 'blur': argument 'std' is missing" in message
        assert "argument 'mode': input should be 'zero' or 'mirror', not 'wrap'" in message
        assert "argument 'taps': input should be greater than 0, not 0" in message
        assert (
            "unknown argument 'tap'. Did you mean 'taps'? It takes: std, mode, taps, names"
        ) in message
        assert "\n" not in message

    def test_a_target_that_takes_nothing(self) -> None:
        """The message says so."""
        (fault,) = faults_of(lambda: None, {"x": 1})
        assert fault == "unknown argument 'x'. It takes: none"

    def test_a_long_value_is_shortened(self) -> None:
        """A value of many lines or thousands of numbers does not make the message long."""
        for value in (list(range(10_000)), "long " * 1000, "line\nline"):
            for fault in faults_of(Blur, {"std": value}):
                assert len(fault) < 200
                assert "\n" not in fault

    def test_a_fault_inside_a_value_is_not_an_unknown_argument(self) -> None:
        """A tuple that is too short is a wrong value of its argument, which is not missing."""
        faults = faults_of(Blur, {"std": [1.0]})
        assert faults
        for fault in faults:
            assert fault.startswith("argument 'std': ")

    def test_keyword_arguments_are_passed_on(self) -> None:
        """A target with **kwargs receives undeclared arguments of any name."""
        given_ = {"size": "3", "model_dump": 1, "argument_size": 2, "copy": 3}
        checked = signatures.validate(open_ended, given_, "it")
        assert checked == {"size": 3, "model_dump": 1, "argument_size": 2, "copy": 3}

    @pytest.mark.parametrize("name", ["model_config", "schema", "_private", "json", "self"])
    def test_no_argument_name_is_reserved(self, name: str) -> None:
        """Names that pydantic reserves can be used."""
        scope: dict[str, Any] = {}
        exec(f"def target({name}: int): ...", scope)
        assert signatures.validate(scope["target"], {name: "3"}, "it") == {name: 3}

    def test_bound_and_called_targets_are_checked_too(self) -> None:
        """A partial and an object with __call__ have their annotations checked."""

        class Caller:
            def __call__(self, size: int) -> int:
                return size

        for target in (functools.partial(open_ended, extra=1), Caller()):
            assert signatures.validate(target, {"size": "3"}, "it") == {"size": 3}
            assert faults_of(target, {"size": "x"})

    def test_an_annotation_that_cannot_be_resolved_is_not_checked(self) -> None:
        """For example a type that is imported only for the type checker."""
        scope: dict[str, Any] = {}
        exec("def target(x: 'NoSuchType'): ...", scope)
        assert signatures.validate(scope["target"], {"x": 1}, "it") == {"x": 1}


class TestSchema:
    def test_it_is_a_json_schema_that_agrees_with_validate(self) -> None:
        """jsonschema and pydantic accept and refuse the same values."""
        schema = signatures.arguments_schema(Blur)
        validator = jsonschema.Draft202012Validator(schema)
        validator.check_schema(schema)
        good: list[dict[str, Any]] = [{"std": 1}, {"std": [0, 1], "mode": "mirror"}]
        bad: list[dict[str, Any]] = [{}, {"std": "x"}, {"std": 1, "taps": 0}, {"std": 1, "x": 1}]
        for arguments in good:
            assert validator.is_valid(arguments)
            assert not faults_of(Blur, arguments)
        for arguments in bad:
            assert not validator.is_valid(arguments)
            assert faults_of(Blur, arguments)

    def test_descriptions_and_defaults_are_in_it(self) -> None:
        """An editor can show the docstring."""
        properties = signatures.arguments_schema(Blur)["properties"]
        assert properties["mode"]["description"] == "what lies beyond the edge."
        assert properties["mode"]["default"] == "zero"

    def test_python_objects_are_unrestricted(self) -> None:
        """A module or another object as a type or default causes no error or warning."""

        def target(model: nn.Module, mark: object = nn) -> None: ...

        properties = signatures.arguments_schema(target)["properties"]
        assert set(properties) == {"model", "mark"}
        assert "type" not in properties["model"]
