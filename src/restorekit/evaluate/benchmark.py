"""Compare models on a folder of pictures, with the same noise for all of them."""

from __future__ import annotations

import importlib.metadata
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor, nn

from restorekit.config.noise_expressions import NamedNoise, read_noises
from restorekit.data.patches import center_patch
from restorekit.devices import resolve_device
from restorekit.errors import ArgumentError, in_one_line
from restorekit.evaluate.benchmark_pictures import BenchmarkPicture, Pairs, as_float, read_data
from restorekit.evaluate.benchmark_results import (
    BenchmarkResults,
    BenchmarkRow,
    Environment,
    PictureScores,
    Refusal,
)
from restorekit.evaluate.model_identity import identify_model
from restorekit.evaluate.peak_memory import watch_memory
from restorekit.evaluate.protocol import Protocol
from restorekit.evaluate.result_files import AnyPath, ResultFiles
from restorekit.metric.image_quality import psnr, ssim
from restorekit.metric.named_metrics import MetricLike, NamedMetric, read_metrics
from restorekit.networks.loading import ModelLike
from restorekit.networks.network import model_name
from restorekit.records import Degraded
from restorekit.restore.denoiser import Denoiser
from restorekit.restore.tiles.tile_size import TileSize

REAL = "real"
_RUNS, _LONG = 5, 10.0  # how often a fixed size is timed, and after how many seconds only once


def benchmark(
    models: ModelLike | Sequence[ModelLike] | Mapping[str, ModelLike],
    folder: str | PathLike[str],
    noises: str | Sequence[str | Mapping[str, object]] = (),
    protocol: Protocol | None = None,
    *,
    pairs: Pairs = False,
    precision: str = "auto",
    tile: TileSize = "auto",
    device: str = "auto",
    speed_size: int | None = None,
    metrics: str | Sequence[MetricLike] = (),
    json: AnyPath | None = None,
    markdown: AnyPath | None = None,
    plot: AnyPath | None = None,
    report: Callable[[BenchmarkResults], None] | None = None,
) -> BenchmarkResults:
    """Measure quality and speed of models under given noises.

    The noisy pictures are restored by `restorekit.restore.denoiser.Denoiser`, so precision and
    tiles are those of `denoise`. Each model restores one picture before the time is measured. A
    model that fails on a picture gets a refusal instead of a row for that noise.

    Args:
        models: modules, weights files, folders of training runs, names of bundled weights, or
            registered models without weights ("tv", "median:switching=true"); or a mapping from
            labels to these.
        folder: the folder of the pictures.
        noises: noise expressions (see `restorekit.config.noise_expressions.read_noises`); empty if
            `pairs` is given.
        protocol: how to measure; None for the protocol of the published tables.
        pairs: measure real noise on pairs of a clean and a noisy picture. True finds them by their
            names ("a_gt.png", "noisy/a.png"); two patterns or a CSV file are used as by
            `restorekit.data.pairs.find_pairs`.
        precision: the precision of networks, as for `Denoiser`.
        tile: the tile size of networks, as for `Denoiser`.
        device: the device of networks, as for `Denoiser`.
        speed_size: measure the time for a square of that many pixels, as the median of five runs,
            or as one run if it takes more than 10 seconds; None to measure it for each picture.
        metrics: metrics in addition to PSNR and SSIM, as names or {"name": ..., argument: ...}.
        json: a file for the results as JSON, updated after each row.
        markdown: a file for a Markdown table, updated after each row.
        plot: a .png, .svg or .pdf file for a plot of PSNR against seconds per megapixel.
        report: called with the results so far after each row or refusal.

    Returns:
        A row or a refusal for each noise and model, noises first, models in the given order.

    Raises:
        RestoreKitError: a model, a noise, a picture or an argument is invalid.

    Example:
        >>> from PIL import Image
        >>> Image.fromarray(image).save("a.png")
        >>> results = restorekit.benchmark(["median"], ".", "gaussian:25")
        >>> row = results.rows[0]
        >>> row.model, row.noise, row.psnr > row.psnr_noisy
        ('median', 'gaussian:25', True)
    """
    protocol = protocol or Protocol()
    real = pairs is not False
    if real == bool(named := read_noises(noises)):
        both = " (not both)" * real
        raise ArgumentError(f"give noises, or pairs of pictures with real noise{both}")
    if real and (protocol.clip or protocol.quantize or protocol.generator != "restorekit"):
        raise ArgumentError(
            "pairs have real noise; the protocol cannot clip, quantise or generate it"
        )
    if speed_size is not None and speed_size < 1:
        raise ArgumentError(f"speed_size must be at least 1 pixel, not {speed_size}")
    files = ResultFiles(json, markdown, plot)
    place = resolve_device(device)
    given = dict(_labelled(models))
    # force=True, to measure the network and not the safeguard that limits its changes.
    candidates = [
        Candidate(
            label,
            Denoiser(model, device=place, precision=precision, tile=tile, force=True),
            place,
        )
        for label, model in given.items()
    ]
    pictures, data = read_data(folder, protocol, pairs)
    measured = _metrics([metrics] if isinstance(metrics, str) else metrics)
    _check_sizes(measured, pictures, protocol)
    done = BenchmarkResults(
        protocol=protocol,
        data=data,
        noises={noise.label: dict(noise.spec) for noise in named},
        environment=_environment(place, precision),
        models={
            each.label: identify_model(given[each.label], each.denoiser.model)
            for each in candidates
        },
        rows=(),
        metrics={metric.name: metric.higher_is_better for metric in measured},
    )
    cases: list[NamedNoise | None] = [*named] or [None]
    for noise in cases:
        for candidate in candidates:
            try:
                row = _measure(candidate, pictures, noise, protocol, speed_size, measured)
                done = replace(done, rows=(*done.rows, row))
            except _RefusedError as refused:
                done = replace(done, refusals=(*done.refusals, refused.refusal))
            files.update(done)
            if report is not None:
                report(done)
    files.finish(done)
    return done


@dataclass(frozen=True)
class Candidate:
    """A model that is measured."""

    label: str
    denoiser: Denoiser
    device: torch.device

    @property
    def parameters(self) -> int:
        """The number of its weights."""
        return sum(parameter.numel() for parameter in self.denoiser.model.parameters())

    def with_sigma(self, sigma: float | None) -> Denoiser:
        """The model for a noise level, if it uses the noise level at all."""
        return self.denoiser.with_sigma(sigma) if self.denoiser.uses_sigma else self.denoiser


class _RefusedError(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.describe())
        self.refusal = refusal


@contextmanager
def _trying(candidate: Candidate, noise: str, picture: BenchmarkPicture) -> Iterator[None]:
    """Turn any error of a model on a picture into a refusal of its row."""
    try:
        yield
    except Exception as error:
        height, width = picture.clean.shape[1:]
        size, reason = (width, height), in_one_line(error)
        raise _RefusedError(Refusal(candidate.label, noise, picture.name, size, reason)) from error


def _measure(
    candidate: Candidate,
    pictures: Sequence[BenchmarkPicture],
    noise: NamedNoise | None,
    protocol: Protocol,
    speed_size: int | None,
    metrics: Sequence[NamedMetric],
) -> BenchmarkRow:
    """Measure one model under one noise."""
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
        clean = protocol.inside(as_float(picture.clean))
        before, after = protocol.finish_input(degraded.noisy), protocol.finish(restored)
        measured.append(
            PictureScores(
                picture.name,
                _decibels(before, clean),
                _decibels(protocol.inside(degraded.noisy), clean, clamp=False),
                _decibels(after, clean),
                float(ssim(before, clean)),
                float(ssim(after, clean)),
                seconds / picture.megapixels,
                {m.name: _finite(m.measure(before, clean)) for m in metrics},
                {m.name: _finite(m.measure(after, clean)) for m in metrics},
            )
        )
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


def _noisy(
    pictures: Sequence[BenchmarkPicture], noise: NamedNoise | None, protocol: Protocol
) -> Iterator[tuple[BenchmarkPicture, Degraded]]:
    for picture in pictures:
        if picture.noisy is not None:
            yield picture, Degraded(as_float(picture.noisy))
        elif noise is not None:
            yield picture, protocol.degrade(as_float(picture.clean), noise)


def _level(degraded: Degraded, protocol: Protocol) -> float | None:
    """The standard deviation of the noise (RMS of a map); None if the model shall estimate it."""
    if degraded.sigma is None or protocol.sigma == "estimated":
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


def _decibels(image: Tensor, clean: Tensor, clamp: bool = True) -> float | None:
    return _finite(psnr(image, clean, clamp=clamp))


def _finite(values: Tensor) -> float | None:
    value = float(values)
    return None if value == float("inf") else value


def _metrics(given: Sequence[MetricLike]) -> tuple[NamedMetric, ...]:
    """The metrics to measure besides PSNR and SSIM, which are always measured."""
    return tuple(read_metrics(each for each in given if each not in ("psnr", "ssim")).values())


def _check_sizes(
    metrics: Sequence[NamedMetric], pictures: Sequence[BenchmarkPicture], protocol: Protocol
) -> None:
    for metric in metrics:
        for picture in pictures:
            measured = protocol.inside(picture.clean)
            if not metric.fits(measured):
                height, width = measured.shape[-2:]
                raise ArgumentError(
                    f"metric '{metric.name}' needs pictures of at least {metric.least_side}x"
                    f"{metric.least_side} pixels; '{picture.name}' has {width}x{height}"
                )


def _labelled(
    given: ModelLike | Sequence[ModelLike] | Mapping[str, ModelLike],
) -> list[tuple[str, ModelLike]]:
    if isinstance(given, Mapping):
        pairs = list(given.items())
    else:
        several = [given] if isinstance(given, (nn.Module, str, PathLike)) else given
        pairs = [(model_name(model), model) for model in several]
    if not pairs:
        raise ArgumentError("no model given")
    labels = [label for label, _ in pairs]
    for label in labels:
        if labels.count(label) > 1:
            raise ArgumentError(f"two models have the label '{label}'; give them distinct labels")
    return pairs


def _environment(device: torch.device, precision: str) -> Environment:
    on_gpu = device.type == "cuda"
    return Environment(
        restorekit=importlib.metadata.version("restorekit"),
        torch=torch.__version__,
        python=platform.python_version(),
        device=str(device),
        processor=torch.cuda.get_device_name(device) if on_gpu else _processor(),
        threads=torch.get_num_threads(),
        precision=precision,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
