"""The public API as text: every public name with its parameters and their defaults.

`make api` records it in `public_api.txt`, and writes the lines for type checkers that are derived
from the public names. A test compares the files. Types are left out of the text: mypy checks them.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import restorekit
from restorekit.components.kinds import REGISTRIES

RECORDED = Path(__file__).with_suffix(".txt")
PACKAGE = Path(restorekit.__file__)
SCRIPT = Path(__file__).with_name("typed_script.py")


def derived_files() -> dict[Path, str]:
    """The files that are derived from the public names, with the text that each should have."""
    imports = (f"    {name},\n" for name in restorekit.__all__)
    return {
        RECORDED: describe_api(),
        PACKAGE: _with_lines(
            PACKAGE,
            "    # The names of the kinds, written by `make api`.\n",
            _names_of_kinds(),
            "    # The end of what `make api` writes.\n",
        ),
        SCRIPT: _with_lines(SCRIPT, "from restorekit import (\n", imports, ")\n"),
    }


def _names_of_kinds() -> Iterator[str]:
    """Assignments of the names that type checkers cannot derive."""
    for registry in REGISTRIES.values():
        for name, attribute in zip(registry.shortcuts, ("", ".create", ".names"), strict=True):
            yield f"    {name} = _kinds.{registry.plural}{attribute}\n"


def _with_lines(path: Path, first: str, lines: Iterable[str], last: str) -> str:
    """The text of a file, with other lines between two of its lines."""
    before, rest = path.read_text(encoding="utf-8").split(first, 1)
    after = rest.split(last, 1)[1]
    return "".join((before, first, *lines, last, after))


def describe_api() -> str:
    """A line for each public name, below a class one for each public member."""
    return "".join(f"{line}\n" for name in restorekit.__all__ for line in _lines(name))


def _lines(name: str) -> Iterator[str]:
    value = getattr(restorekit, name)
    if inspect.isclass(value) and issubclass(value, BaseException):
        yield f"class {name}({', '.join(base.__name__ for base in value.__bases__)})"
    elif inspect.isclass(value):
        yield f"class {name}"
        yield from (f"    {line}" for line in _member_lines(value))
    elif inspect.isroutine(value):
        yield f"{name}{_parameters(value)}"
    else:
        yield f"{name}: {type(value).__name__}"


def _member_lines(cls: type) -> Iterator[str]:
    pydantic_fields = getattr(cls, "model_fields", {})
    for key, field in pydantic_fields.items():
        yield f"{key}: {'required' if field.is_required() else 'optional'}"
    if not pydantic_fields:
        yield f"__init__{_parameters(cls)}"
    known = {field.name for field in fields(cls)} if is_dataclass(cls) else set()
    own = [base for base in cls.__mro__ if base.__module__.startswith("restorekit.")]
    for key in sorted({key for base in own for key in vars(base)} - known):
        value = getattr(cls, key)
        if key.startswith(("_", "model_")):
            continue
        yield f"{key}{_parameters(value)}" if callable(value) else key


def _parameters(function: Any) -> str:
    signature = inspect.signature(function)
    plain = [
        parameter.replace(annotation=parameter.empty, default=_default(parameter.default))
        for parameter in signature.parameters.values()
    ]
    return str(inspect.Signature(plain))


def _default(value: Any) -> Any:
    """A default whose text has no address in it."""
    return type(value) if " at 0x" in repr(value) else value


if __name__ == "__main__":
    for path, text in derived_files().items():
        path.write_text(text, encoding="utf-8")
