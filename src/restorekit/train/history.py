"""What a run measured: `metrics.jsonl`, a line a record, and `loss_map.png` drawn from it."""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from torch import Tensor

from restorekit.data.folder import METRICS
from restorekit.pictures.file_errors import drawing_errors
from restorekit.storage.atomic import append_bytes, atomic_path, flush
from restorekit.train.metric_rows import HistoryRow, TrainingRow, ValidationRow
from restorekit.train.processes import Processes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Phase = Literal["train", "validation"]
_PHASES = get_args(Phase)


class History:
    """The records of a run, in memory and on disk.

    A row has "step", "epoch", "phase" ("train" or "validation"), "loss", each term under "terms",
    and what else its phase measures (learning rate, images a second; PSNR, SSIM).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / METRICS
        self.rows: list[HistoryRow] = []

    def resume(self, step: int) -> None:
        """Take up the records of an earlier part of the run, up to and with `step`."""
        # Rows after the training state were measured by steps that are now repeated.
        self.rows = [row for row in read_history(self.folder) if row["step"] <= step]
        with atomic_path(self.path) as temporary:
            temporary.write_text("".join(json.dumps(row) + "\n" for row in self.rows))

    def add(
        self,
        phase: Phase,
        step: int,
        values: TrainingRow | ValidationRow,
    ) -> None:
        """Append a record."""
        row: HistoryRow = _as_json({"step": step, "phase": phase, **values})
        self.rows.append(row)
        append_bytes(self.path, f"{json.dumps(row)}\n".encode())

    def flush(self) -> None:
        """Have the disk hold what was added."""
        if self.path.is_file():
            flush(self.path)

    def last(self, phase: Phase) -> HistoryRow:
        """The newest record of a phase, empty where there is none."""
        return next((row for row in reversed(self.rows) if row["phase"] == phase), HistoryRow())

    def draw(self) -> Path:
        """Draw the loss map: the total loss and every term, in training and validation.

        Raises:
            ImageFileError: it cannot be drawn.
        """
        path = self.folder / "loss_map.png"
        with drawing_errors(path), atomic_path(path) as temporary:
            self._figure().savefig(temporary, dpi=100)
        return path

    def _figure(self) -> Figure:
        from matplotlib.figure import Figure

        names = ["loss", *dict.fromkeys(name for row in self.rows for name in row["terms"])]
        figure = Figure(figsize=(4 * len(names), 3.2), layout="constrained")
        axes = figure.subplots(1, len(names), squeeze=False)[0]
        for axis, name in zip(axes, names, strict=True):
            for phase, (steps, values) in self._curves(name).items():
                axis.plot(steps, values, label=phase, marker="." if len(steps) < 30 else "")
            axis.set_title("total, weighted" if name == "loss" else name)
            axis.set_xlabel("step")
            axis.grid(alpha=0.3)
            if axis.lines:
                axis.legend()
        return figure

    def _curves(self, name: str) -> dict[str, tuple[list[int], list[float]]]:
        curves: dict[str, tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
        for row in self.rows:
            value = row["loss"] if name == "loss" else row["terms"].get(name)
            if value is not None:
                curves[row["phase"]][0].append(row["step"])
                curves[row["phase"]][1].append(value)
        return curves


def read_history(folder: Path) -> list[HistoryRow]:
    """The rows of `metrics.jsonl` in the folder of a run; damaged lines are left out.

    Args:
        folder: the folder; without the file the result is empty.
    """
    path = folder / METRICS
    lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
    return [row for row in map(_parse, lines) if row is not None]


class Meter:
    """Means over the steps since the last reading, of all processes, and images a second."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._sums: dict[str, Tensor | float] = {}
        self._steps = self._images = 0
        self._began = time.perf_counter()

    def add(self, measured: Mapping[str, Tensor], images: int) -> None:
        """Take in a step; nothing is fetched from the device."""
        for name, value in measured.items():
            # Added on the device: reading a number would wait for the GPU at every step.
            self._sums[name] = self._sums.get(name, 0) + value
        self._steps, self._images = self._steps + 1, self._images + images

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The time spent in this block does not count."""
        since = time.perf_counter()
        yield
        self._began += time.perf_counter() - since

    def read(self) -> tuple[dict[str, float], float]:
        """The means and images a second since the last reading."""
        means = {name: total / self._steps for name, total in self._total().items()}
        rate = self._images / (time.perf_counter() - self._began)
        self._sums, self._steps, self._images = {}, 0, 0
        self._began = time.perf_counter()
        return means, rate

    def state_dict(self) -> dict[str, object]:
        """What has been taken in since the last reading."""
        return {"sums": self._total(), "steps": self._steps}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take up what was taken in before; the main process holds it for all."""
        self._steps = state_dict["steps"]
        # The stored sums are those of all processes, so one of them takes the whole.
        if self._processes.is_main:
            self._sums = dict(state_dict["sums"])
        else:
            self._sums = dict.fromkeys(state_dict["sums"], 0.0)

    def _total(self) -> dict[str, float]:
        return {name: float(v) for name, v in self._processes.sum(self._sums).items()}


def _as_json(value: Any) -> Any:
    """A record as JSON has it: what is not finite becomes null."""
    if isinstance(value, Mapping):
        return {key: _as_json(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _parse(line: str) -> HistoryRow | None:
    try:
        row = json.loads(line)
    except json.JSONDecodeError:  # the incomplete last line of a run that was killed
        return None
    is_row = isinstance(row, dict) and type(row.get("step")) is int and row.get("phase") in _PHASES
    return cast(HistoryRow, row) if is_row else None
