"""Channels that do not share their detail: stains of a micrograph, bands of a spectrum.

A colour network takes detail that is in one channel only for noise, and lets it show in the others.
Such channels are restored one by one, as gray pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.restore.analysis import Analysis, analyze_canvas, image_sample
from restorekit.restore.canvas import Canvas
from restorekit.restore.choice import MEASUREMENTS, Choice
from restorekit.restore.denoise_options import AUTOMATIC, DenoiseOptions
from restorekit.restore.image_job import ImageJob
from restorekit.restore.impulse_removal.remove import join_removed
from restorekit.restore.noise_level import EstimatedLevel, NoiseLevel
from restorekit.restore.safeguard.guard import Guard, Verdict

# The largest correlation between the gradients of two channels, for averages over squares of these
# sides, without what noise adds to the power of gradients. It is 0.57 or more in photographs, and
# at most 0.41 in micrographs of three stains.
_SIDES, _MOST_ALIKE = (4, 8), 0.48
# Gradients that have less power than this, relative to that of their noise, do not count.
_LEAST_POWER = 0.5

Channels = list[tuple[slice, ImageJob]]


def split_channels(job: ImageJob, options: DenoiseOptions) -> Channels:
    """Jobs for the channels of an image, with views of its memory, and which channels they have.

    Args:
        job: one image, which is analyzed if it has several channels.
        options: the channels stay together if a noise level or a strength is given for each.

    Returns:
        The job itself if its channels belong together. Constant channels have no job.
    """
    canvas = job.canvas
    count = canvas.source.shape[1]
    if count == 1 or not _may_split(options):
        return [(slice(0, count), job)]
    if job.analysis is None:
        job.analysis = analyze_canvas(canvas, names=MEASUREMENTS)
    places = _places(canvas, job.analysis)
    if len(places) == 1 and places[0] == slice(0, count):
        return [(places[0], job)]
    return [(place, _part(job, place)) for place in places]


def join_channels(job: ImageJob, channels: Channels) -> None:
    """Record how the channels from `split_channels` were restored."""
    if channels[0][1] is job:
        return
    canvas, parts = job.canvas, [part for _, part in channels]
    count = canvas.source.shape[1]
    restored = {index for place, _ in channels for index in range(count)[place]}
    if not canvas.is_in_place:
        for index in set(range(count)) - restored:
            canvas.result[:, index] = canvas.source[:, index]
    first = next((part for part in parts if part.reason is None), parts[0])
    job.precision, job.tile, job.model = first.precision, first.tile, first.model
    job.shares = max(parts, key=lambda part: part.scales).shares
    job.stabilizer = next((part.stabilizer for part in parts if part.stabilizer), None)
    job.level = _joined_level(channels, count)
    # Each channel counts once in the share of the values that were impulses.
    removed = [part.impulses for place, part in channels for _ in range(count)[place]]
    job.impulses = join_removed([*removed, *[None] * (count - len(restored))])
    job.choice = _joined_choice([part.choice for part in parts if part.reason == first.reason])
    if job.choice is not None:
        job.model = job.choice.model
    reasons = {part.reason for part in parts}
    if None not in reasons:
        reason = reasons.pop() if len(reasons) == 1 else "unclear"
        job.guard = Guard(torch.zeros(1, count), [Verdict(reason)])


def _may_split(options: DenoiseOptions) -> bool:
    is_for_all = options.given_sigma is None or isinstance(options.given_sigma, int | float)
    return is_for_all and options.strength_luma is None and options.strength_chroma is None


def _places(canvas: Canvas, analysis: Analysis) -> list[slice]:
    """Which channels belong together, without those that are constant."""
    count = canvas.source.shape[1]
    singles = [slice(index, index + 1) for index in range(count)]
    varying = [place for place in singles if not _is_constant(canvas.source[:, place])]
    if not varying:
        return [slice(0, count)]
    if not canvas.is_colour:
        return varying
    colours = singles[:3]
    if not all(place in varying for place in colours) or _are_unlike(canvas, analysis):
        return varying
    return [slice(0, 3), *varying[3:]]


def _is_constant(channel: Tensor) -> bool:
    first = channel[..., :1, :1]
    few = channel[..., ::61, ::61]
    return torch.equal(few, first.expand_as(few)) and torch.equal(channel, first.expand_as(channel))


def _are_unlike(canvas: Canvas, analysis: Analysis) -> bool:
    """Whether the three colours do not share their detail, which noise does not hide."""
    if canvas.is_neutral:
        return False
    pieces = image_sample(canvas).pieces[:, :3]
    found = [_alikeness(pieces, side, analysis) for side in _SIDES]
    known = [each for each in found if each is not None]
    return bool(known) and max(known) < _MOST_ALIKE


def _alikeness(pieces: Tensor, side: int, analysis: Analysis) -> float | None:
    """The largest correlation between the gradients of two channels; None if noise hides it.

    Args:
        pieces: (N, 3, h, w).
        side: of the squares over which channels are averaged, a power of two.
        analysis: has the noise of the averages.
    """
    if min(pieces.shape[-2:]) < 4 * side:
        return None
    averages = functional.avg_pool2d(pieces, side).transpose(0, 1).double()
    gradients = torch.cat([averages.diff(dim=axis).flatten(1) for axis in (2, 3)], 1)
    products = gradients @ gradients.T / gradients.shape[1]
    levels = torch.tensor(
        [scales[side.bit_length() - 1] for scales in analysis.noise_scales.channels]
    )
    of_noise = 2 * levels[:3].double().square()
    power = products.diag() - of_noise
    if bool((power <= _LEAST_POWER * of_noise).any()):
        return None
    correlations = products / (power[:, None] * power).sqrt()
    return max(float(correlations[pair]) for pair in combinations(range(3), 2))


def _part(job: ImageJob, place: slice) -> ImageJob:
    canvas = job.canvas
    # The kept pixels are copied into the whole result, when it is finished.
    view = replace(
        canvas,
        source=canvas.source[:, place],
        result=canvas.result[:, place],
        kept=None,
        quantization=(),
    )
    return ImageJob(job.opened._replace(canvas=view), job.precision)


def _joined_level(channels: Channels, count: int) -> NoiseLevel | None:
    """The levels of all channels; those of constant channels are 0."""
    levels = [part.level for _, part in channels]
    known = [level for level in levels if level is not None]
    if len(known) < len(levels):
        return None
    sigma = torch.zeros(1, count, *known[0].sigma.shape[2:])
    for (place, _), level in zip(channels, known, strict=True):
        sigma[:, place] = level.sigma.cpu()
    estimated = [level for level in known if isinstance(level, EstimatedLevel)]
    if len(estimated) < len(known):
        return NoiseLevel(sigma, known[0].reduction)
    clean = all(all(level.clean) for level in estimated)
    return EstimatedLevel(sigma, known[0].reduction, None, (clean,))


def _joined_choice(choices: Sequence[Choice | None]) -> Choice | None:
    known = [choice for choice in choices if choice is not None]
    if not known:
        return None
    reasons, models = {choice.reason for choice in known}, {choice.model for choice in known}
    return replace(
        known[0],
        model=models.pop() if len(models) == 1 else AUTOMATIC,
        reason=f"{reasons.pop() if len(reasons) == 1 else 'noise'}, each channel on its own",
        level=None,
    )
