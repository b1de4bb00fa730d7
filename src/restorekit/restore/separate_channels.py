"""Channels that do not share their detail: stains of a micrograph, bands of a spectrum.

A colour network takes detail that is in one channel only for noise, and lets it show in the others.
Such channels are restored one by one, as gray pictures.
"""

from __future__ import annotations

from collections import Counter
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
from restorekit.restore.noise_level import EstimatedLevel, NoiseLevel, is_for_all_channels
from restorekit.restore.safeguard.guard import Guard, Verdict

# The largest correlation between the gradients of two channels, for averages over squares of these
# sides, without what noise adds to the power of gradients. It is 0.57 or more in photographs, and
# at most 0.41 in micrographs of three stains.
_SIDES, _MOST_ALIKE = (4, 8), 0.48
# Gradients that have less power than this, relative to that of their noise, do not count.
_LEAST_POWER = 0.5

Channels = list[tuple[slice, ImageJob]]


def split_channels(job: ImageJob, options: DenoiseOptions) -> Channels:
    """Analyzed jobs for the channels of an image, as views of its memory, and their channels.

    Args:
        job: one analyzed image, without its impulses if it is colour: they look like detail that
            channels do not share.
        options: a noise level for each channel keeps all of them together, a strength for luma or
            chroma red, green and blue.

    Returns:
        The job itself if its channels belong together. Constant channels have no job.
    """
    canvas = job.canvas
    whole = slice(0, canvas.source.shape[1])
    if job.analysis is None or not is_for_all_channels(options.given_sigma, canvas):
        return [(whole, job)]
    has_own_strengths = options.strength_luma is not None or options.strength_chroma is not None
    places = _places(canvas, None if has_own_strengths else job.analysis)
    if places == [whole]:
        return [(whole, job)]
    canvas.leave(slice(None))  # no job writes constant channels
    return [(place, _part(job, place)) for place in places]


def join_channels(job: ImageJob, channels: Channels) -> None:
    """Record how the channels from `split_channels` were restored."""
    if channels[0][1] is job:
        return
    canvas, parts = job.canvas, [part for _, part in channels]
    count = canvas.source.shape[1]
    restored = [part for part in parts if part.reason is None]
    first = (restored or parts)[0]
    job.precision, job.tile = first.precision, first.tile
    job.shares = max(parts, key=lambda part: part.scales).shares
    job.stabilizer = next((part.stabilizer for part in restored if part.stabilizer), None)
    job.level = _joined_level(channels, count)
    job.choice = joined_choice([part.choice for part in restored or parts if part.choice])
    if not canvas.is_colour:
        removed = [part.impulses for part in parts]
        job.impulses = join_removed([*removed, *[None] * (count - len(parts))])
    models = {part.model for part in restored or parts}
    job.model = first.model if len(models) == 1 else AUTOMATIC
    # The reason of most channels, if none is restored.
    reasons = Counter(part.reason for part in parts)
    reason = None if restored else reasons.most_common(1)[0][0]
    job.guard = Guard(torch.zeros(1, count), [Verdict(reason)])


def _places(canvas: Canvas, analysis: Analysis | None) -> list[slice]:
    """Which channels belong together, without those that are constant.

    Args:
        canvas: one image.
        analysis: of the image; None if red, green and blue surely belong together.
    """
    count = canvas.source.shape[1]
    singles = [slice(index, index + 1) for index in range(count)]
    varying = [place for place in singles if not _is_constant(canvas.source[:, place])]
    if count == 1 or not varying:
        return [slice(0, count)]
    if not canvas.is_colour:
        return varying
    extra = [place for place in varying if place.start >= 3]
    if analysis is None:
        return [slice(0, 3), *extra]
    if len(varying) - len(extra) < 3 or _are_unlike(canvas, analysis):
        return varying
    return [slice(0, 3), *extra]


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
    return max(abs(float(correlations[pair])) for pair in combinations(range(3), 2))


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
    return ImageJob(
        job.opened._replace(canvas=view),
        job.precision,
        analysis=analyze_canvas(view, names=MEASUREMENTS),
        impulses=job.impulses,
        searched=job.searched,
    )


def _joined_level(channels: Channels, count: int) -> NoiseLevel | None:
    """The level of each channel; the estimate of a constant channel is 0."""
    levels = [part.level for _, part in channels]
    known = [level for level in levels if level is not None]
    if len(known) < len(levels):
        return None
    estimated = [level for level in known if isinstance(level, EstimatedLevel)]
    if len(estimated) < len(known):  # given, for all channels
        return NoiseLevel(known[0].sigma, known[0].reduction)
    sigma = torch.zeros(1, count, 1, 1)
    for (place, _), level in zip(channels, estimated, strict=True):
        sigma[:, place] = level.sigma.cpu()
    return EstimatedLevel(sigma, clean=(all(all(level.clean) for level in estimated),))


def joined_choice(choices: Sequence[Choice]) -> Choice:
    """The choice for channels that are restored apart: the first, with other networks in words."""
    first = choices[0]
    others = sorted({choice.model for choice in choices} - {first.model})
    is_same = len({choice.reason for choice in choices}) == 1
    reason = first.reason if is_same else first.reason.partition(",")[0]
    reason += "".join(f", {model} for others" for model in others)
    return replace(first, reason=f"{reason}, channels apart", level=None)
