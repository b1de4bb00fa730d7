"""The result of a restoration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from restorekit.former_names import present_name
from restorekit.restore.analysis import Analysis
from restorekit.restore.choice import Choice
from restorekit.restore.safeguard.reason import Reason

Restored = TypeVar("Restored")


@dataclass(frozen=True)
class DenoiseOutcome(Generic[Restored]):
    """A restored image, and how it was restored.

    Attributes:
        image: the restored image, of the same kind as the input.
        sigma: standard deviation of the noise in each channel, given or estimated, on the scale
            where white is 1; the mean over a batch or a map.
        already_clean: whether the image had no noise worth removing.
        seconds: duration; the mean if several images were restored together.
        tile: largest side of a tile in pixels, without margins; None for the whole image.
        precision: number format of the network.
        model: name of the model, or path of its weights.
        black: the value that was used as black; None if unknown.
        white: the value that was used as white; None if unknown.
        left_alone: why the image was returned unchanged, or None if it was restored. "two-valued"
            and "few-valued": a page or line art. "halftone": a screen of dots. "clean": no noise
            worth removing. "unclear": noise and detail cannot be distinguished. "faint": the image
            uses so little of its range that noise and detail cannot be distinguished; set a
            narrower range of black and white.
        stabilized: whether the noise was transformed to a constant level for the network; see the
            option `stabilize`.
        scales: number of scales at which noise was removed.
        choice: the network and the settings that model "auto" chose, and why; None for a model that
            was named.
        analysis: what was measured of the image to make the choice, or all measurements if they
            were requested; else None.

        impulses: share of the values that were impulses and were replaced; see the option
            `impulses`.

    Example:
        >>> noisy = batch + 0.1 * torch.randn_like(batch)
        >>> outcome = restorekit.Denoiser().restore(noisy)
        >>> outcome.image.shape, len(outcome.sigma), outcome.left_alone
        (torch.Size([2, 3, 32, 32]), 3, None)
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
    stabilized: bool = False
    scales: int = 1
    choice: Choice | None = None
    analysis: Analysis | None = None
    impulses: float = 0.0


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        return globals()[present_name(f"module '{__name__}'", name, {"Outcome": "DenoiseOutcome"})]
