"""The precision of a network: bfloat16 if the hardware supports it and quality is not reduced."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from restorekit.devices import native_dtype
from restorekit.networks.probe_images import probe_noise, probe_picture

_SIDE = 128
# Sigma, and the PSNR of the best networks on photographs at this level. A network that is worse on
# the synthetic picture must not be allowed a larger error.
_BEST = ((5 / 255, 40.0), (25 / 255, 31.5))
_ALLOWED_DB = 0.01
_WORTH_IT = 64 * 64  # pixels


def is_large_enough(size: tuple[int, int]) -> bool:
    """Whether an image is large enough for reduced precision to save time."""
    return size[0] * size[1] >= _WORTH_IT


def lossless_dtype(
    run: Callable[[Tensor, float], Tensor], channels: int, device: torch.device
) -> torch.dtype | None:
    """The native dtype below float32, if a network restores equally well in it.

    Measured on a synthetic picture with weak and with medium noise. The difference to float32 must
    be too small to reduce the PSNR of the best networks by 0.01 dB.

    Args:
        run: the network as a function of a batch and sigma.
        channels: number of channels of the network.
        device: device of the network.

    Returns:
        bfloat16, or None for float32.
    """
    dtype = native_dtype(device)
    if dtype is None:
        return None
    clean = probe_picture(channels, _SIDE, _SIDE)
    for sigma, best in _BEST:
        noisy = clean + probe_noise(clean, sigma)
        try:
            full = run(noisy, sigma).float().cpu()
            with torch.autocast(device.type, dtype):
                half = run(noisy, sigma).float().cpu()
        except Exception:  # a network may not support this size or dtype
            return None
        allowed = 10 ** (-best / 10) * (10 ** (_ALLOWED_DB / 10) - 1)
        if not float((half - full).square().mean()) < allowed:
            return None
    return dtype
