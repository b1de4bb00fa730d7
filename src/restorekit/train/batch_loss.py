"""The loss of a batch: the weighted loss terms, or the risk of an objective of its own."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from restorekit.errors import ArgumentError
from restorekit.objective.base import ComputesRisk, Objective, Restore, TaskBatch
from restorekit.records import Restoration, as_restoration
from restorekit.train.weighted_losses import WeightedLoss


def batch_loss(
    objective: Objective, batch: TaskBatch, restore: Restore, terms: Sequence[WeightedLoss]
) -> dict[str, Tensor]:
    """The terms of a batch by name, and what is minimised, "loss".

    Args:
        objective: what made the batch.
        batch: inputs and targets.
        restore: the network.
        terms: the loss terms of the run.

    Raises:
        ArgumentError: a term or the objective computes something else than one number.
    """
    if isinstance(objective, ComputesRisk):
        found = dict(objective.risk(restore, batch, lambda *pair: _weighted(terms, *pair)))
        for name, value in found.items():
            if not isinstance(value, Tensor) or value.numel() != 1:
                shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
                kind = type(objective).__name__
                raise ArgumentError(
                    f"objective {kind} gives {shape} as the risk '{name}', not a tensor of "
                    "one number"
                )
        # An objective may call a term "loss" itself.
        return {**found, "loss": sum(found.values(), start=batch.target.new_zeros(()))}
    counted = batch.masked(restore(batch.input, batch.sigma))
    values = {term.name: term.measure(counted, batch.target) for term in terms}
    values["loss"] = sum(
        (term.weight * values[term.name] for term in terms), start=batch.target.new_zeros(())
    )
    return values


def _weighted(
    terms: Sequence[WeightedLoss], restored: Restoration | Tensor, target: Tensor
) -> Tensor:
    answer = as_restoration(restored)
    return sum(
        (term.weight * term.measure(answer, target) for term in terms), start=target.new_zeros(())
    )
