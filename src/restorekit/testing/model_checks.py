"""Checks of architectures."""

from __future__ import annotations

import copy
from textwrap import shorten
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from restorekit.networks.network import Network
from restorekit.networks.probe_images import probe_noise, probe_picture
from restorekit.networks.temporary_modes import evaluation_mode
from restorekit.networks.tile_alignment import SIGMA, keeps_result
from restorekit.records import as_restoration, restore_batch, takes
from restorekit.testing.checking import NotApplicable, require
from restorekit.testing.common_checks import COMMON_CHECKS
from restorekit.testing.subject import Subject
from restorekit.train.repeatability import is_repeatable, seeded_globals

SIZES = ((32, 48), (17, 23), (5, 40), (2, 3), (1, 17), (1, 1))
_LEVEL = 0.1
_LOSSLESS = 0.02  # relative difference that bfloat16 may make


def any_size(subject: Subject) -> None:
    """A model accepts any height and width, and the restored image keeps shape and type."""
    model = _model(subject)
    for size in SIZES:
        noisy = _noisy(model, *size, count=2)
        image = _restored(model, noisy)
        require(image.shape == noisy.shape, f"{tuple(image.shape)} for {tuple(noisy.shape)}")
        require(image.dtype == noisy.dtype, f"{image.dtype} for {noisy.dtype}")
        require(image.isfinite().all(), f"values that are not finite for {tuple(noisy.shape)}")


def channels(subject: Subject) -> None:
    """A model that takes one number of channels declares it by an attribute `channels`."""
    model = _model(subject)
    declared = Network(model).channels
    for count in (1, 3) if declared is None else (declared,):
        noisy = torch.rand(1, count, 32, 32, generator=torch.Generator().manual_seed(0))
        try:
            found = _restored(model, noisy).shape
        except Exception as error:
            where = "it declares nothing" if declared is None else f"it declares {declared}"
            raise AssertionError(f"{where}, and {count} channels raise {error}") from error
        require(found == noisy.shape, f"{tuple(found)} for {tuple(noisy.shape)}")


def sigma(subject: Subject) -> None:
    """A model that takes `sigma` accepts a number for each image and a map of each image."""
    model = _model(subject)
    if not takes(model, "sigma"):
        raise NotApplicable("it does not take sigma")
    noisy = _noisy(model, 24, 20, count=2)
    number = torch.full((2, 1, 1, 1), _LEVEL)
    one = _restored(model, noisy, number)
    mapped = _restored(model, noisy, number.expand(2, 1, 24, 20))
    require(torch.allclose(one, mapped, atol=1e-4), "a constant map gives another image")
    if getattr(model, "optional_sigma", False):
        require(_restored(model, noisy, None).shape == noisy.shape, "no image without sigma")


def input_unchanged(subject: Subject) -> None:
    """A model leaves its input as it is."""
    model = _model(subject)
    noisy = _noisy(model, 16, 24)
    before = noisy.clone()
    _restored(model, noisy)
    require(torch.equal(noisy, before), "the noisy batch was changed in place")


def deterministic(subject: Subject) -> None:
    """In evaluation, an image has one result: at any time, and in any batch."""
    model = _model(subject)
    noisy = _noisy(model, 24, 24, count=3)
    require(is_repeatable(lambda: _restored(model, noisy)), "two results for the same batch")
    together, alone = _restored(model, noisy)[1:2], _restored(model, noisy[1:2])
    found = float((together - alone).abs().max())
    require(torch.allclose(together, alone, rtol=1e-4, atol=1e-5), f"{found:.2g} more in a batch")


def gradients(subject: Subject) -> None:
    """In training every weight gets a finite gradient that is not 0, also in bfloat16."""
    for mixed in (False, True):
        model = _model(subject).train()
        weights = _trainable(model)
        noisy = _noisy(model, 32, 24, count=2)
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            output = restore_batch(model, noisy, _level(noisy))
        terms = [output.image, *output.extras.values()]
        torch.stack([each.float().square().mean() for each in terms]).sum().backward()
        kind = "in bfloat16" if mixed else "in float32"
        for name, weight in weights.items():
            require(weight.grad is not None, f"none for {name}")
            gradient = torch.zeros(()) if weight.grad is None else weight.grad
            require(gradient.isfinite().all(), f"not finite for {name} {kind}")
            require(gradient.any(), f"0 for {name} {kind}")


def half_precision(subject: Subject) -> None:
    """A model runs in the precision of its weights, and under autocast with little difference."""
    model = _model(subject)
    _trainable(model)
    noisy = _noisy(model, 33, 40, count=2)
    plain = _restored(model, noisy)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = _restored(model, noisy).float()
    change = float((mixed - plain).square().mean().sqrt() / plain.square().mean().sqrt())
    require(change < _LOSSLESS, f"bfloat16 changes the image by {change:.1%}")
    for dtype in (torch.bfloat16, torch.float64):
        image = _restored(_model(subject).to(dtype), noisy.to(dtype))
        require(image.dtype == dtype, f"{image.dtype} for weights of {dtype}")
        require(image.isfinite().all(), f"values that are not finite in {dtype}")


def state_dict(subject: Subject) -> None:
    """Weights that are saved and loaded into another instance give exactly the same image."""
    model, other = _model(subject, seed=0), _model(subject, seed=1)
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    if not weights:
        raise NotApplicable("it has no weights")
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.1)
    try:
        saved = save(weights)
    except RuntimeError as error:  # tensors that share their memory
        require(False, f"cannot be saved: {shorten(str(error), 250)}")
    other.load_state_dict(load(saved))
    noisy = _noisy(model, 16, 24)
    same = torch.equal(_restored(other, noisy), _restored(model, noisy))
    require(same, "another image; something that decides it is not in the state_dict")


def tiles(subject: Subject) -> None:
    """Tiles equal the whole image: `size_multiple` is the grid on which they must start."""
    model = _model(subject)
    network = Network(model)
    with network.running(None):
        grid, count = network.alignment, network.probe_channels
        reach = network.reach
        if reach is None or reach.is_global:
            raise NotApplicable("every pixel of its result depends on the whole image")
        length = 2 * (max(reach.pixels, 64) // grid + 2) * grid
        clean = probe_picture(count, length, 64)
        noisy = clean + probe_noise(clean, SIGMA)

        def run(batch: Tensor, level: float) -> Tensor:
            sigma = torch.full((1, 1, 1, 1), level)
            return restore_batch(model, batch, sigma).image

        same = keeps_result(run, noisy, run(noisy, SIGMA), grid)
    declared = network.multiple
    require(same, f"tiles on its grid of {declared} pixels differ; declare size_multiple")
    if declared is None:
        require(grid == 16, f"it declares none and needs it: size_multiple = {grid}")


def _model(subject: Subject, seed: int = 0) -> nn.Module:
    """A new model in evaluation, of known weights, none of which are all 0."""
    with seeded_globals(seed):
        model: Any = subject.make()
        require(isinstance(model, nn.Module), f"{type(model).__name__}, not a torch.nn.Module")
        # A last layer that begins at 0 would hide what the others do.
        with torch.no_grad():
            for weight in model.parameters():
                if weight.is_floating_point() and not weight.any():
                    weight.normal_(std=0.02)
    evaluated: nn.Module = copy.deepcopy(model).eval()
    return evaluated


def _trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    weights = {name: each for name, each in model.named_parameters() if each.requires_grad}
    if not weights:
        raise NotApplicable("it has no weights to train")
    return weights


def _noisy(model: nn.Module, height: int, width: int, count: int = 1) -> Tensor:
    """A random batch of the channels that a model takes."""
    shape = (count, Network(model).probe_channels, height, width)
    return torch.rand(shape, generator=torch.Generator().manual_seed(height * width))


def _level(noisy: Tensor) -> Tensor:
    return torch.full((len(noisy), 1, 1, 1), _LEVEL).to(noisy)


_SAME = object()


@torch.no_grad()
def _restored(model: nn.Module, noisy: Tensor, level: Any = _SAME) -> Tensor:
    """The image that a model in evaluation returns, by default with a level for each sample."""
    given = _level(noisy) if level is _SAME else level
    with evaluation_mode(model):
        return as_restoration(restore_batch(model, noisy, given)).image


MODEL_CHECKS = (
    *COMMON_CHECKS,
    any_size,
    channels,
    sigma,
    input_unchanged,
    deterministic,
    gradients,
    half_precision,
    state_dict,
    tiles,
)
