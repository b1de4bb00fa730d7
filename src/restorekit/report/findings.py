"""Measurements on a picture before and after restoring it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restorekit.errors import InputError
from restorekit.pictures.pixel_values import TYPES, full_scale, rescale, to_unit
from restorekit.pictures.value_ranges import range_of
from restorekit.report.whiteness import LAGS, Whiteness, whiteness
from restorekit.restore.analysis import Analysis
from restorekit.restore.noise_estimation import estimate_sigma
from restorekit.restore.outcome import DenoiseOutcome
from restorekit.sampling import SIDE, even_tiles

Array = NDArray[Any]

_SAMPLE = 1_000_000  # pixels


def summary(
    before: Array,
    after: Array,
    outcome: DenoiseOutcome[object] | None = None,
    analysis: Analysis | None = None,
) -> dict[str, object]:
    """The numbers of a report, as JSON data.

    Pictures above one megapixel are sampled in evenly spread tiles.

    Args:
        before: (H, W, C) or (H, W), of a type and range that `Denoiser` supports.
        after: the restored picture.
        outcome: the result of `Denoiser.restore`; None omits the values that only it has.
        analysis: the analysis of the picture before it was restored; None omits it.

    Returns:
        "size" (width, height), "channels"; "noise_before" and "noise_after", the estimates per
        channel in 1/255; "residual" with its "std" in 1/255, its correlations ("lags", "edges",
        "strongest"), "significance", "threshold", the removed share of "detail" and the "verdict",
        one of "none removed", "white", "nearly white", "noise left", "coarse noise", "uneven noise"
        and "detail removed"; "peak_memory_mib" of the process, null if unknown; and from the
        outcome "model", "choice", "sigma" per channel in 1/255, "already_clean",
        "left_alone", "stabilized", "seconds", "tile", "precision", "scales", "impulses", "black",
        "white".
        "analysis" is that of `Analysis.to_dict`.

    Raises:
        InputError: the shapes or types differ, or are unsupported.
    """
    numbers = measure_change(*check_arrays(before, after, outcome), outcome)[0]
    return numbers if analysis is None else numbers | {"analysis": analysis.to_dict()}


def measure_change(
    before: Array, after: Array, outcome: DenoiseOutcome[object] | None = None
) -> tuple[dict[str, object], Whiteness]:
    """The numbers of `summary`, and the statistics of the residual.

    Args:
        before: from `check_arrays`.
        after: from `check_arrays`.
        outcome: as for `summary`.
    """
    height, width, channels = before.shape
    tiles_before, tiles_after = _tiles(before), _tiles(after)
    white = whiteness(tiles_before, tiles_after)
    numbers: dict[str, object] = {
        "size": [width, height],
        "channels": channels,
        "noise_before": _in_255(_noise(tiles_before)),
        "noise_after": _in_255(_noise(tiles_after)),
        "residual": {
            "std": round(white.std * 255, 4),
            "lags": {f"{y},{x}": round(r, 5) for (y, x), r in zip(LAGS, white.lags, strict=True)},
            "edges": round(white.edges, 5),
            "strongest": round(white.strongest, 5),
            "significance": round(white.significance, 3),
            "threshold": round(white.threshold, 3),
            "detail": round(white.detail, 3),
            "verdict": white.verdict,
        },
        "peak_memory_mib": peak_memory(),
    }
    if outcome is not None:
        numbers |= {
            "model": outcome.model,
            "choice": None if outcome.choice is None else outcome.choice.words,
            "sigma": _in_255(outcome.sigma),
            "already_clean": outcome.already_clean,
            "left_alone": outcome.left_alone,
            "stabilized": outcome.stabilized,
            "seconds": round(outcome.seconds, 3),
            "tile": outcome.tile,
            "precision": outcome.precision,
            "scales": outcome.scales,
            "impulses": outcome.impulses,
            "black": outcome.black,
            "white": outcome.white,
        }
    return numbers, white


def check_arrays(
    before: Array, after: Array, outcome: DenoiseOutcome[object] | None = None
) -> tuple[Array, Array]:
    """Convert both to (H, W, C), and to floats if white is not the largest value of their type.

    Pixels without a value become black in both.

    Raises:
        InputError: the shapes or types differ, or are unsupported.
    """
    if before.shape != after.shape or before.dtype != after.dtype:
        raise InputError(
            f"before and after are of one shape and type, not {before.shape} {before.dtype} "
            f"and {after.shape} {after.dtype}"
        )
    if before.ndim == 2:
        before, after = before[..., None], after[..., None]
    if before.ndim != 3 or not before.size:
        raise InputError(f"a picture is (H, W, C), not {before.shape}")
    if before.dtype.newbyteorder("=") not in TYPES:
        raise InputError(f"a picture is of integers or floats, not {before.dtype}")
    given = (None, None) if outcome is None else (outcome.black, outcome.white)
    known = range_of(before, *given)
    is_plain = (known.black, known.white) == (0.0, full_scale(before.dtype))
    if is_plain and (before.dtype.kind != "f" or np.isfinite(before).all()):
        return before, after
    one, other = (to_unit(each, known.white, known.black) for each in (before, after))
    # Equal in both, so that such pixels have no residual.
    return np.nan_to_num(one, posinf=1, neginf=0), np.nan_to_num(other, posinf=1, neginf=0)


def as_unit(pixels: Array) -> NDArray[np.float32]:
    """Convert pixels to float32 on the [0, 1] scale; floats keep their values."""
    return rescale(pixels, np.dtype(np.float32))


def peak_memory() -> float | None:
    """Peak memory of this process in MiB; None if the system does not report it."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)


def _tiles(picture: Array) -> Tensor:
    """The whole picture, or evenly spread tiles of it, (tiles, C, h, w)."""
    places = even_tiles(picture.shape[0], picture.shape[1], _SAMPLE)
    if places is None:
        chosen = picture[None]
    else:
        tops, lefts = places
        chosen = np.stack([picture[y : y + SIDE, x : x + SIDE] for y in tops for x in lefts])
    return torch.from_numpy(np.ascontiguousarray(as_unit(chosen).transpose(0, 3, 1, 2)))


def _noise(tiles: Tensor) -> Tensor:
    """The noise of each channel, (C,), of all tiles joined to one picture."""
    return estimate_sigma(torch.cat(tuple(tiles), -1)[None])[0]


def _in_255(sigma: Iterable[Any]) -> list[float]:
    return [round(float(value) * 255, 3) for value in sigma]
