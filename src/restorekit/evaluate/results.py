"""What a benchmark found, as records and as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restorekit.atomic import atomic_path
from restorekit.errors import DataError
from restorekit.evaluate.pictures import Data
from restorekit.evaluate.protocol import Protocol

FORMAT = 1


@dataclass(frozen=True)
class Measured:
    """One picture under one noise through one model.

    PSNR in dB; None where it is infinite, which is where two pictures are equal.
    """

    name: str
    psnr_noisy: float | None
    psnr: float | None
    ssim_noisy: float
    ssim: float
    seconds_per_megapixel: float


@dataclass(frozen=True)
class Row:
    """One model under one noise: means over the pictures.

    Attributes:
        model: its label.
        noise: the noise's label; "real" for pairs.
        pictures: what was measured of each picture.
        parameters: how many weights the model has.
        seconds_per_megapixel: the median over the pictures, or of runs at one size.
        timed: what was timed, in words.
        peak_megabytes: memory at the peak while restoring, of the process, or on a GPU of its
            tensors; None where it cannot be told.
        precision: what the model ran in.
        tile: side of the tiles in pixels; None for whole pictures.
    """

    model: str
    noise: str
    pictures: tuple[Measured, ...]
    parameters: int
    seconds_per_megapixel: float
    timed: str
    peak_megabytes: float | None = None
    precision: str = "float32"
    tile: int | None = None

    @property
    def psnr_noisy(self) -> float:
        """Mean PSNR of the noisy pictures."""
        return _mean([_number(picture.psnr_noisy) for picture in self.pictures])

    @property
    def psnr(self) -> float:
        """Mean PSNR of the restored pictures."""
        return _mean([_number(picture.psnr) for picture in self.pictures])

    @property
    def ssim_noisy(self) -> float:
        """Mean SSIM of the noisy pictures."""
        return _mean([picture.ssim_noisy for picture in self.pictures])

    @property
    def ssim(self) -> float:
        """Mean SSIM of the restored pictures."""
        return _mean([picture.ssim for picture in self.pictures])

    @property
    def changes(self) -> list[float]:
        """By how many dB the model changed each picture."""
        return [_change(picture) for picture in self.pictures]

    @property
    def worst_change(self) -> float:
        """The least gain, or the greatest loss, of any picture in dB."""
        return min(self.changes)

    @property
    def worsened(self) -> int:
        """How many pictures came out worse than they went in."""
        return sum(change < 0.0 for change in self.changes)


@dataclass(frozen=True)
class Refusal:
    """A row that is not there, for a mean over fewer pictures would be compared with the others.

    Attributes:
        model: the model's label.
        noise: the noise's label.
        picture: the name of the picture that the model failed on.
        size: its width and height.
        reason: what the model said.
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
            f"({width}x{height} pixels): {self.reason}; leave out the picture, or the model"
        )


@dataclass(frozen=True)
class Environment:
    """Where it was measured."""

    restorekit: str
    torch: str
    python: str
    device: str
    processor: str
    threads: int
    precision: str

    def describe(self) -> str:
        """In one line, for people."""
        return (
            f"restorekit {self.restorekit}, torch {self.torch}, Python {self.python}, "
            f"{self.device} ({self.processor}), {self.threads} threads, precision {self.precision}"
        )


@dataclass(frozen=True)
class Results:
    """Rows, what has none, and all that is needed to get them again."""

    protocol: Protocol
    data: Data
    noises: Mapping[str, Any]
    environment: Environment
    rows: tuple[Row, ...]
    refusals: tuple[Refusal, ...] = ()
    format: int = FORMAT

    def as_json(self) -> dict[str, Any]:
        """As JSON has it, with the means of each row beside its pictures."""
        plain: dict[str, Any] = dataclasses.asdict(self)
        for row, written in zip(self.rows, plain["rows"], strict=True):
            written["means"] = {
                name: _finite(getattr(row, name))
                for name in ("psnr_noisy", "psnr", "ssim_noisy", "ssim", "worst_change")
            } | {"worsened": row.worsened}
        return plain


def write_json(results: Results, path: str | os.PathLike[str]) -> None:
    """Write results as JSON, whole or not at all."""
    text = json.dumps(results.as_json(), indent=1, allow_nan=False)
    with atomic_path(Path(path)) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: str | os.PathLike[str]) -> Results:
    """Read what `write_json` wrote.

    Raises:
        DataError: the file is missing, or is no such JSON.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        given = json.loads(Path(path).read_text(encoding="utf-8"))
        return TypeAdapter(Results).validate_python(given)
    except (OSError, ValueError, ValidationError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"'{path}': no results of restorekit benchmark ({reason})") from error


def _change(picture: Measured) -> float:
    before, after = _number(picture.psnr_noisy), _number(picture.psnr)
    return 0.0 if before == after else after - before


def _mean(values: list[float]) -> float:
    return math.inf if math.inf in values else statistics.fmean(values)


def _number(value: float | None) -> float:
    return math.inf if value is None else value


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
