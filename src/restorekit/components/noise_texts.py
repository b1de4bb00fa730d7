"""Noises as they are written: a name, "gaussian:15,25,50", a formula or JSON.

"gaussian:25" is a standard deviation of 25/255, as in tables of the literature.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from restorekit.components import expressions, noise_formulas, signatures
from restorekit.errors import ArgumentError

if TYPE_CHECKING:
    from restorekit.components.registry import Registry

Spec = dict[str, object]

# Noises whose first argument, given without a key, is on the scale of 8-bit levels.
# The literature states these levels in 1/255.
PER_255 = ("gaussian", "uniform")


def read_noise_text(text: str, registry: Registry) -> list[tuple[str, Spec]]:
    """The noises of a text, each with a label that can be read again.

    Args:
        text: a formula (`restorekit.components.noise_formulas`), `name`, `name:VALUE`,
            `name:VALUE,VALUE` for several noises, `name:key=value`, or JSON.
        registry: that of the noises.

    Raises:
        ArgumentError: the text cannot be read.
        UnknownNameError: no noise is called that.
    """

    def names(name: str) -> tuple[list[str], bool]:
        target = registry.get(name)
        known = [argument.name for argument in signatures.arguments(target)]
        return known, signatures.is_open_ended(target)

    if noise_formulas.is_formula(text):
        return [(text.strip(), noise_formulas.read_formula(text, names, registry.build))]
    written = expressions.parse_expression(text)
    if not written.values:
        return [(written.text, {"name": written.name, **written.arguments})]
    if not (parameters := names(written.name)[0]):
        raise ArgumentError(f"noise '{text}': '{written.name}' takes no arguments")
    if (first := parameters[0]) in written.arguments:
        raise ArgumentError(f"noise '{text}': '{first}' is given twice")
    # Each label must be an expression by itself.
    rest = "".join(f",{key}={json.dumps(value)}" for key, value in written.arguments.items())
    return [
        (
            f"{written.name}:{shown(value)}{rest}",
            {"name": written.name, first: _scaled(written, value), **written.arguments},
        )
        for value in written.values
    ]


def read_one_noise(text: str, registry: Registry) -> Spec:
    """The noise of a text; several become a `one_of`.

    Raises:
        ArgumentError: the text cannot be read.
        UnknownNameError: no noise is called that.
    """
    specs = [spec for _, spec in read_noise_text(text, registry)]
    return specs[0] if len(specs) == 1 else {"name": "one_of", "noises": specs}


def shown(value: object) -> str:
    """A value as it is written: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _scaled(written: expressions.Expression, value: object) -> object:
    if written.name not in PER_255:
        return value
    if isinstance(value, list):
        return [_scaled(written, each) for each in value]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ArgumentError(
            f"noise '{written.text}': {shown(value)} is not a number of 8-bit levels (1/255)"
        )
    if not 0 <= value <= 255:
        raise ArgumentError(
            f"noise '{written.text}': {value} is not between 0 and 255; a bare number is in 1/255"
        )
    return value / 255
