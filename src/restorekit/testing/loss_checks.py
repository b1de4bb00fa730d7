"""Checks of loss terms."""

from __future__ import annotations

import warnings
from dataclasses import replace

import torch
from torch import Generator, Tensor, nn

from restorekit.records import Restoration
from restorekit.testing.checking import NotApplicable, require
from restorekit.testing.common_checks import COMMON_CHECKS
from restorekit.testing.subject import Subject
from restorekit.train.weighted_losses import WeightedLoss, as_module

_DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
_SIDE = 176  # enough for losses of several scales


def scalar(subject: Subject) -> None:
    """A loss is one finite float32 number, for images of any floating type."""
    loss = _loss(subject)
    for dtype, channels in (*((dtype, 3) for dtype in _DTYPES), (torch.float32, 1)):
        restoration, target, _ = _example(loss, dtype, channels)
        value = loss.measure(restoration, target)
        found = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        require(found == (), f"{found}, not a tensor of one number")
        require(value.dtype == torch.float32, f"{value.dtype} for images of {dtype}")
        require(value.isfinite(), f"{value.item()} for images of {dtype}")


def gradients(subject: Subject) -> None:
    """The gradient reaches the output of the model, and is finite."""
    loss = _loss(subject)
    for dtype in _DTYPES:
        restoration, target, leaves = _example(loss, dtype)
        loss.measure(restoration, target).backward()
        found = [leaf.grad for leaf in leaves.values() if leaf.grad is not None]
        require(all(each.isfinite().all() for each in found), f"not finite for {dtype}")
        require(any(each.any() for each in found), f"none for {dtype}")


def half_precision(subject: Subject) -> None:
    """Under autocast to bfloat16 the value is the same; a loss computes in float32."""
    loss = _loss(subject)
    restoration, target, _ = _example(loss, torch.float32)
    outside = loss.measure(restoration, target).detach()
    with torch.autocast("cpu", torch.bfloat16):
        inside = loss.measure(restoration, target).detach()
    found = f"{float(inside):.6g} instead of {float(outside):.6g}"
    require(torch.equal(inside, outside), f"{found}; switch autocast off within the loss")


def mean_of_samples(subject: Subject) -> None:
    """The loss of a batch is the mean of those of its samples, whatever the batch size."""
    loss = _loss(subject)
    restoration, target, _ = _example(loss, torch.float32)
    alone = torch.stack(
        [loss.measure(_sample(restoration, i), target[i : i + 1]) for i in range(2)]
    )
    whole, mean = loss.measure(restoration, target).item(), alone.mean().item()
    near = abs(whole - mean) <= 1e-4 * abs(mean) + 1e-6
    require(near, f"{whole:.6g} for two samples with a mean of {mean:.6g}")


def deterministic(subject: Subject) -> None:
    """The same images give the same loss."""
    loss = _loss(subject)
    restoration, target, _ = _example(loss, torch.float32)
    first, second = (loss.measure(restoration, target).item() for _ in range(2))
    require(first == second, f"{first:.9g} and {second:.9g}")


def input_unchanged(subject: Subject) -> None:
    """A loss leaves its input as it is."""
    loss = _loss(subject)
    restoration, target, _ = _example(loss, torch.float32)
    given = [restoration.image.detach(), target]
    before = [each.clone() for each in given]
    loss.measure(replace(restoration, image=given[0]), target)
    require(all(map(torch.equal, given, before)), "an image was changed in place")


def shapes(subject: Subject) -> None:
    """Images and targets of unequal shapes are refused; torch would broadcast them."""
    loss = _loss(subject)
    restoration, target, _ = _example(loss, torch.float32)
    if torch.equal(loss.measure(restoration, target), loss.measure(restoration, 1 - target)):
        raise NotApplicable("it does not depend on the target")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of it, and computes all the same
        try:
            value = loss.measure(restoration, target[:, :1])
        except Exception:  # any error will do
            return
    shape = tuple(target[:, :1].shape)
    raise AssertionError(f"{value.item():.4g} for targets of shape {shape}")


def _loss(subject: Subject) -> WeightedLoss:
    """The loss as a run calls it; one of torch gets the image alone."""
    return WeightedLoss("loss", 1.0, as_module(subject.make(), subject.label))


def _example(
    loss: WeightedLoss, dtype: torch.dtype, channels: int = 3
) -> tuple[Restoration, Tensor, dict[str, Tensor]]:
    """A restoration with the extras that a loss needs, its target, and what gets a gradient."""
    generator = Generator().manual_seed(0)
    target = torch.rand(2, channels, _SIDE, _SIDE, generator=generator)
    image = target + 0.1 * torch.randn(target.shape, generator=generator)
    made = {"image": image, **_example_extras(loss.module, target, generator)}
    leaves = {name: each.to(dtype).requires_grad_() for name, each in made.items()}
    extras = {name: each for name, each in leaves.items() if name != "image"}
    return Restoration(leaves["image"], extras), target, leaves


def _example_extras(module: nn.Module, target: Tensor, generator: Generator) -> dict[str, Tensor]:
    """The extras that a loss states by `example_extras`; otherwise those of a VAE."""
    if (example := getattr(module, "example_extras", None)) is not None:
        return dict(example(target, generator))
    return {name: torch.randn(2, 8, generator=generator) for name in ("mean", "log_variance")}


def _sample(restoration: Restoration, index: int) -> Restoration:
    kept = slice(index, index + 1)
    extras = {name: each[kept] for name, each in restoration.extras.items()}
    return Restoration(restoration.image[kept], extras)


LOSS_CHECKS = (
    *COMMON_CHECKS,
    scalar,
    gradients,
    half_precision,
    mean_of_samples,
    deterministic,
    input_unchanged,
    shapes,
)
