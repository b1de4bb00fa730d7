"""Checks of metrics."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from restorekit.metric.named_metrics import NamedMetric, read_metrics
from restorekit.testing.checking import require
from restorekit.testing.common_checks import COMMON_CHECKS
from restorekit.testing.subject import Subject


def direction(subject: Subject) -> None:
    """`higher_is_better` is a boolean and says in which direction more noise changes the value."""
    metric = _metric(subject)
    if metric.no_reference:  # random images are not natural, with or without more noise
        return
    clean = _clean(metric)
    slight, strong = (metric.measure(_noisy(clean, std), clean) for std in (0.02, 0.1))
    worse = slight > strong if metric.higher_is_better else slight < strong
    words = "higher" if metric.higher_is_better else "lower"
    found = f"{float(slight[0]):.4g} with little noise and {float(strong[0]):.4g} with more"
    require(worse.all(), f"{found}, and {words} is better")


def best_value(subject: Subject) -> None:
    """The value of the image itself is the best, and finite where `largest` bounds it."""
    metric = _metric(subject)
    if metric.no_reference:
        return
    clean = _clean(metric)
    best = metric.measure(clean, clean).clamp(max=metric.largest)
    require(best.isfinite().all(), f"{float(best[0])} for equal images; set `largest`")
    other = metric.measure(_noisy(clean, 0.05), clean)
    held = best >= other if metric.higher_is_better else best <= other
    require(held.all(), f"{float(best[0]):.4g} for equal images, {float(other[0]):.4g} for others")


def value_per_image(subject: Subject) -> None:
    """A metric has one value for each image, whatever else is in the batch."""
    metric = _metric(subject)
    clean = _clean(metric)
    noisy = torch.stack([clean[0] + 0.1, clean[1] - 0.05])
    together = metric.measure(noisy, clean)
    alone = torch.cat([metric.measure(noisy[i : i + 1], clean[i : i + 1]) for i in range(2)])
    near = torch.allclose(together, alone, rtol=1e-4, atol=1e-6)
    require(near, f"{together.tolist()} in a batch and {alone.tolist()} alone")


def least_side(subject: Subject) -> None:
    """`least_side` is the smallest side that it measures: 1 if it is left out."""
    metric = _metric(subject)
    image = _clean(metric, metric.least_side)
    value = metric.measure(image, image)
    require(not value.isnan().any(), f"nan for {metric.least_side}x{metric.least_side} pixels")


def target_ignored(subject: Subject) -> None:
    """A metric with `no_reference` has one value, with a clean image and without."""
    metric = _metric(subject)
    if metric.no_reference:
        clean = _clean(metric)
        noisy = _noisy(clean, 0.1)
        alone, compared = metric.measure(noisy, None), metric.measure(noisy, clean)
        require(torch.equal(alone, compared), f"{alone.tolist()} alone, {compared.tolist()} else")


def input_unchanged(subject: Subject) -> None:
    """A metric leaves its input as it is."""
    metric = _metric(subject)
    given = [_noisy(_clean(metric), 0.1), _clean(metric)]
    before = [each.clone() for each in given]
    metric.measure(*given)
    require(all(map(torch.equal, given, before)), "an image was changed in place")


def _metric(subject: Subject) -> NamedMetric:
    (metric,) = read_metrics([subject.make()]).values()
    return metric


def _clean(metric: NamedMetric, side: int | None = None) -> Tensor:
    """Two images of the smallest size that the metric takes, or of 32 pixels."""
    side = side or max(metric.least_side, 32)
    return torch.rand(2, 3, side, side, generator=Generator().manual_seed(0)) * 0.5 + 0.25


def _noisy(clean: Tensor, std: float) -> Tensor:
    return clean + std * torch.randn(clean.shape, generator=Generator().manual_seed(1))


METRIC_CHECKS = (
    *COMMON_CHECKS,
    direction,
    best_value,
    value_per_image,
    least_side,
    target_ignored,
    input_unchanged,
)
