"""The noise level as an input of a network."""

from __future__ import annotations

from torch import Tensor

from restorekit.errors import InputError


def required_sigma(sigma: Tensor | None, model: str, hint: str = "") -> Tensor:
    """The noise level that a model was called with.

    Args:
        sigma: the argument of its `forward`.
        model: the registered name of the model, for the message.
        hint: what else would work, for the message.

    Raises:
        InputError: it is None.
    """
    if sigma is None:
        more = f"; {hint}" if hint else ""
        raise InputError(
            f"model '{model}' needs sigma, the standard deviation of the noise on the scale of "
            f"[0, 1]{more}"
        )
    return sigma


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
        InputError: `sigma` is None.

    Example:
        >>> sigma_map(torch.tensor(0.1), torch.rand(2, 3, 8, 9), "fdncnn").shape
        torch.Size([2, 1, 8, 9])
    """
    # noisy.shape[0] and not len(noisy): len() is a constant in an exported graph, which would then
    # accept one batch size only.
    level = required_sigma(sigma, model, hint).to(noisy)
    return level.expand(noisy.shape[0], 1, *noisy.shape[-2:])
