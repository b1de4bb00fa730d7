"""Classes that the tests register."""

from __future__ import annotations

from restorekit.components.component_records import Provider
from restorekit.errors import (
    InputError,
)


class Scale:
    """Multiplies.

    Args:
        factor: by how much.
        shape: of what.
    """

    def __init__(self, factor: float, shape: tuple[int, int] = (1, 1)) -> None:
        if factor < 0:
            raise ValueError("factor must not be negative")
        if factor > 100:
            raise InputError("factor is too large")
        self.factor, self.shape = factor, shape

    def __call__(self, number: float) -> float:
        return self.factor * number


ME = Provider("tests", "1.0")
