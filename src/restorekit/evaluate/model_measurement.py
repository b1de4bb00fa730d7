"""Measuring models under noises: quality, time and memory."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor

from restorekit.config.noise_expressions import NamedNoise
from restorekit.data.patches import center_patch
from restorekit.errors import in_one_line
from restorekit.evaluate.benchmark_pictures import BenchmarkPicture, as_float
from restorekit.evaluate.benchmark_results import BenchmarkRow, PictureScores, Refusal
from restorekit.evaluate.candidates import Candidate
from restorekit.evaluate.peak_memory import watch_memory
from restorekit.evaluate.protocol import Protocol
from restorekit.metric.image_quality import psnr, ssim
from restorekit.metric.named_metrics import NamedMetric
from restorekit.records import Degraded
from restorekit.restore.denoiser import Denoiser

REAL = "real"
_RUNS, _LONG = 5, 10.0  # how often a fixed size is timed, and after how many seconds only once


class _RefusedError(Exception):
    """A model failed on a picture; `refusal` takes the place of its row."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.describe())
        self.refusal = refusal


@contextmanager
def _trying(candidate: Candidate, noise: str, picture: BenchmarkPicture) -> Iterator[None]:
    """Turn any error of a model on a picture into a refusal of its row."""
    try:
        yield
    except Exception as error:
        height, width = picture.image.shape[1:]
        size, reason = (width, height), in_one_line(error)
        raise _RefusedError(Refusal(candidate.label, noise, picture.name, size, reason)) from error


def measure_models(
    candidates: Sequence[Candidate],
    pictures: Sequence[BenchmarkPicture],
    noises: Sequence[NamedNoise],
    protocol: Protocol,
    speed_size: int | None,
    metrics: Sequence[NamedMetric],
) -> Iterator[BenchmarkRow | Refusal]:
    """Measure each model under each noise, noises first; a model that fails gets a refusal.

    Args:
        candidates: the models.
        pictures: the pictures.
        noises: the noises; empty if the pictures have real noise.
        protocol: how to measure.
        speed_size: the side of the square for which the time is measured; None for the pictures.
        metrics: metrics in addition to PSNR and SSIM.
    """
    cases: list[NamedNoise | None] = [*noises] or [None]
    for noise in cases:
        for candidate in candidates:
            try:
                row = _measure_model(candidate, pictures, noise, protocol, speed_size, metrics)
            except _RefusedError as refused:
                yield refused.refusal
            else:
                yield row


def _measure_model(
    candidate: Candidate,
    pictures: Sequence[BenchmarkPicture],
    noise: NamedNoise | None,
    protocol: Protocol,
    speed_size: int | None,
    metrics: Sequence[NamedMetric],
) -> BenchmarkRow:
    """Measure one model under one noise, or the real noise of the pictures if it is None.

    Raises:
        _RefusedError: the model fails on a picture.
    """
    label = REAL if noise is None else noise.label
    first = next(_noisy(pictures[:1], noise, protocol))[1]
    denoiser = candidate.with_sigma(_level(first, protocol))
    memory = watch_memory(candidate.device)
    with _trying(candidate, label, pictures[0]):
        outcome = denoiser.restore(first.noisy)  # also the warm-up before the timing
    measured = []
    for picture, degraded in _noisy(pictures, noise, protocol):
        denoiser = candidate.with_sigma(_level(degraded, protocol))
        with _trying(candidate, label, picture):
            restored, seconds = _timed(denoiser, degraded.noisy)
        measured.append(_scores(picture, degraded, restored, seconds, protocol, metrics))
    peak = memory()
    if speed_size is None:
        speed = statistics.median(picture.seconds_per_megapixel for picture in measured)
        timed = "median over the pictures"
    else:
        with _trying(candidate, label, pictures[0]):
            speed = _speed_at(denoiser, first.noisy, speed_size)
        timed = f"{speed_size}x{speed_size} pixels"
    return BenchmarkRow(
        model=candidate.label,
        noise=label,
        pictures=tuple(measured),
        parameters=candidate.parameters,
        seconds_per_megapixel=speed,
        timed=timed,
        peak_megabytes=peak,
        precision=outcome.precision,
        tile=outcome.tile,
    )


def _scores(
    picture: BenchmarkPicture,
    degraded: Degraded,
    restored: Tensor,
    seconds: float,
    protocol: Protocol,
    metrics: Sequence[NamedMetric],
) -> PictureScores:
    clean = None if picture.clean is None else protocol.inside(as_float(picture.clean))
    before, after = protocol.finish_input(degraded.noisy), protocol.finish(restored)
    unclamped = protocol.inside(degraded.noisy)
    return PictureScores(
        name=picture.name,
        psnr_noisy=_decibels(before, clean),
        psnr_unclamped=_decibels(unclamped, clean, clamp=False),
        psnr=_decibels(after, clean),
        ssim_noisy=None if clean is None else float(ssim(before, clean)),
        ssim=None if clean is None else float(ssim(after, clean)),
        seconds_per_megapixel=seconds / picture.megapixels,
        metrics_noisy={m.name: _finite(m.measure(before, clean)) for m in metrics},
        metrics={m.name: _finite(m.measure(after, clean)) for m in metrics},
    )


def _noisy(
    pictures: Sequence[BenchmarkPicture], noise: NamedNoise | None, protocol: Protocol
) -> Iterator[tuple[BenchmarkPicture, Degraded]]:
    for picture in pictures:
        if picture.noisy is not None:
            yield picture, Degraded(as_float(picture.noisy))
        elif noise is not None:
            yield picture, protocol.degrade(as_float(picture.image), noise)


def _level(degraded: Degraded, protocol: Protocol) -> float | None:
    """The standard deviation of the noise (RMS of a map); None if the model shall estimate it."""
    if degraded.sigma is None or not protocol.is_sigma_given:
        return None
    return float(degraded.sigma.double().square().mean().sqrt())


def _timed(denoiser: Denoiser, noisy: Tensor) -> tuple[Tensor, float]:
    began = time.perf_counter()
    restored = denoiser(noisy)  # the result is on the CPU, so a GPU has finished its work
    return restored, time.perf_counter() - began


def _speed_at(denoiser: Denoiser, noisy: Tensor, size: int) -> float:
    """Seconds per megapixel for a square of a noisy picture, mirrored if it is smaller."""
    square = center_patch(noisy[0], size)[None]
    seconds = [_timed(denoiser, square)[1]]
    if seconds[0] < _LONG:
        seconds = [_timed(denoiser, square)[1] for _ in range(_RUNS)]
    return statistics.median(seconds) / (size * size / 1e6)


def _decibels(image: Tensor, clean: Tensor | None, clamp: bool = True) -> float | None:
    return None if clean is None else _finite(psnr(image, clean, clamp=clamp))


def _finite(values: Tensor) -> float | None:
    value = float(values)
    return None if value == float("inf") else value
