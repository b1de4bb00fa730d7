"""What a run leaves in its folder; the main process alone writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from restorekit.errors import ImageFileError, warn
from restorekit.storage.atomic import atomic_path
from restorekit.storage.temporaries import sweep
from restorekit.train.checkpoint import (
    CONFIG,
    STATE,
    RunState,
    load_state,
    save_state,
    set_checkpoint_aside,
)
from restorekit.train.config_changes import check_changes
from restorekit.train.dataset_pictures import pictures_digest
from restorekit.train.history import History
from restorekit.train.metric_rows import TrainingRow, ValidationRow
from restorekit.train.processes import Processes
from restorekit.train.train_plan import TrainPlan
from restorekit.train.validation import Validation
from restorekit.train.validation_images import draw_rows
from restorekit.weights import WeightsCard, save_model


@dataclass(frozen=True)
class TrainOutcome:
    """The result of a training run.

    Attributes:
        folder: folder of the weights, the metrics and the loss map.
        step: number of steps done.
        best: results of the best validation; empty without validation.
        skipped: number of steps that were skipped because loss or gradient were not finite.
        exit_code: 0 at the end of the run or its time limit; 143 or 130 after SIGTERM or SIGINT.

    Example:
        >>> from pathlib import Path
        >>> outcome = restorekit.TrainOutcome(Path("run"), step=1000, best={"psnr": 31.5})
        >>> outcome.best["psnr"], outcome.exit_code
        (31.5, 0)
    """

    folder: Path
    step: int
    best: ValidationRow
    skipped: int = 0
    exit_code: int = 0


class RunFolder:
    """Metrics, loss map, validation pictures, weights and training state of a run.

    Args:
        plan: the run.
        processes: this process among those of the run.
        pictures: the identities of the pictures that are trained on.
    """

    def __init__(self, plan: TrainPlan, processes: Processes, pictures: Sequence[Hashable]) -> None:
        self.plan, self.processes, self.pictures = plan, processes, pictures
        self.folder: Path = plan.folder
        self.history = History(self.folder)

    @cached_property
    def _training_pictures(self) -> dict[str, object]:
        """How many pictures are trained on, and their digest, which takes a while to read."""
        return {"count": len(self.pictures), "digest": pictures_digest(self.pictures)}

    @property
    def checkpoint(self) -> Path | None:
        """The training state to go back to, if there is one."""
        path = self.folder / STATE
        return path if path.is_file() else None

    def load(self, say: Callable[[str], None]) -> RunState | None:
        """The state to resume from, None if there is none; does not change the folder.

        Args:
            say: called with a line for each damaged file and one for settings that differ.

        Raises:
            CheckpointError: there is a training state, and none is whole, or it is of another
                model.
        """
        state = load_state(self.folder, say)
        if state is not None:
            check_changes(self.folder / CONFIG, self.plan.resolved(), say)
        self.processes.wait()  # all processes have read the files before the first one writes
        return state

    def begin(self, step: int, keep: bool, say: Callable[[str], None]) -> None:
        """Prepare the folder for a run that starts after `step`.

        Args:
            step: 0, or what is taken up.
            keep: whether what is there is the run's own; if not, it is moved aside.
            say: called with a line on what was moved.
        """
        if self.processes.is_main:
            self.folder.mkdir(parents=True, exist_ok=True)
            sweep(self.folder)
            if not keep and (aside := set_checkpoint_aside(self.folder)) is not None:
                say(f"the earlier run was moved to {aside}")
            self.history.resume(step)
            with atomic_path(self.folder / CONFIG) as temporary:
                temporary.write_text(json.dumps(self.plan.resolved(), indent=2) + "\n")

    def log(self, step: int, row: TrainingRow) -> None:
        """Keep what was measured in training."""
        if self.processes.is_main:
            self.history.add("train", step, row)

    def validated(self, step: int, measured: ValidationRow, validation: Validation) -> None:
        """Record the results of a validation, and draw its pictures.

        Warns:
            RestoreWarning: it cannot be drawn; the run goes on.
        """
        if not self.processes.is_main:
            return
        if measured:
            self.history.add("validation", step, measured)
        try:
            draw_rows(validation.shown if measured else (), self.folder / "validation.png")
            self.history.draw()
        except ImageFileError as error:  # a picture that cannot be drawn must not end the run
            warn(f"step {step}: {error}")

    def save_weights(self, name: str, step: int, weights: dict[str, Tensor]) -> None:
        """Write weights with their card: "last" or "best"."""
        if self.processes.is_main:
            metrics = self.history.last("validation")
            card: WeightsCard = {
                **self.plan.card(),
                "step": step,
                "metrics": metrics,
                "training_pictures": self._training_pictures,
                "torch": torch.__version__,
                "date": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            save_model(self.plan.model, self.folder / f"{name}.safetensors", card, weights)

    def save_state(self, state: RunState) -> None:
        """Write the training state."""
        if self.processes.is_main:
            # Before the state, so that the records are never behind the step from which a run
            # resumes.
            self.history.flush()
            save_state(self.folder, state)
