"""The results of a benchmark, as records and as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import shlex
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from restorekit.errors import DataError
from restorekit.evaluate.benchmark_pictures import PictureSet
from restorekit.evaluate.model_identity import ModelIdentity
from restorekit.evaluate.protocol import VERSION, Protocol
from restorekit.storage.atomic import atomic_path

FORMAT = 2
_OWN_PRECISION = "auto"


@dataclass(frozen=True)
class PictureScores:
    """The scores of one model on one picture under one noise.

    PSNR is in dB, and None if it is infinite because the pictures are equal. PSNR and SSIM are None
    where no clean picture is known. `psnr_noisy` is for
    the input clamped to [0, 1], as it would be in a file; `psnr_unclamped` is for the input of the
    model. `metrics_noisy` and `metrics` are the additional metrics.
    """

    name: str
    psnr_noisy: float | None
    psnr_unclamped: float | None
    psnr: float | None
    ssim_noisy: float | None
    ssim: float | None
    seconds_per_megapixel: float
    metrics_noisy: Mapping[str, float | None] = field(default_factory=dict)
    metrics: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class BenchmarkRow:
    """One model under one noise: means over the pictures.

    PSNR and SSIM are NaN where no clean pictures are known.

    Attributes:
        model: label of the model.
        noise: label of the noise; "real" for pairs and for noisy pictures alone.
        pictures: the scores of each picture.
        parameters: number of weights of the model.
        seconds_per_megapixel: median over the pictures, or over runs at one size.
        timed: description of what was timed.
        peak_megabytes: peak memory during the restoration, of the process, or on a GPU of its
            tensors; None if the system does not report it.
        precision: precision of the model.
        tile: side of the tiles in pixels; None for whole pictures.
    """

    model: str
    noise: str
    pictures: tuple[PictureScores, ...]
    parameters: int
    seconds_per_megapixel: float
    timed: str
    peak_megabytes: float | None = None
    precision: str = "float32"
    tile: int | None = None

    @property
    def has_clean(self) -> bool:
        """Whether clean pictures are known, with which the others are compared."""
        return all(picture.ssim is not None for picture in self.pictures)

    @property
    def psnr_noisy(self) -> float:
        """Mean PSNR of the noisy pictures, clamped to [0, 1]."""
        return self._compared(picture.psnr_noisy for picture in self.pictures)

    @property
    def psnr_unclamped(self) -> float:
        """Mean PSNR of the noisy pictures without clamping, as the model receives them."""
        return self._compared(picture.psnr_unclamped for picture in self.pictures)

    @property
    def psnr(self) -> float:
        """Mean PSNR of the restored pictures."""
        return self._compared(picture.psnr for picture in self.pictures)

    @property
    def ssim_noisy(self) -> float:
        """Mean SSIM of the noisy pictures."""
        return self._compared(picture.ssim_noisy for picture in self.pictures)

    @property
    def ssim(self) -> float:
        """Mean SSIM of the restored pictures."""
        return self._compared(picture.ssim for picture in self.pictures)

    def mean(self, metric: str) -> float:
        """Mean of another metric of the restored pictures."""
        return _mean([_number(picture.metrics[metric]) for picture in self.pictures])

    def mean_noisy(self, metric: str) -> float:
        """Mean of another metric of the noisy pictures."""
        return _mean([_number(picture.metrics_noisy[metric]) for picture in self.pictures])

    @property
    def changes(self) -> list[float]:
        """The change of PSNR by the model for each picture, in dB; none without clean pictures."""
        return [_change(picture) for picture in self.pictures] if self.has_clean else []

    @property
    def worst_change(self) -> float:
        """The smallest change of PSNR over the pictures, in dB; negative for a loss."""
        return min(self.changes, default=math.nan)

    @property
    def worsened(self) -> int:
        """The number of pictures whose PSNR decreased."""
        return sum(change < 0.0 for change in self.changes)

    def _compared(self, values: Iterable[float | None]) -> float:
        """The mean of values of a comparison with clean pictures, None of them for infinity."""
        return _mean([_number(value) for value in values]) if self.has_clean else math.nan


@dataclass(frozen=True)
class Refusal:
    """A row that is missing because the model failed on a picture.

    A mean over the other pictures would not be comparable with the rows of other models.

    Attributes:
        model: label of the model.
        noise: label of the noise.
        picture: name of the picture that the model failed on.
        size: width and height of the picture.
        reason: message of the error.
    """

    model: str
    noise: str
    picture: str
    size: tuple[int, int]
    reason: str

    def describe(self) -> str:
        """In one line, for people."""
        width, height = self.size
        return (
            f"{self.model} under {self.noise} is not measured: it fails on '{self.picture}' "
            f"({width}x{height} pixels): {self.reason}; remove the picture or the model"
        )


@dataclass(frozen=True)
class Environment:
    """The machine and versions of a measurement."""

    restorekit: str
    torch: str
    python: str
    device: str
    processor: str
    threads: int
    precision: str
    date: str

    def describe(self) -> str:
        """In one line, for people."""
        return (
            f"restorekit {self.restorekit}, torch {self.torch}, Python {self.python}, "
            f"{self.device} ({self.processor}), {self.threads} threads, "
            f"precision {self.precision}, {self.date}"
        )


@dataclass(frozen=True)
class BenchmarkResults:
    """The rows and refusals of a benchmark, and everything needed to reproduce them.

    `metrics` are the metrics in addition to PSNR and SSIM, each with whether higher is better;
    `metric_options` is how the command line names them.
    """

    protocol: Protocol
    data: PictureSet
    noises: Mapping[str, object]
    environment: Environment
    models: Mapping[str, ModelIdentity]
    rows: tuple[BenchmarkRow, ...]
    refusals: tuple[Refusal, ...] = ()
    metrics: Mapping[str, bool] = field(default_factory=dict)
    metric_options: tuple[str, ...] = ()
    protocol_version: int = VERSION
    format: int = FORMAT

    @property
    def command(self) -> str | None:
        """The command that reproduces the results; None if a model was a module in Python.

        A label that differs from the model is written as LABEL=MODEL. The folder is written by its
        name only.
        """
        words = ["restorekit", "benchmark"]
        for label, model in self.models.items():
            if model.given is None:
                return None
            words.append(label if label == model.given else f"{label}={model.given}")
        words += ["--data", self.data.folder, *self.data.options]
        words += [word for text in _joined(self.noises) for word in ("--noise", text)]
        words += self.protocol.options
        # Results of earlier versions have the names only.
        named = self.metric_options or tuple(self.metrics)
        words += [word for name in named for word in ("--metric", name)]
        if self.environment.precision != _OWN_PRECISION:
            words += ["--precision", self.environment.precision]
        return shlex.join(words)

    def as_json(self) -> dict[str, object]:
        """The results as a JSON object, with the means of each row."""
        rows = [{**dataclasses.asdict(row), "means": self.means(row)} for row in self.rows]
        return {"command": self.command, **dataclasses.asdict(self), "rows": rows}

    def means(self, row: BenchmarkRow) -> dict[str, float | None]:
        """The means of a row by name, with those of the additional metrics; None if infinite."""
        means = {name: _finite(getattr(row, name)) for name in _MEANS}
        further = {name: _finite(row.mean(name)) for name in self.metrics}
        return {**means, "worsened": row.worsened, **further}


_MEANS = ("psnr_noisy", "psnr_unclamped", "psnr", "ssim_noisy", "ssim", "worst_change")


def write_json(results: BenchmarkResults, path: str | os.PathLike[str]) -> None:
    """Write results as JSON. An error leaves an existing file unchanged."""
    text = json.dumps(results.as_json(), indent=1, allow_nan=False)
    with atomic_path(Path(path)) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: str | os.PathLike[str]) -> BenchmarkResults:
    """Read results that `write_json` wrote.

    Raises:
        DataError: the file is missing, or has other content.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        given = json.loads(Path(path).read_text(encoding="utf-8"))
        # Before the validation, whose message about missing fields would not say why.
        if isinstance(given, dict) and given.get("format", FORMAT) != FORMAT:
            raise ValueError(f"format {given['format']}, not {FORMAT}; measure again")
        return TypeAdapter(BenchmarkResults).validate_python(given)
    except (OSError, ValueError, ValidationError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"'{path}': not a result of restorekit benchmark ({reason})") from error


def _joined(labels: Iterable[str]) -> list[str]:
    """Noises in short form: gaussian:15 and gaussian:25 become gaussian:15,25."""
    joined: list[str] = []
    for label in labels:
        name, _, value = label.partition(":")
        # Only bare values of the same noise; one with keys has a comma of its own.
        if joined and re.fullmatch(rf"{re.escape(name)}:[\w.,]+ [\w.]+", f"{joined[-1]} {value}"):
            joined[-1] += f",{value}"
        else:
            joined.append(label)
    return joined


def _change(picture: PictureScores) -> float:
    before, after = _number(picture.psnr_noisy), _number(picture.psnr)
    # Two infinite values have no difference.
    return 0.0 if before == after else after - before


def _mean(values: list[float]) -> float:
    return math.inf if math.inf in values else statistics.fmean(values)


def _number(value: float | None) -> float:
    return math.inf if value is None else value


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
