"""What is wrong with a configuration, in lines that name the place and the nearest valid key."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from restorekit.config.component_specs import FAULTS, VALIDATION
from restorekit.errors import did_you_mean
from restorekit.untrusted.text import quoted, shortened

Sections = Mapping[str, type[BaseModel]]


def problem_lines(error: ValidationError, sections: Sections, within: str = "") -> list[str]:
    """What is wrong, a line each, without those that are equal.

    Args:
        error: what pydantic found.
        sections: the sections of the configuration by key, "" for the top, to suggest keys.
        within: the section that was checked.
    """
    home = (within,) if within else ()
    lines = [
        line
        for details in error.errors()
        for line in _lines({**details, "loc": (*home, *details["loc"])}, sections)
    ]
    return list(dict.fromkeys(lines))


def _lines(details: ErrorDetails, sections: Sections) -> list[str]:
    """The lines of one error: several for a component with several faults."""
    if details["type"] != FAULTS:
        return [_problem(details, sections)]
    path, context = list(details["loc"]), details["ctx"]
    if path[0] == "loss":
        path[-1] = context["name"]
    elif path == ["validation_dataset", VALIDATION]:
        path.pop()
    where = shortened(".".join(map(str, path)), 200)
    return [f"{where}{shortened(place, 200)}: {text}" for place, text in context["faults"]]


def _problem(details: ErrorDetails, sections: Sections) -> str:
    path = [str(part) for part in details["loc"]]
    where = shortened(".".join(path), 200)
    if details["type"] == "extra_forbidden":
        *home, key = path
        # A similar key of the same section is more likely than the same key of another one.
        hint = did_you_mean(key, sections.get(".".join(home), sections[""]).model_fields)
        for section, model in sections.items():
            if not hint and key in model.model_fields:
                hint = f" It belongs {f'under {section}' if section else 'at the top'}."
        return f"{where}: unknown key.{hint}"
    if details["type"] == "missing":
        return f"{where}: missing"
    message = details["msg"].removeprefix("Value error, ")
    shown = "" if details["type"] == "value_error" else f", not {quoted(details['input'])}"
    return f"{where}: {message[0].lower()}{message[1:]}{shown}"
