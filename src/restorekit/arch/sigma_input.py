"""The noise level as an input of a network."""

from __future__ import annotations

import torch
from torch import Tensor

from restorekit.errors import InputError


def required_sigma(sigma: Tensor | None, noisy: Tensor, model: str, hint: str = "") -> Tensor:
    """The noise level that a model was called with.

    Args:
        sigma: the argument of its `forward`.
        noisy: batch, (B, C, H, W).
        model: the registered name of the model, for the message.
        hint: what else would work, for the message.

    Raises:
        InputError: it is None, or has a shape that does not fit the batch.
    """
    if sigma is None:
        more = f"; {hint}" if hint else ""
        raise InputError(
            f"model '{model}' needs sigma, the standard deviation of the noise on the scale of "
            f"[0, 1]{more}"
        )
    check_sigma(sigma, noisy, model)
    return sigma


def check_sigma(sigma: Tensor, noisy: Tensor, model: str) -> None:
    """Check that a noise level fits a batch.

    Args:
        sigma: the argument of `forward`.
        noisy: batch, (B, C, H, W).
        model: the registered name of the model, for the message.

    Raises:
        InputError: it is not a tensor, or not broadcastable to (B, 1, H, W).
    """
    if torch.compiler.is_compiling():  # a comparison of sizes would fix them in the graph
        return
    if not isinstance(sigma, Tensor):
        raise InputError(
            f"model '{model}' takes sigma as a tensor, not {type(sigma).__name__}; for one level "
            "use torch.full((1, 1, 1, 1), level)"
        )
    wanted = (noisy.shape[0], 1, *noisy.shape[-2:])
    sizes = zip(reversed(sigma.shape), reversed(wanted), strict=False)
    if sigma.ndim > len(wanted) or any(size not in (1, most) for size, most in sizes):
        raise InputError(
            f"model '{model}' takes sigma of a shape such as (B, 1, 1, 1) or (B, 1, H, W), not "
            f"{tuple(sigma.shape)} with a batch {tuple(noisy.shape)}"
        )


def sigma_map(sigma: Tensor | None, noisy: Tensor, model: str, hint: str = "") -> Tensor:
    """The noise level of each pixel of a batch.

    Args:
        sigma: standard deviation, broadcastable to (B, 1, H, W).
        noisy: batch, (B, C, H, W).
        model: the registered name of the model, for the message.
        hint: what else would work, for the message.

    Returns:
        (B, 1, H, W), with the dtype and the device of `noisy`.

    Raises:
        InputError: `sigma` is None, or has a shape that does not fit the batch.

    Example:
        >>> sigma_map(torch.tensor(0.1), torch.rand(2, 3, 8, 9), "fdncnn").shape
        torch.Size([2, 1, 8, 9])
    """
    # noisy.shape[0] and not len(noisy): len() is a constant in an exported graph, which would then
    # accept one batch size only.
    level = required_sigma(sigma, noisy, model, hint).to(noisy)
    return level.expand(noisy.shape[0], 1, *noisy.shape[-2:])
