"""The parts of a run on the device where they are trained."""

from __future__ import annotations

from torch import nn

from restorekit.components.component_records import origin_of
from restorekit.errors import ArgumentError
from restorekit.objective.base import UsesNetwork, takes_noisy
from restorekit.records import NoisyImages, map_images
from restorekit.train.dataset_items import describe_dataset, first_samples
from restorekit.train.execution import Execution
from restorekit.train.memory_check import check_memory, training_memory_errors
from restorekit.train.train_plan import TrainPlan


def place_parts(plan: TrainPlan, execution: Execution) -> nn.Module:
    """Move the parts of a run to its device; return the network as it is trained there.

    Raises:
        InsufficientMemoryError: the device has too little memory for the run.
        RestoreKitError: the objective does not fit the images of the dataset.
    """
    check_memory(plan, execution.device, execution.processes.launch.world)
    with training_memory_errors(plan, execution.device, lambda: None):
        model = execution.prepare(plan.model)
        for noise in (plan.noise, *plan.validation_noise):
            noise.to(execution.device)
        for term in plan.terms:
            term.module.to(execution.device)
        for metric in plan.metrics.values():
            metric.to(execution.device)
    _prepare_objective(plan, execution)
    return model


def _prepare_objective(plan: TrainPlan, execution: Execution) -> None:
    """Prepare an objective with a network of its own, and try whether it fits the images."""
    objective = plan.objective
    if isinstance(objective, UsesNetwork):
        objective.prepare(execution)
    for sample in first_samples(plan.dataset):
        is_noisy = isinstance(sample, NoisyImages)
        with plan.errors_at_their_place("objective"):
            if is_noisy and not takes_noisy(objective):
                raise ArgumentError(
                    f"objective {_name(objective)} learns from clean images, but "
                    f"{describe_dataset(plan.dataset)} gives images with real noise"
                )
            if is_noisy or isinstance(objective, UsesNetwork):
                images = map_images(sample, lambda image: execution.place(image[None]))
                objective.make_batch(images, plan.settings.seed, 1, [0])


def _name(objective: object) -> str:
    origin = origin_of(objective)
    return f"'{origin.name}'" if origin else type(objective).__name__
