"""The arguments of a component: read from its signature, checked before it is called.

The signature is the whole configuration of a component. pydantic does the checking and the JSON
schema; it is imported when first needed, so that listing components stays fast.
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from restorekit.components.isolation import attempt
from restorekit.errors import ArgumentError, RestoreKitError, did_you_mean
from restorekit.untrusted.text import quoted

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

Target = Callable[..., object]


@dataclass(frozen=True)
class Argument:
    """One argument of a component: its name, type, default and description in the docstring."""

    name: str
    type: str
    default: object
    required: bool
    description: str


def arguments(target: Target) -> list[Argument]:
    """The arguments of a target, in order."""
    described = _described_arguments(target)
    return [
        Argument(
            name=p.name,
            type=_type_text(p),
            default=None if p.default is p.empty else p.default,
            required=p.default is p.empty,
            description=described.get(p.name, ""),
        )
        for p in _parameters(target)
    ]


def unfit_arguments(where: str, faults: Sequence[str]) -> ArgumentError:
    """The error of arguments that do not fit a target; its `faults` do not say where."""
    error = ArgumentError("; ".join(f"{where}: {fault}" for fault in faults))
    error.faults = tuple(faults)
    return error


def validate(target: Target, given: Mapping[str, object], where: str) -> dict[str, object]:
    """The given arguments, converted to their declared types.

    Raises:
        ArgumentError: arguments are unknown, missing or of the wrong type.
        PluginError: the target's own code, for example an annotation, fails.
    """
    from pydantic import ValidationError

    parameters = _parameters(target)
    with attempt(lambda error: f"its arguments cannot be checked: {error}", RestoreKitError):
        try:
            checked = _model(target).model_validate(dict(given))
        except ValidationError as error:
            described = _described_arguments(target)
            known = {p.name: described.get(p.name, "") for p in parameters}
            # Without duplicates: pydantic reports each type of a union, often with the same words.
            faults = dict.fromkeys(_fault(details, known) for details in error.errors())
            raise unfit_arguments(where, list(faults)) from error
    extra = checked.model_extra or {}  # what a target's **kwargs take
    values = {n: extra[n] if n in extra else getattr(checked, _field(n)) for n in given}
    booleans = [
        f"argument '{p.name}': input should be a number, not {quoted(given[p.name])}"
        for p in parameters
        if p.name in given and counts_booleans(given[p.name], values[p.name])
    ]
    if booleans:
        raise unfit_arguments(where, booleans)
    return values


def unwrap_target(target: Target) -> Target:
    """A target without its decorators and bound arguments."""
    target = inspect.unwrap(target)
    return unwrap_target(target.func) if isinstance(target, functools.partial) else target


def arguments_schema(target: Target) -> dict[str, Any]:
    """The JSON Schema of a target's arguments, as an object."""
    schema = _model(target).model_json_schema(schema_generator=_schema_generator())
    described = _described_arguments(target)
    for name, field in schema.get("properties", {}).items():
        if described.get(name):
            field["description"] = described[name]
    return schema


def counts_booleans(given: object, checked: object) -> bool:
    """Whether a boolean, at any depth, became a number, since pydantic accepts True as 1."""
    if isinstance(given, bool):
        return isinstance(checked, (int, float)) and not isinstance(checked, bool)
    if isinstance(given, Mapping) and isinstance(checked, Mapping):
        return any(counts_booleans(given[key], checked[key]) for key in given if key in checked)
    if isinstance(given, (list, tuple)) and isinstance(checked, (list, tuple)):
        return any(map(counts_booleans, given, checked))
    return False


def _fault(details: ErrorDetails, known: Mapping[str, str]) -> str:
    """What is wrong, with the arguments that there are and what they mean."""
    name, *inside = (str(part) for part in details["loc"])
    if details["type"] == "extra_forbidden" and not inside:
        takes = ", ".join(known) or "none"
        return f"unknown argument '{name}'.{did_you_mean(name, known)} It takes: {takes}"
    if details["type"] == "missing" and not inside:
        meaning, _, _ = known.get(name, "").partition(". ")
        return f"argument '{name}' is missing" + (f": {meaning.rstrip('.')}" if meaning else "")
    message = details["msg"][0].lower() + details["msg"][1:]
    return f"argument '{name}': {message}, not {quoted(details['input'])}"


def _parameters(target: Target) -> list[inspect.Parameter]:
    skipped = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p for p in _signature(target).parameters.values() if p.kind not in skipped]


def _signature(target: Target) -> inspect.Signature:
    def tell(error: str) -> str:
        return f"{quoted(target)} has no readable signature: {error}"

    with attempt(tell, becomes=ArgumentError):
        # That of `nn.Module` accepts anything, and raises an error for it.
        if _has_init_of_torch(unwrap_target(target)):
            return inspect.Signature()
        return inspect.signature(target)


def _has_init_of_torch(target: object) -> bool:
    torch = sys.modules.get("torch")  # loaded if the target is a module of it
    if torch is None or not inspect.isclass(target):
        return False
    return bool(target.__init__ is torch.nn.Module.__init__)


def is_open_ended(target: Target) -> bool:
    """Whether a target takes `**kwargs`, which cannot be checked."""
    return any(p.kind is p.VAR_KEYWORD for p in _signature(target).parameters.values())


def _field(name: str) -> str:
    # pydantic reserves some names and leading underscores; the alias carries the real one.
    return f"argument_{name}"


def _model(target: Target) -> type[BaseModel]:
    try:
        hash(target)
    except TypeError:  # an instance of a dataclass, for example
        return _new_model(target)
    return _kept_model(target)


@functools.lru_cache(maxsize=256)
def _kept_model(target: Target) -> type[BaseModel]:
    return _new_model(target)


def _new_model(target: Target) -> type[BaseModel]:
    from pydantic import ConfigDict, Field, create_model

    # Not the annotations of the signature, which are texts in modules with future annotations.
    hints = _type_hints(target)
    fields: dict[str, Any] = {
        _field(p.name): (
            hints.get(p.name, Any),
            Field(... if p.default is p.empty else p.default, alias=p.name),
        )
        for p in _parameters(target)
    }
    config = ConfigDict(
        # A target with **kwargs checks the other arguments itself.
        extra="allow" if is_open_ended(target) else "forbid",
        arbitrary_types_allowed=True,
    )
    model: type[BaseModel] = create_model(
        getattr(target, "__name__", "Arguments"), __config__=config, **fields
    )
    return model


def _type_hints(target: Target) -> dict[str, object]:
    function: object = unwrap_target(target)
    if inspect.isclass(function):
        # `get_type_hints` of a class would return the annotations of its attributes.
        function = function.__init__
    elif not inspect.isroutine(function):
        function = type(function).__call__
    try:
        return typing.get_type_hints(function, include_extras=True)
    except Exception:  # an annotation that cannot be resolved is not checked
        return {}


def _type_text(parameter: inspect.Parameter) -> str:
    annotation = parameter.annotation
    if annotation is parameter.empty:
        return "any"
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


@functools.lru_cache(maxsize=1)
def _schema_generator() -> Any:
    from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

    class AnyObject(GenerateJsonSchema):
        """Python objects have no JSON form; allow any value for them instead of an error."""

        def handle_invalid_for_json_schema(
            self, schema: object, error_info: str
        ) -> JsonSchemaValue:
            return {}

        def render_warning_message(self, kind: object, detail: str) -> None:
            return None

    return AnyObject


def _described_arguments(target: Target) -> dict[str, str]:
    """The `Args:` paragraph of a Google-style docstring, by argument."""
    doc = inspect.getdoc(unwrap_target(target)) or ""
    section = re.search(r"^Args:\n((?:[ \t]+.*\n?|\n)*)", doc, re.MULTILINE)
    if section is None:
        return {}
    entries = re.findall(
        r"^ {4}(\w+)(?: \([^)]*\))?:[ \n]((?:.*)(?:\n {5,}.*)*)", section.group(1), re.MULTILINE
    )
    return {name: " ".join(text.split()) for name, text in entries}
