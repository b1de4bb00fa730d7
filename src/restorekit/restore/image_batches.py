"""Running a network on several images, those that are alike as a batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from restorekit.devices import dtype_of
from restorekit.networks.network import Network
from restorekit.networks.precision import is_large_enough
from restorekit.restore.canvas import group_alike, join_canvases
from restorekit.restore.denoise_options import DenoiseOptions
from restorekit.restore.image_job import ImageJob
from restorekit.restore.level_choice import LevelChoice
from restorekit.restore.noise_level import NoiseLevel, join_levels
from restorekit.restore.pipeline import Pipeline
from restorekit.restore.safeguard.guard import join_guards
from restorekit.restore.several_scales import join_shares
from restorekit.restore.tiles.stitch import pixels_at_once

_Given = tuple[ImageJob, NoiseLevel | None]  # an image, and the level that its network is given


def run_jobs(
    jobs: Sequence[ImageJob], pipeline: Pipeline, levels: LevelChoice, options: DenoiseOptions
) -> None:
    """Restore images, and record the tile and the precision of each.

    Args:
        jobs: the images, with their levels and guards.
        pipeline: runs the network.
        levels: chooses what the network is given.
        options: how the images are restored.
    """
    # Those that are left alone are taken out first, so that batches are full. The images of a batch
    # are restored at the same scales, and all of them with a level or all without.
    kinds: dict[tuple[int, bool], list[_Given]] = {}
    for job in jobs:
        if options.strength_of(job.canvas).is_zero or job.reason is not None:
            job.canvas.leave(slice(None))
        else:
            level = levels.for_network(job, options)
            kinds.setdefault((job.scales, level is None), []).append((job, level))
    for alike in kinds.values():
        canvases = [job.canvas for job, _ in alike]
        for group in group_alike(canvases, pixels_at_once(pipeline.network)):
            _run_batch([alike[index] for index in group], pipeline, options)


def _run_batch(given: Sequence[_Given], pipeline: Pipeline, options: DenoiseOptions) -> None:
    network = pipeline.network
    batch = [job for job, _ in given]
    level = join_levels([each for _, each in given])
    dtype = _autocast_dtype(network, options.precision, batch[0].canvas.size)
    with (
        join_canvases([job.canvas for job in batch]) as canvas,
        join_guards([job.guard for job in batch]) as guard,
    ):
        shares = join_shares([job.shares for job in batch])
        tile = pipeline.run(canvas, level, options, dtype, guard, shares)
        canvas.removed = None
    for job in batch:
        job.tile = tile
        job.precision = str(dtype or network.dtype).removeprefix("torch.")


def _autocast_dtype(network: Network, precision: str, size: tuple[int, int]) -> torch.dtype | None:
    """The dtype of autocast for an image of this size; None if the network runs as it is."""
    if not network.is_torch:
        return None
    if precision == "auto":
        return network.lossless_dtype if is_large_enough(size) else None
    return dtype_of(precision)
