"""Compare models on a folder of pictures, with the same noise for all of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from os import PathLike

from restorekit.config.noise_expressions import NamedNoise, read_noises
from restorekit.devices import resolve_device
from restorekit.errors import ArgumentError
from restorekit.evaluate.benchmark_pictures import BenchmarkPicture, Pairs, read_data
from restorekit.evaluate.benchmark_results import BenchmarkResults, BenchmarkRow, Refusal
from restorekit.evaluate.candidates import Models, label_models, load_candidates
from restorekit.evaluate.environment import describe_environment
from restorekit.evaluate.model_identity import identify_model
from restorekit.evaluate.model_measurement import measure_models
from restorekit.evaluate.protocol import Protocol
from restorekit.evaluate.result_files import AnyPath, ResultFiles
from restorekit.metric.named_metrics import MetricLike, NamedMetric, read_metrics
from restorekit.restore.tiles.tile_size import TileSize

LOGGER = logging.getLogger(__name__)


def benchmark(
    models: Models,
    folder: str | PathLike[str],
    noises: str | Sequence[str | Mapping[str, object]] = (),
    protocol: Protocol | None = None,
    *,
    pairs: Pairs = False,
    noisy: bool = False,
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
            `pairs` or `noisy` is given.
        protocol: how to measure; None for the protocol of the published tables.
        pairs: measure real noise on pairs of a clean and a noisy picture. True finds them by their
            names ("a_gt.png", "noisy/a.png"); two patterns or a CSV file are used as by
            `restorekit.data.pairs.find_pairs`.
        noisy: the pictures of the folder are noisy themselves and no clean ones are known. Only
            `metrics` without a reference are measured, such as niqe.
        precision: the precision of networks, as for `Denoiser`.
        tile: the tile size of networks, as for `Denoiser`.
        device: the device of networks, as for `Denoiser`.
        speed_size: measure the time for a square of that many pixels, as the median of five runs,
            or as one run if it takes more than 10 seconds; None to measure it for each picture.
        metrics: metrics in addition to PSNR and SSIM, as names, with arguments as in
            "niqe:statistics=model.npz", or as {"name": ..., argument: ...}.
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
    named = read_noises(noises)
    _check_request(named, pairs is not False, noisy, protocol, speed_size)
    files = ResultFiles(json, markdown, plot)
    place = resolve_device(device)
    given = label_models(models)
    candidates = load_candidates(
        given, place, precision, tile, protocol.stabilize, protocol.estimator
    )
    measured = _metrics(metrics)
    if noisy:
        _check_blind(measured, plot)
    pictures, data = read_data(folder, protocol, pairs, noisy)
    _check_sizes(measured, pictures, protocol)
    done = BenchmarkResults(
        protocol=protocol,
        data=data,
        noises={noise.label: dict(noise.spec) for noise in named},
        environment=describe_environment(place, precision),
        models={c.label: identify_model(given[c.label], c.denoiser.model) for c in candidates},
        rows=(),
        metrics={metric.name: metric.higher_is_better for metric in measured},
        metric_options=tuple(metric.text for metric in measured),
    )
    for outcome in measure_models(candidates, pictures, named, protocol, speed_size, measured):
        result = outcome.reason if isinstance(outcome, Refusal) else _summary(outcome)
        LOGGER.info("model '%s', noise '%s': %s", outcome.model, outcome.noise, result)
        done = _with_outcome(done, outcome)
        files.update(done)
        if report is not None:
            report(done)
    files.finish(done)
    return done


def _with_outcome(done: BenchmarkResults, outcome: BenchmarkRow | Refusal) -> BenchmarkResults:
    if isinstance(outcome, Refusal):
        return replace(done, refusals=(*done.refusals, outcome))
    return replace(done, rows=(*done.rows, outcome))


def _summary(row: BenchmarkRow) -> str:
    if row.has_clean:
        return f"{row.psnr:.2f} dB"
    return ", ".join(f"{name} {row.mean(name):.4f}" for name in row.pictures[0].metrics)


def _check_request(
    noises: Sequence[NamedNoise],
    paired: bool,
    noisy: bool,
    protocol: Protocol,
    speed_size: int | None,
) -> None:
    """Check what can be checked before any model or picture is read."""
    real = paired or noisy
    if paired and noisy:
        raise ArgumentError("give pairs, or noisy pictures of which no clean ones are known")
    if real and noises:
        real_ones = "pairs of pictures" if paired else "pictures"
        raise ArgumentError(f"give noises, or {real_ones} with real noise (not both)")
    if not real and not noises:
        raise ArgumentError(
            "give noises, or pairs of pictures with real noise, or noisy pictures alone"
        )
    if real and (protocol.clip or protocol.quantize or protocol.generator != "restorekit"):
        raise ArgumentError(
            "the pictures have real noise; the protocol cannot clip, quantise or generate it"
        )
    if speed_size is not None and speed_size < 1:
        raise ArgumentError(f"speed_size must be at least 1 pixel, not {speed_size}")


def _metrics(given: str | Sequence[MetricLike]) -> tuple[NamedMetric, ...]:
    """The metrics to measure besides PSNR and SSIM, which are always measured."""
    several = [given] if isinstance(given, str) else given
    return tuple(read_metrics(each for each in several if each not in ("psnr", "ssim")).values())


def _check_blind(metrics: Sequence[NamedMetric], plot: AnyPath | None) -> None:
    """Check that no clean picture is needed.

    Raises:
        ArgumentError: a metric compares with the clean picture, or there is none to measure.
    """
    needing = [metric.name for metric in metrics if not metric.no_reference]
    if needing or not metrics:
        found = f"'{needing[0]}' compares with it" if needing else "none is given"
        raise ArgumentError(
            "without clean pictures only metrics that need none can be measured, such as niqe and "
            f"brisque; {found}"
        )
    if plot is not None:
        raise ArgumentError("the plot shows PSNR, which cannot be measured without clean pictures")


def _check_sizes(
    metrics: Sequence[NamedMetric], pictures: Sequence[BenchmarkPicture], protocol: Protocol
) -> None:
    for metric in metrics:
        for picture in pictures:
            measured = protocol.inside(picture.image)
            if not metric.fits(measured):
                height, width = measured.shape[-2:]
                raise ArgumentError(
                    f"metric '{metric.name}' needs pictures of at least {metric.least_side}x"
                    f"{metric.least_side} pixels; '{picture.name}' has {width}x{height}"
                )
