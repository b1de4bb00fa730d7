"""The record of a restoration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from restorekit.former_names import present_name
from restorekit.restore.safeguard.reason import Reason

Restored = TypeVar("Restored")


@dataclass(frozen=True)
class DenoiseOutcome(Generic[Restored]):
    """A restored image, and how it came about.

    Attributes:
        image: of the kind that was given.
        sigma: the noise's standard deviation in each channel, given or estimated, where white is 1;
            the mean of a batch, and of a map.
        already_clean: whether there was no noise worth removing.
        seconds: what it took; of several images restored together, the mean.
        tile: the greatest side of a tile in pixels, margins left out; None for the whole image.
        precision: the number format that the network computed in.
        model: its name, or the path of its weights.
        black: the value that was taken for black; None where it is not known.
        white: the value that was taken for white.
        left_alone: why the image came back as it is: "two-valued" and "few-valued" (a page or line
            art), "clean", "unclear" (its noise cannot be told from its detail), "faint" (it uses so
            little of its range that its noise cannot be told from detail; a narrower range of black
            and white helps); None where it was restored.
    """

    image: Restored
    sigma: tuple[float, ...]
    already_clean: bool
    seconds: float
    tile: int | None
    precision: str
    model: str
    black: float | None = None
    white: float | None = None
    left_alone: Reason | None = None


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        return globals()[present_name(f"module '{__name__}'", name, {"Outcome": "DenoiseOutcome"})]
