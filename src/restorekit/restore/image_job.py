"""An image on its way through a denoiser, from the opened image to the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from restorekit.restore.analysis import Analysis, analyze_canvas
from restorekit.restore.canvas import Canvas
from restorekit.restore.choice import MEASUREMENTS, Choice
from restorekit.restore.coarse_noise import may_have_coarse_noise
from restorekit.restore.denoise_options import AUTOMATIC
from restorekit.restore.image_types import OpenedImage
from restorekit.restore.impulse_removal.remove import (
    ImpulseMode,
    RemovedImpulses,
    join_removed,
    remove_impulses,
    searches,
)
from restorekit.restore.noise_level import EstimatedLevel, NoiseLevel, join_estimates
from restorekit.restore.outcome import DenoiseOutcome
from restorekit.restore.safeguard.guard import Guard, Verdict
from restorekit.restore.safeguard.reason import Reason
from restorekit.restore.several_scales import ScaleShares
from restorekit.restore.stabilization.stabilizer import Stabilizer


@dataclass
class ImageJob:
    """An image, what has been decided about it, and how it has been restored.

    Attributes:
        opened: the image.
        precision: number format of the network.
        model: name of the model.
        analysis: what was measured of it without impulses before it is restored, if it is one
            image.
        impulses: the impulses that were removed; None if there are none.
        searched: whether impulses surely were looked for.
        before: the analysis before impulses were removed, if it was made.
        choice: how the image is restored and why, if that was decided automatically.
        level: its noise level; None if it is neither given nor needed.
        stabilizer: the transforms to a constant noise level; None if it is not transformed.
        shares: the scales at which it is restored; None for 1x only.
        guard: the limits on its change; None if it is unlimited.
        tile: largest side of a tile in pixels; None for the whole image.
        is_luma: whether it is the luma of a colour picture, from which only noise that cannot be
            texture is removed.
    """

    opened: OpenedImage
    precision: str
    model: str = ""
    analysis: Analysis | None = None
    impulses: RemovedImpulses | None = None
    searched: bool = False
    before: Analysis | None = None
    choice: Choice | None = None
    level: NoiseLevel | None = None
    stabilizer: Stabilizer | None = None
    shares: ScaleShares | None = None
    guard: Guard | None = None
    tile: int | None = None
    is_luma: bool = False

    @property
    def canvas(self) -> Canvas:
        """The image and its result."""
        return self.opened.canvas

    @property
    def reason(self) -> Reason | None:
        """Why the image is left unchanged; None if it is restored."""
        return None if self.guard is None else self.guard.reason

    @property
    def has_impulses(self) -> bool:
        """Whether it may have impulse noise, of which removing has left some."""
        found = () if self.impulses is None else self.impulses.images
        return not self.searched or any(each is not None and each.is_noise for each in found)

    @property
    def scales(self) -> int:
        """Number of scales at which it is restored."""
        return 1 if self.shares is None else len(self.shares.shares)

    def analyze(self) -> None:
        """Take every registered measurement, of a single image only."""
        if len(self.canvas.source) == 1:
            self.analysis = analyze_canvas(self.canvas)

    def remove_impulses(self, mode: ImpulseMode) -> None:
        """Remove impulses from the image that is restored."""
        known = self.analysis
        self.searched = mode == "on" or (known is not None and searches(mode, known))
        self.impulses = remove_impulses(self.canvas, mode, self.analysis)
        if self.impulses and self.analysis:
            self.before = self.analysis
            self.analysis = analyze_canvas(self.canvas, names=MEASUREMENTS)

    def finish_verdict(self) -> None:
        """Call an image with coarse noise that was left "unclear" instead of "clean"."""
        if self.guard is None or not may_have_coarse_noise(self.analysis):
            return
        self.guard.verdicts = [
            Verdict("unclear") if verdict and verdict.reason == "clean" else verdict
            for verdict in self.guard.verdicts
        ]
        if isinstance(self.level, EstimatedLevel):
            self.level = replace(self.level, clean=(False,) * len(self.level.clean))

    def split(self) -> list[ImageJob]:
        """A job for each image of a batch, with views of its memory."""
        canvas = self.canvas
        if len(canvas.source) == 1:
            return [self]
        views = zip(canvas.source.split(1), canvas.result.split(1), strict=True)
        # The kept pixels are copied into the whole result, when it is finished.
        parts = [replace(canvas, source=one, result=other, kept=None) for one, other in views]
        return [replace(self, opened=self.opened._replace(canvas=part)) for part in parts]

    def join(self, parts: Sequence[ImageJob]) -> None:
        """Record how the parts from `split` were restored."""
        if parts == [self]:
            return
        first = parts[0]
        self.precision, self.tile = first.precision, first.tile
        self.level = join_estimates([part.level for part in parts])
        self.impulses = join_removed([part.impulses for part in parts])
        self.shares = max(parts, key=lambda part: part.scales).shares
        self.model, self.choice = first.model, first.choice
        if any(part.model != first.model for part in parts):
            self.model, self.choice = AUTOMATIC, None
        if guards := [part.guard for part in parts if part.guard is not None]:
            self.guard = Guard.of_all(guards)
        if any(part.stabilizer for part in parts):
            self.stabilizer = Stabilizer(
                tuple(part.stabilizer.images[0] if part.stabilizer else None for part in parts)
            )

    def outcome(self, seconds: float) -> DenoiseOutcome[object]:
        """The restored image, and how it was restored.

        Args:
            seconds: duration.
        """
        stabilized = self.stabilizer is not None and self.reason is None
        is_clean = isinstance(self.level, EstimatedLevel) and all(self.level.clean)
        # A faint image has little noise relative to white, not relative to its contrast.
        is_faint = stabilized or self.reason == "faint"
        is_averaged = self.choice is not None and self.choice.gray == "averaged"
        is_changed = self.impulses is not None
        is_clean &= not (is_faint or is_averaged)
        return DenoiseOutcome(
            image=self.opened.finish(),
            sigma=self._sigma_per_channel(),
            already_clean=not is_changed and (self.reason == "clean" or is_clean),
            seconds=seconds,
            tile=self.tile,
            precision=self.precision,
            model=self.model,
            black=self.canvas.scale.black,
            white=self.canvas.scale.white,
            left_alone=None if is_changed else self.reason,
            stabilized=stabilized,
            scales=1 if self.reason else self.scales,
            choice=self._choice(),
            analysis=self.before or self.analysis,
            impulses=0.0 if self.impulses is None else self.impulses.share,
        )

    def _choice(self) -> Choice | None:
        """The choice with what became of the image in the end."""
        if self.choice is None or self.impulses is None:
            return self.choice
        return replace(self.choice, impulses=self.impulses.share, left_alone=self.reason)

    def _sigma_per_channel(self) -> tuple[float, ...]:
        """The noise level of each channel on the scale where white is 1."""
        if self.level is None:
            return ()
        sigma = self.level.sigma.mean((0, 2, 3))
        return tuple(sigma.expand(self.canvas.source.shape[1]).tolist())
