"""One function for each kind of component, which checks all of its contract."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from restorekit.components.kinds import REGISTRIES, noises
from restorekit.components.registry import Registry
from restorekit.errors import ArgumentError, did_you_mean
from restorekit.testing.analysis_checks import ESTIMATOR_CHECKS, MEASUREMENT_CHECKS
from restorekit.testing.batch_checks import OBJECTIVE_CHECKS
from restorekit.testing.checking import CheckFunction, CheckResult, raise_failures, run_checks
from restorekit.testing.common_checks import COMMON_CHECKS
from restorekit.testing.dataset_checks import DATASET_CHECKS
from restorekit.testing.format_checks import FORMAT_CHECKS
from restorekit.testing.loss_checks import LOSS_CHECKS
from restorekit.testing.metric_checks import METRIC_CHECKS
from restorekit.testing.model_checks import MODEL_CHECKS
from restorekit.testing.noise_checks import NOISE_CHECKS
from restorekit.testing.subject import subject_of

Named = str | Mapping[str, object]
CHECKS: Mapping[str, Sequence[CheckFunction]] = {
    "model": MODEL_CHECKS,
    "noise": NOISE_CHECKS,
    "loss": LOSS_CHECKS,
    "dataset": DATASET_CHECKS,
    "metric": METRIC_CHECKS,
    "objective": OBJECTIVE_CHECKS,
    "estimator": ESTIMATOR_CHECKS,
    "measurement": MEASUREMENT_CHECKS,
    "format": FORMAT_CHECKS,
}


def check_model(model: Named | nn.Module, *, skip: Collection[str] = ()) -> None:
    """Check an architecture.

    Any size, channels, noise level, input left alone, determinism, gradients, bfloat16, weights
    that are saved and loaded, and tiles that equal the whole image.

    Args:
        model: its name, {"name": ..., argument: ...} or the module. Small arguments save time.
        skip: names of checks to leave out, for example "tiles".

    Raises:
        AssertionError: a contract is broken.

    Example:
        >>> from restorekit.testing import check_model
        >>> check_model({"name": "dncnn", "depth": 3, "width": 8})
        >>> check_model(torch.nn.Conv2d(3, 8, 3, padding=1))
        Traceback (most recent call last):
            ...
        AssertionError: model 'Conv2d' does not keep to its contract:
          any size: A model accepts any height and width, and ... Found: (2, 8, 32, 48) for ...
    """
    check_component("model", model, skip=skip)


def check_noise(noise: Named | Callable[..., Any], *, skip: Collection[str] = ()) -> None:
    """Check a noise model.

    Shape and type, its level, input left alone, random numbers from the generator alone, and noise
    for each sample.

    Args:
        noise: its name, {"name": ..., argument: ...} or the object.
        skip: names of checks to leave out.

    Raises:
        AssertionError: a contract is broken.

    Example:
        >>> from restorekit.testing import check_noise
        >>> check_noise({"name": "gaussian", "std": 0.1})
    """
    check_component("noise", noise, skip=skip)


def check_loss(loss: Named | Callable[..., Tensor], *, skip: Collection[str] = ()) -> None:
    """Check a loss term on images of 176x176 pixels, with the extras of a VAE.

    One float32 number, gradients, the same value under autocast, the mean over samples, and
    unequal shapes that are refused.

    Args:
        loss: its name, {"name": ..., argument: ...} or the object.
        skip: names of checks to leave out.

    Raises:
        AssertionError: a contract is broken.

    Example:
        >>> from restorekit.testing import check_loss
        >>> check_loss("charbonnier")
    """
    check_component("loss", loss, skip=skip)


def check_metric(metric: Named | Callable[..., Tensor], *, skip: Collection[str] = ()) -> None:
    """Check a metric: one value for each image, its direction, its best value and least side.

    A metric with `no_reference` has the same value without a clean image.

    Args:
        metric: its name, {"name": ..., argument: ...} or the object.
        skip: names of checks to leave out.

    Raises:
        AssertionError: a contract is broken.

    Example:
        >>> from restorekit.testing import check_metric
        >>> check_metric("psnr")
    """
    check_component("metric", metric, skip=skip)


def check_dataset(dataset: object, *, skip: Collection[str] = ()) -> None:
    """Check a dataset: length, images, repeatable reads, random draws, views and pictures.

    Args:
        dataset: its name, {"name": ..., argument: ...} or the object.
        skip: names of checks to leave out.

    Raises:
        AssertionError: a contract is broken.

    Example:
        >>> from restorekit.testing import check_dataset
        >>> check_dataset({"name": "samples", "pictures": ["camera"], "patch_size": 32})
    """
    check_component("dataset", dataset, skip=skip)


def check_objective(
    objective: Named | object, noise: object = "gaussian", *, skip: Collection[str] = ()
) -> None:
    """Check a training objective: its batches, which depend on seed, step and place alone.

    Args:
        objective: its name, {"name": ..., argument: ...} or the object.
        noise: the noise model that one made by name gets.
        skip: names of checks to leave out.

    Raises:
        AssertionError: a contract is broken.

    Example:
        >>> from restorekit.testing import check_objective
        >>> check_objective("supervised")
    """
    subject = subject_of(REGISTRIES["objective"], objective, noises.build(noise))
    raise_failures(subject, run_checks(subject, OBJECTIVE_CHECKS, skip))


def check_estimator(
    estimator: Named | Callable[[Tensor], Tensor], *, skip: Collection[str] = ()
) -> None:
    """Check an estimator of the noise level: any size, and white noise found within 20 %.

    Args:
        estimator: its name, {"name": ..., argument: ...} or the object.
        skip: names of checks to leave out.

    Raises:
        AssertionError: a contract is broken.

    Example:
        >>> from restorekit.testing import check_estimator
        >>> check_estimator("mad")
    """
    check_component("estimator", estimator, skip=skip)


def check_measurement(
    measurement: Named | Callable[..., Any], *, skip: Collection[str] = ()
) -> None:
    """Check a measurement: a frozen record of plain values, for a picture of any size.

    Args:
        measurement: its name, {"name": ..., argument: ...} or the object.
        skip: names of checks to leave out.

    Raises:
        AssertionError: a contract is broken.

    Example:
        >>> from restorekit.testing import check_measurement
        >>> check_measurement("content")
    """
    check_component("measurement", measurement, skip=skip)


def check_format(picture_format: Named | object, *, skip: Collection[str] = ()) -> None:
    """Check a picture format: suffixes, signatures, pictures that are written and read again.

    Args:
        picture_format: its name, {"name": ..., argument: ...} or the object.
        skip: names of checks to leave out.

    Raises:
        AssertionError: a contract is broken.

    Example:
        >>> from restorekit.testing import check_format
        >>> check_format("png")
    """
    check_component("format", picture_format, skip=skip)


def check_component(kind: str, component: object, *, skip: Collection[str] = ()) -> None:
    """Check a component of any kind.

    Args:
        kind: the kind, for example "noise". Kinds without checks of their own have those of the
            documentation and the arguments.
        component: its name, {"name": ..., argument: ...} or the object.
        skip: names of checks to leave out.

    Raises:
        AssertionError: a contract is broken.
        ArgumentError: the kind is unknown.

    Example:
        >>> from restorekit.testing import check_component
        >>> check_component("schedule", "cosine")
    """
    if kind not in REGISTRIES:
        raise ArgumentError(f"unknown kind '{kind}'.{did_you_mean(kind, REGISTRIES)}")
    subject = subject_of(REGISTRIES[kind], component, *_given(REGISTRIES[kind]))
    raise_failures(subject, run_checks(subject, checks_of(kind), skip))


def results_of(kind: str, name: str) -> list[CheckResult]:
    """The result of each check of a component with its preset "tiny", or its defaults."""
    registry = REGISTRIES[kind]
    return run_checks(subject_of(registry, name, *_given(registry)), checks_of(kind))


def checks_of(kind: str) -> Sequence[CheckFunction]:
    """The checks of a kind."""
    return CHECKS.get(kind, COMMON_CHECKS)


def _given(registry: Registry[Any]) -> tuple[object, ...]:
    """What components of a kind are given first: an objective its noise, an optimizer weights."""
    if registry.kind == "objective":
        return (noises.create("gaussian", std=0.1),)
    return ([nn.Parameter(torch.zeros(2))],) if registry.kind == "optimizer" else ()
