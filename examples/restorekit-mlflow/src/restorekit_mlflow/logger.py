"""A logger that sends a training run to MLflow."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from restorekit.train.loggers.base import Logger, flat_config

_LONGEST = 6000  # characters of a parameter
_MOST = 100  # parameters in one call
_FILES = ("config.json", "metrics.jsonl", "best.safetensors", "last.safetensors", "validation.png")


class MLflow(Logger):
    """A run of MLflow: the configuration as parameters, the metrics, and the files at the end.

    The client has its own address of the server, so a run of the program that uses restorekit is
    left alone. A run that is resumed becomes a further run with the same tag "folder".

    Args:
        experiment: the experiment.
        name: the name of the run; that of its folder if null.
        tracking_uri: the server, or a database; MLFLOW_TRACKING_URI if null, and without that a
            file `mlflow.db` in the folder of the run.
        files: whether configuration, weights and pictures are copied when the run ends.
    """

    def __init__(
        self,
        folder: str | Path,
        experiment: str = "restorekit",
        name: str | None = None,
        tracking_uri: str | None = None,
        files: bool = True,
    ) -> None:
        super().__init__(folder)
        self.experiment, self.name, self.files = experiment, name, files
        self.tracking_uri = tracking_uri
        self._client: Any = None
        self._run = ""

    def begin(self, trainer: Any) -> None:
        folder = self.folder.absolute()
        own = f"sqlite:///{folder / 'mlflow.db'}"
        address = self.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or own
        self._client = MlflowClient(tracking_uri=address)
        found = self._client.get_experiment_by_name(self.experiment)
        # A server chooses the place of the files; a database has none.
        place = None if "://" in address and not address.startswith("sqlite") else folder / "mlruns"
        number = (
            found.experiment_id
            if found
            else self._client.create_experiment(self.experiment, place and place.as_uri())
        )
        run = self._client.create_run(
            number, run_name=self.name or folder.name, tags={"folder": str(folder)}
        )
        self._run = run.info.run_id
        config = flat_config(trainer.plan.resolved())
        params = [Param(key, str(value)[:_LONGEST]) for key, value in config.items()]
        for start in range(0, len(params), _MOST):
            self._client.log_batch(self._run, params=params[start : start + _MOST])

    def write(self, step: int, values: Mapping[str, float]) -> None:
        now = int(time.time() * 1000)
        # A colon, as in "validation/gaussian:25/psnr", is not allowed on every system.
        metrics = [Metric(k.replace(":", " "), float(v), now, step) for k, v in values.items()]
        self._client.log_batch(self._run, metrics=metrics)

    def end(self, error: BaseException | None) -> None:
        for path in (self.folder / name for name in _FILES if self.files):
            if path.is_file():
                self._client.log_artifact(self._run, str(path))
        self._client.set_terminated(self._run, "FINISHED" if error is None else "FAILED")
