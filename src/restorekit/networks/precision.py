"""Which number format a network computes in: bfloat16 where it is native and costs no quality."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from restorekit.devices import native_dtype
from restorekit.networks.probe_images import probe_noise, probe_picture

_SIDE = 128
# Sigma, and the PSNR that the best networks reach there on photographs: a network that does worse
# on a made-up picture must not be granted more of an error for it.
_BEST = ((5 / 255, 40.0), (25 / 255, 31.5))
_ALLOWED_DB = 0.01
_WORTH_IT = 64 * 64  # pixels


def is_large_enough(size: tuple[int, int]) -> bool:
    """Whether an image is so large that a faster format is faster."""
    return size[0] * size[1] >= _WORTH_IT


def lossless_dtype(
    run: Callable[[Tensor, float], Tensor], channels: int, device: torch.device
) -> torch.dtype | None:
    """The native format below float32, if a network restores as well in it.

    Measured on a made-up picture with weak and with medium noise: what differs from float32 must in
    neither be enough to take 0.01 dB from a restored picture as good as the best networks make it.

    Args:
        run: the network as a function of a batch and sigma.
        channels: how many it takes.
        device: where it computes.

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
        except Exception:  # a network may not take this size, or not this format
            return None
        allowed = 10 ** (-best / 10) * (10 ** (_ALLOWED_DB / 10) - 1)
        if not float((half - full).square().mean()) < allowed:
            return None
    return dtype
