"""An image on its way through a denoiser, from the opened image to the outcome."""

from __future__ import annotations

from dataclasses import dataclass

from restorekit.restore.canvas import Canvas
from restorekit.restore.image_types import OpenedImage
from restorekit.restore.noise_level import EstimatedLevel, NoiseLevel
from restorekit.restore.outcome import DenoiseOutcome
from restorekit.restore.safeguard.guard import Guard
from restorekit.restore.safeguard.reason import Reason
from restorekit.restore.several_scales import ScaleShares
from restorekit.restore.stabilization.stabilizer import Stabilizer


@dataclass
class ImageJob:
    """An image, what has been decided about it, and how it has been restored.

    Attributes:
        opened: the image.
        precision: number format of the network.
        level: its noise level; None if it is neither given nor needed.
        stabilizer: the transforms to a constant noise level; None if it is not transformed.
        shares: the scales at which it is restored; None for 1x only.
        guard: the limits on its change; None if it is unlimited.
        tile: largest side of a tile in pixels; None for the whole image.
    """

    opened: OpenedImage
    precision: str
    level: NoiseLevel | None = None
    stabilizer: Stabilizer | None = None
    shares: ScaleShares | None = None
    guard: Guard | None = None
    tile: int | None = None

    @property
    def canvas(self) -> Canvas:
        """The image and its result."""
        return self.opened.canvas

    @property
    def reason(self) -> Reason | None:
        """Why the image is left unchanged; None if it is restored."""
        return None if self.guard is None else self.guard.reason

    @property
    def scales(self) -> int:
        """Number of scales at which it is restored."""
        return 1 if self.shares is None else len(self.shares.shares)

    def outcome(self, model: str, seconds: float) -> DenoiseOutcome[object]:
        """The restored image, and how it was restored.

        Args:
            model: name of the model.
            seconds: duration.
        """
        stabilized = self.stabilizer is not None and self.reason is None
        is_clean = isinstance(self.level, EstimatedLevel) and all(self.level.clean)
        # A faint image has little noise relative to white, not relative to its contrast.
        is_faint = stabilized or self.reason == "faint"
        return DenoiseOutcome(
            image=self.opened.finish(),
            sigma=self._sigma_per_channel(),
            already_clean=self.reason == "clean" or (is_clean and not is_faint),
            seconds=seconds,
            tile=self.tile,
            precision=self.precision,
            model=model,
            black=self.canvas.scale.black,
            white=self.canvas.scale.white,
            left_alone=self.reason,
            stabilized=stabilized,
            scales=1 if self.reason else self.scales,
        )

    def _sigma_per_channel(self) -> tuple[float, ...]:
        """The noise level of each channel on the scale where white is 1."""
        if self.level is None:
            return ()
        sigma = self.level.sigma.mean((0, 2, 3))
        return tuple(sigma.expand(self.canvas.source.shape[1]).tolist())
