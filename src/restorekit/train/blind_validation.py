"""What can be measured on noisy images of which no clean ones are known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from restorekit.components.kinds import estimators
from restorekit.errors import InputError
from restorekit.metric.named_metrics import NamedMetric
from restorekit.objective.base import Objective, Restore, takes_noisy
from restorekit.objective.self_supervised import SelfSupervised
from restorekit.records import Degraded, NoisyImages, Restoration, restore_batch
from restorekit.train.batch_loss import batch_loss
from restorekit.train.execution import Execution
from restorekit.train.metric_rows import ValidationRow
from restorekit.train.tally import Tally
from restorekit.train.validation_images import ImageRow, to_display
from restorekit.train.weighted_losses import WeightedLoss

MEASURED = ("loss", "noise", "noise_left", "residual_correlation")
_ESTIMATOR = "block_dct"


class BlindValidation:
    """The held-out loss of the objective, the noise that is left, and how white the removed one is.

    Args:
        objective: the objective of the run, whose loss is measured if it learns from noisy images.
        terms: the loss terms.
        execution: where to compute.
        seed: the run's seed.
        metrics: metrics; those that need no clean image are measured.

    Attributes:
        tally: the sums of `MEASURED` and of the metrics over images.
    """

    def __init__(
        self,
        objective: Objective,
        terms: Sequence[WeightedLoss],
        execution: Execution,
        seed: int,
        metrics: Sequence[NamedMetric] = (),
    ) -> None:
        self.metrics = [metric for metric in metrics if metric.no_reference]
        self.objective, self.terms, self.execution, self.seed = objective, terms, execution, seed
        self.estimator = estimators.create(_ESTIMATOR)
        self.tally = Tally()

    def add(self, model: nn.Module, images: NoisyImages, numbers: Sequence[int]) -> list[ImageRow]:
        """Measure a batch; `numbers` tell the images of all sets apart.

        Returns:
            A row for each image: noisy, restored, and the difference on gray.
        """
        restore = self._restore_with(model)
        if (loss := self._loss(images, numbers, restore)) is not None:
            self.tally.add("loss", loss.expand(len(images)))
        seen = self._seen(images, numbers)
        restored = restore(seen.noisy, seen.sigma).image.float()
        for name, level in (("noise", seen.noisy), ("noise_left", restored)):
            self.tally.add(name, self.estimator(level).square().mean(1).sqrt())
        self._measure("", restored)
        self._measure("_noisy", seen.noisy)
        removed = seen.noisy - restored
        self.tally.add("residual_correlation", residual_correlation(removed))
        rows = zip(seen.noisy, restored, 0.5 + removed, strict=True)
        return [to_display(*row) for row in rows]

    def row(self) -> ValidationRow:
        """The means of everything measured; empty if nothing was. An unknown loss is NaN."""
        further = (m.name + suffix for m in self.metrics for suffix in ("", "_noisy"))
        means = self.tally.means([*MEASURED, *further])
        return cast(ValidationRow, {"loss": math.nan, "terms": {}, **means}) if means else {}

    def _measure(self, suffix: str, images: Tensor) -> None:
        """Measure the metrics that need no clean image, where the images are large enough."""
        for metric in self.metrics:
            if metric.fits(images):
                values = metric.measure(images, None).clamp(max=metric.largest)
                self.tally.add(metric.name + suffix, values)

    def _restore_with(self, model: nn.Module) -> Restore:
        def restore(
            noisy: Tensor, sigma: Tensor | None = None, *, exact: bool = False
        ) -> Restoration:
            with self.execution.autocast(enabled=not exact):
                return restore_batch(model, noisy, sigma)

        return restore

    def _loss(self, images: NoisyImages, numbers: Sequence[int], restore: Restore) -> Tensor | None:
        """What the run minimises, with random numbers of step 0, which no training step uses."""
        if not takes_noisy(self.objective):
            return None
        try:
            batch = self.objective.make_batch(images, self.seed, 0, numbers)
        except InputError:  # it learns from more than such images
            return None
        return batch_loss(self.objective, batch, restore, self.terms)["loss"]

    def _seen(self, images: NoisyImages, numbers: Sequence[int]) -> Degraded:
        if isinstance(self.objective, SelfSupervised):
            return self.objective.observe(images, self.seed, 0, numbers)
        return Degraded(images.noisy)


def residual_correlation(removed: Tensor) -> Tensor:
    """How similar what was removed is in neighbouring pixels: 0 for white noise, at most 1.

    Args:
        removed: (B, C, H, W).

    Returns:
        (B,), the root mean square of the correlations with the pixels to the right and below.
    """
    centred = removed - removed.mean((-2, -1), keepdim=True)
    power = centred.square().mean((-2, -1)).clamp(min=1e-12)
    right = (centred[..., 1:] * centred[..., :-1]).mean((-2, -1))
    below = (centred[..., 1:, :] * centred[..., :-1, :]).mean((-2, -1))
    # An image of one row or column has no such pixels.
    found = torch.stack((right, below)).nan_to_num() / power
    return found.square().mean((0, 2)).sqrt()
