"""Sums of what a validation measures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from torch import Tensor


@dataclass
class Tally:
    """Sums of what was measured under one condition, over images."""

    sums: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, name: str, values: Tensor) -> None:
        """Take in one value an image."""
        self.sums[name] += float(values.sum())
        self.sums[f"{name}:images"] += len(values)

    def means(self, names: Iterable[str]) -> dict[str, float]:
        """The mean of each of these that was measured."""
        counts = {name: self.sums.get(f"{name}:images", 0.0) for name in names}
        return {name: self.sums[name] / count for name, count in counts.items() if count}
