"""A run in a database of its own, read back with MLflow's client."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from mlflow import MlflowClient

import restorekit


def train(folder: Path, logger: Any, **more: Any) -> restorekit.TrainOutcome:
    images = list(torch.rand(6, 3, 16, 16, generator=torch.Generator().manual_seed(0)))
    trainer = restorekit.Trainer(
        model={"name": "dncnn", "depth": 3, "width": 4},
        noise={"name": "gaussian", "std": 0.1},
        dataset=images,
        save_weight_path=folder,
        steps=4,
        batch_size=2,
        log_every=1,
        logger=logger,
        **more,
    )
    return trainer.fit()


def runs_of(address: str, experiment: str = "restorekit") -> tuple[MlflowClient, list[Any]]:
    client = MlflowClient(tracking_uri=address)
    found = client.get_experiment_by_name(experiment)
    return client, list(client.search_runs([found.experiment_id]))


def test_a_run_is_kept_in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parameters, the metrics of every step, and the weights."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = tmp_path / "run"
    train(folder, "mlflow")
    client, (run,) = runs_of(f"sqlite:///{folder / 'mlflow.db'}")
    assert run.info.status == "FINISHED"
    assert (run.data.params["model.name"], run.data.params["train.steps"]) == ("dncnn", "4")
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    logged = client.get_metric_history(run.info.run_id, "train/loss")
    assert {each.step: each.value for each in logged} == {
        row["step"]: row["loss"] for row in rows if row["phase"] == "train"
    }
    kept = {each.path for each in client.list_artifacts(run.info.run_id)}
    assert {"config.json", "metrics.jsonl", "last.safetensors"} <= kept


def test_arguments_choose_experiment_name_and_place(tmp_path: Path) -> None:
    """Two runs in one database, without their files."""
    address = f"sqlite:///{tmp_path / 'all.db'}"
    for number in range(2):
        logger = {
            "name": "mlflow",
            "experiment": "noise",
            "tracking_uri": address,
            "files": False,
        }
        train(tmp_path / f"run{number}", logger)
    client, runs = runs_of(address, "noise")
    assert sorted(run.info.run_name for run in runs) == ["run0", "run1"]
    assert not client.list_artifacts(runs[0].info.run_id)


def test_it_is_listed_without_importing_mlflow() -> None:
    assert "mlflow" in restorekit.list_loggers()
    assert restorekit.loggers.entry("mlflow").provider.distribution == "restorekit-mlflow"
