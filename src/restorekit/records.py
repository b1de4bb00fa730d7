"""The small records that pass between rooms."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from restorekit.errors import InputError

if TYPE_CHECKING:
    from torch import Generator, Tensor

Model = TypeVar("Model")


@dataclass(frozen=True)
class Degraded:
    """What a noise model returns.

    Attributes:
        noisy: the corrupted batch, (B, C, H, W), on the scale of the clean one; may leave [0, 1].
        sigma: the noise's standard deviation per sample on that scale, broadcastable to
            (B, 1, H, W), or None where the noise has none that is known.

    Example:
        >>> degraded = restorekit.Degraded(batch + 0.1)
        >>> degraded.noisy.shape, degraded.sigma
        (torch.Size([2, 3, 32, 32]), None)
    """

    noisy: Tensor
    sigma: Tensor | None = None


@dataclass(frozen=True)
class Restoration:
    """What an architecture returns.

    Attributes:
        image: the restored batch, (B, C, H, W).
        extras: whatever else its loss terms need by name, a VAE's mean and log-variance say.

    Example:
        >>> restoration = restorekit.Restoration(batch, {"mean": torch.zeros(2, 8)})
        >>> restoration.image.shape, list(restoration.extras)
        (torch.Size([2, 3, 32, 32]), ['mean'])
    """

    image: Tensor
    extras: Mapping[str, Tensor] = field(default_factory=dict)


def degrade(noise: Any, clean: Tensor, generator: Generator | None) -> Degraded:
    """What a noise model makes of a batch (B, C, H, W), by the generator if it takes one."""
    given = {"generator": generator} if takes(noise, "generator") else {}
    return as_degraded(noise(clean, **given))


def restore_batch(
    model: Callable[..., Restoration | Tensor], noisy: Tensor, sigma: Tensor | None = None
) -> Restoration:
    """What a model makes of a batch (B, C, H, W); `sigma` is passed on if the model takes it.

    Args:
        model: an architecture, also within torch.compile or data-parallel training.
        noisy: the batch, on the [0, 1] scale.
        sigma: the noise's standard deviation on that scale, broadcastable to (B, 1, H, W), or None.
    """
    given = {"sigma": sigma} if takes(model, "sigma") else {}
    return as_restoration(model(noisy, **given))


def as_degraded(output: Degraded | Tensor) -> Degraded:
    """A noise model's output, which may be a bare tensor, as a `Degraded` with sigma per sample."""
    if not isinstance(output, Degraded):
        return Degraded(_tensor(output, "noise model"))
    sigma = _per_sample(output.sigma, output.noisy)
    return output if sigma is output.sigma else Degraded(output.noisy, sigma)


def as_restoration(output: Restoration | Tensor) -> Restoration:
    """A model's output, which may be a bare tensor, as a `Restoration`."""
    return output if isinstance(output, Restoration) else Restoration(_tensor(output, "model"))


def takes(function: Any, parameter: str) -> bool:
    """Whether a callable can be given `parameter` by keyword (a model its sigma, say)."""
    # Calling a module or its wrapper calls its forward through a signature that takes anything.
    called = unwrap_model(function)
    parameters = inspect.signature(getattr(called, "forward", called)).parameters.values()
    return any(
        p.kind is p.VAR_KEYWORD or (p.name == parameter and p.kind is not p.POSITIONAL_ONLY)
        for p in parameters
    )


def unwrap_model(model: Model) -> Model:
    """The module inside the wrappers of torch.compile and data-parallel training."""
    while (inner := getattr(model, "_orig_mod", None) or _data_parallel(model)) is not None:
        model = inner
    return model


def _data_parallel(model: Any) -> Any:
    from torch.nn.parallel import DistributedDataParallel

    return model.module if isinstance(model, DistributedDataParallel) else None


def _per_sample(sigma: Any, noisy: Tensor) -> Tensor | None:
    """A lone number, or one a sample, as (B, 1, 1, 1); a map for all as one for each."""
    import torch

    if sigma is None:
        return None
    known: Tensor = torch.as_tensor(sigma, device=noisy.device)
    if known.ndim == 4 and len(known) == len(noisy):
        return known
    known = known.reshape(-1, 1, 1, 1) if known.ndim < 2 else known
    return known.expand(len(noisy), 1, *known.shape[-2:])


def _tensor(output: Any, maker: str) -> Tensor:
    import torch

    if not isinstance(output, torch.Tensor):
        raise InputError(f"a {maker} returned {type(output).__name__}, not a tensor or its record")
    return output
