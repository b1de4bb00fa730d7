"""How good the network is now: losses and metrics on fixed images under fixed noises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import cast

import torch
from torch import Tensor, nn

from restorekit.config.noise_expressions import noise_label
from restorekit.errors import ConfigError
from restorekit.metric.named_metrics import NamedMetric
from restorekit.objective.base import Objective, corrupt
from restorekit.records import Degraded, Images, NoisyImages, restore_batch
from restorekit.train.blind_validation import MEASURED, BlindValidation
from restorekit.train.data_split import HeldOutSet
from restorekit.train.dataset_items import read_views, shape_of
from restorekit.train.execution import Execution
from restorekit.train.metric_rows import ValidationRow
from restorekit.train.mixed_batches import kind_of, map_batch, stack
from restorekit.train.tally import Tally
from restorekit.train.validation_images import ImageRow, to_display
from restorekit.train.weighted_losses import WeightedLoss

PlacedImages = tuple[int, Images]
FEWEST_VIEWS = 16  # per validation set; with fewer pictures, several patches of each are used
FEWEST_A_PICTURE = 2
SHOWN = 4
_MOST_IMAGES = 10**9  # of a set
REAL_NOISE = "real noise"


@dataclass(frozen=True)
class ValidationCondition:
    """What is measured apart: a validation set under a noise, and how much it counts.

    Attributes:
        name: what the records call it.
        noise: what corrupts the clean images; None for images with real noise.
        weight: its weight in the mean of all conditions.
    """

    name: str
    noise: nn.Module | None
    weight: float


class Validation:
    """Validation images with fixed noise, which are restored at every validation.

    Each picture gives at least two patches, and each set 16 where it has few pictures; a picture
    that is no larger than its patches comes whole. Every noise is put on every one of them. Images
    with real noise are compared with their clean ones. Where no clean image is known, the held-out
    loss of the objective and the noise that is left are measured, see `BlindValidation`.

    Args:
        sets: by name, where the pictures are and which are used.
        noises: what corrupts them. Of a noise that chooses among others, each is one.
        objective: the objective of the run.
        terms: the loss terms.
        runtime: where to compute; each process takes every n-th picture.
        metrics: what is measured besides the loss, by name.
        deciding: the name of the metric that decides which weights are best, if one does.
        batch_size: most images computed at once.
        seed: the run's seed.
    """

    def __init__(
        self,
        sets: Mapping[str, HeldOutSet],
        noises: Sequence[nn.Module],
        objective: Objective,
        terms: Sequence[WeightedLoss],
        execution: Execution,
        *,
        metrics: Mapping[str, NamedMetric],
        deciding: str,
        batch_size: int,
        seed: int,
    ) -> None:
        self.sets = {name: held for name, held in sets.items() if held.pictures}
        self.objective, self.terms, self.execution = objective, terms, execution
        self.metrics, self.deciding = metrics, deciding
        self.batch_size, self.seed = batch_size, seed
        self.blind = self._blind()
        self.conditions = {
            name: _conditions(noises, name if len(self.sets) > 1 else "") for name in self.sets
        }
        self.real = {name: _real_noise(name if len(self.sets) > 1 else "") for name in self.sets}
        self.shown: list[ImageRow] = []

    def __bool__(self) -> bool:
        return bool(self.sets)

    def check(self) -> None:
        """Read one picture of each set, to find errors before the training.

        Raises:
            ConfigError: they are too small for the metric that decides.
            DataError: one cannot be read.
        """
        if (metric := self.metrics.get(self.deciding)) is None:
            return
        firsts = [
            read_views(held.dataset, held.pictures[0], _count(held)) for held in self.sets.values()
        ]
        shown = [_shown(view) for views in firsts for view in views]
        if firsts and not any(metric.fits(view) for view in shown):
            least = metric.least_side
            raise ConfigError(
                [
                    f"train.validation_metric: {metric.name} needs images of at least "
                    f"{least}x{least} pixels; give a validation_dataset of whole pictures "
                    "(patch_size null) or of larger patches"
                ]
            )

    @torch.no_grad()
    def measure(self, model: nn.Module, batches: int | None = None) -> ValidationRow:
        """Means of the loss, each term, PSNR (dB) and SSIM, noisy and restored.

        The mean is over the conditions, by their weights. Where there are several, each is there
        under "conditions" too.

        Args:
            model: the network, in evaluation mode.
            batches: the most batches of each set; None for all of them.
        """
        self.shown, self.blind = [], self._blind()
        tallies = {c.name: Tally() for c in self._all_conditions()}
        for number, (name, held) in enumerate(self.sets.items()):
            for batch in islice(_batches(self._views(held), self.batch_size), batches):
                self._measure_blind(model, batch, number)
                for place, condition in enumerate(self._conditions_of(name, batch[0][1])):
                    tally = tallies[condition.name]
                    self._measure(model, batch, condition, (number, place), tally)
        self._share(tallies)
        return self._summary(tallies)

    def _views(self, held: HeldOutSet) -> Iterator[PlacedImages]:
        """This process's images of a set, each with a number of its own."""
        processes = self.execution.processes
        count = _count(held)
        # Sharded weights are gathered at each call, so all processes must make the same calls.
        alone = self.execution.sharded
        first, step = (0, 1) if alone else (processes.launch.rank, processes.launch.world)
        mine = range(first, len(held.pictures), step)
        for picture in mine:
            views = read_views(held.dataset, held.pictures[picture], count)
            yield from ((picture * count + view, image) for view, image in enumerate(views))

    def _measure(
        self,
        model: nn.Module,
        batch: list[PlacedImages],
        condition: ValidationCondition,
        place: tuple[int, int],
        tally: Tally,
    ) -> None:
        clean, degraded = self._inputs(batch, condition.noise, place[0])
        with self.execution.autocast():
            restoration = restore_batch(model, degraded.noisy, degraded.sigma)
        # Metrics are wrong in half precision.
        restored = restoration.image.float()
        for term in self.terms:
            tally.add(f"term:{term.name}", term.measure(restoration, clean).expand(len(clean)))
        for name, metric in self.metrics.items():
            if metric.fits(clean):
                for suffix, images in (("", restored), ("_noisy", degraded.noisy)):
                    tally.add(
                        name + suffix, metric.measure(images, clean).clamp(max=metric.largest)
                    )
        rows = list(zip(clean, degraded.noisy, restored, strict=True))
        if place[0] == 0:  # the noises take turns
            if condition.noise is not None:
                rows = rows[place[1] :: len(next(iter(self.conditions.values())))]
            self.shown += [to_display(*row) for row in rows[: SHOWN - len(self.shown)]]

    def _measure_blind(self, model: nn.Module, batch: list[PlacedImages], number: int) -> None:
        """Measure what can be measured of images without clean ones."""
        images = map_batch(stack([image for _, image in batch]), self.execution.place)
        if isinstance(images, NoisyImages) and images.clean is None:
            places = [number * _MOST_IMAGES + place for place, _ in batch]
            rows = self.blind.add(model, images, places)
            self.shown += rows[: SHOWN - len(self.shown)]

    def _blind(self) -> BlindValidation:
        metrics = tuple(self.metrics.values())
        return BlindValidation(self.objective, self.terms, self.execution, self.seed, metrics)

    def _inputs(
        self, batch: list[PlacedImages], noise: nn.Module | None, number: int
    ) -> tuple[Tensor, Degraded]:
        """The clean images of a batch, and the noisy ones: with this noise, or their own."""
        images = map_batch(stack([image for _, image in batch]), self.execution.place)
        if isinstance(images, NoisyImages) and images.clean is not None:
            return images.clean, Degraded(images.noisy)
        clean, noise = cast(Tensor, images), cast(nn.Module, noise)
        # All noises of a set use the same random numbers, so that their results are comparable.
        numbers = [number for number, _ in batch]
        return clean, corrupt(noise, clean, self.seed, "validation", number, numbers)

    def _conditions_of(self, name: str, image: Images) -> Sequence[ValidationCondition]:
        """The conditions under which an image of a set is measured."""
        if not isinstance(image, NoisyImages):
            return self.conditions[name]
        return () if image.clean is None else (self.real[name],)

    def _all_conditions(self) -> list[ValidationCondition]:
        return [c for each in self.conditions.values() for c in each] + [*self.real.values()]

    def _share(self, tallies: Mapping[str, Tally]) -> None:
        """Add up what the processes have measured."""
        # With sharded weights every process has measured all images.
        if self.execution.sharded or not self.execution.processes.is_group:
            return
        names = [f"{kind}{suffix}" for kind in self.metrics for suffix in ("", "_noisy")]
        names += [f"term:{term.name}" for term in self.terms]
        names += MEASURED
        tallies = {**tallies, "": self.blind.tally}
        keys = [each for name in names for each in (name, f"{name}:images")]
        sums = {f"{c}/{key}": tally.sums[key] for c, tally in tallies.items() for key in keys}
        totals = self.execution.processes.sum(sums)
        for condition, tally in tallies.items():
            tally.sums = {key: float(totals[f"{condition}/{key}"]) for key in keys}

    def _summary(self, tallies: Mapping[str, Tally]) -> ValidationRow:
        names = [f"{name}{suffix}" for name in self.metrics for suffix in ("", "_noisy")]
        terms = {f"term:{term.name}": term for term in self.terms}
        measured = {c: tally.means([*terms, *names]) for c, tally in tallies.items()}
        found = {c: row for c, row in measured.items() if row}
        if not found:
            return self.blind.row()
        weights = {c.name: c.weight for c in self._all_conditions()}
        means = {
            name: _weighted([(weights[c], row[name]) for c, row in found.items() if name in row])
            for name in (*terms, *names)
            if any(name in row for row in found.values())
        }
        by_term = {term.name: means.pop(key) for key, term in terms.items()}
        loss = sum(term.weight * by_term[term.name] for term in self.terms)
        apart = {c: {n: v for n, v in row.items() if n in names} for c, row in found.items()}
        conditions = {"conditions": apart} if len(apart) > 1 else {}
        return cast(ValidationRow, {"loss": loss, "terms": by_term, **means, **conditions})


def _count(held: HeldOutSet) -> int:
    """How many images each picture of a set gives."""
    return max(FEWEST_A_PICTURE, -(-FEWEST_VIEWS // len(held.pictures)))


def _conditions(noises: Sequence[nn.Module], prefix: str) -> list[ValidationCondition]:
    """The noises of a set apart, each under a name of its own."""
    found: dict[str, ValidationCondition] = {}
    for noise in noises:
        apart = getattr(noise, "alternatives", None)
        for each, chance in apart() if callable(apart) else [(noise, 1.0)]:
            label = name = f"{prefix}/{noise_label(each)}".lstrip("/")
            while name in found:
                name = f"{label} ({sum(n.startswith(label) for n in found) + 1})"
            found[name] = ValidationCondition(name, each, chance)
    return list(found.values())


def _real_noise(prefix: str) -> ValidationCondition:
    """The condition of the images of a set that have real noise."""
    return ValidationCondition(f"{prefix}/{REAL_NOISE}".lstrip("/"), None, 1.0)


def _shown(image: Images) -> Tensor:
    return image.noisy if isinstance(image, NoisyImages) else image


def _weighted(values: Sequence[tuple[float, float]]) -> float:
    return sum(w * value for w, value in values) / sum(w for w, _ in values)


def _batches(images: Iterable[PlacedImages], size: int) -> Iterator[list[PlacedImages]]:
    """Neighbours of one kind and shape, at most `size` at once."""
    # Only neighbours, because pictures are read one after the other and not kept.
    for _, same in groupby(images, key=lambda placed: (kind_of(placed[1]), shape_of(placed[1]))):
        while batch := list(islice(same, size)):
            yield batch
