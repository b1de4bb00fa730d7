"""Measures the grid on which the tiles of a network must start, if it does not declare it.

A network that halves its input five times treats a picture that begins 16 pixels later differently:
its grid is 32 pixels. The picture is cut by some multiple of pixels; if the result far from the cut
is the same, that multiple is on the grid.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from restorekit.networks.probe_images import probe_noise, probe_picture

ForwardFunction = Callable[[Tensor, float], Tensor]

_STEP = 16  # grids that are tried are multiples of it
_MOST = 128
_LENGTH, _WIDTH = 384, 64
_COMPARED = 16  # last rows, which are furthest from the cut
SIGMA = 0.2
# A wrong grid changes a trained network by several 8-bit levels; this is 1/40 of a level.
_TOLERANCE = 1e-4


def measure_alignment(run: ForwardFunction, channels: int) -> int | None:
    """The smallest multiple of 16 pixels on which the tiles of a network can start.

    Args:
        run: the network as a function of a batch and sigma.
        channels: number of channels of the network.

    Returns:
        The grid in pixels, at most 128; None if none is right, for example because the network uses
        statistics of the whole picture.
    """
    clean = probe_picture(channels, _LENGTH, _WIDTH)
    noisy = clean + probe_noise(clean, SIGMA)
    whole = run(noisy, SIGMA)
    grids = range(_STEP, _MOST + 1, _STEP)
    return next((grid for grid in grids if keeps_result(run, noisy, whole, grid)), None)


def keeps_result(run: ForwardFunction, noisy: Tensor, whole: Tensor, cut: int) -> bool:
    """Whether the last rows of a result stay the same if the first `cut` rows are left out.

    Args:
        run: the network as a function of a batch and sigma.
        noisy: its input, (1, C, H, W).
        whole: its result for that.
        cut: number of rows, smaller than H.
    """
    rest = run(noisy[..., cut:, :].contiguous(), SIGMA)
    difference = (rest - whole[..., cut:, :])[..., -_COMPARED:, :].abs().max()
    # NaN is a difference too.
    return bool(difference <= _TOLERANCE * max(1.0, float(whole.abs().max())))
