"""The package restorekit-mlflow with a module in place of MLflow.

`make test-mlflow` installs MLflow and runs the tests of the package itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

import restorekit
from restorekit.components.kinds import loggers

SOURCE = Path(__file__).parents[2] / "examples" / "restorekit-mlflow" / "src"


class Client:
    """Remembers what MLflow's client is called with."""

    def __init__(self, tracking_uri: str) -> None:
        self.tracking_uri, self.calls = tracking_uri, list[tuple[str, Any]]()
        CLIENTS.append(self)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            self.calls.append((name, named or given))
            if name == "create_run":
                return SimpleNamespace(info=SimpleNamespace(run_id="1"))
            return None

        return call

    def given(self, name: str) -> list[Any]:
        """The arguments of the calls of a method."""
        return [arguments for called, arguments in self.calls if called == name]


CLIENTS: list[Client] = []


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The logger of the package, which sees a module `mlflow` with what it uses."""
    module, entities = ModuleType("mlflow"), ModuleType("mlflow.entities")
    module.MlflowClient = Client  # type: ignore[attr-defined]
    for name in ("Metric", "Param"):
        setattr(entities, name, lambda *values: values)
    monkeypatch.setitem(sys.modules, "mlflow", module)
    monkeypatch.setitem(sys.modules, "mlflow.entities", entities)
    monkeypatch.syspath_prepend(str(SOURCE))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    CLIENTS.clear()
    from restorekit_mlflow.restorekit_plugin import restorekit_loggers

    component = restorekit_loggers()
    loggers.register(component.name)(loggers_target(component.target))
    yield
    del loggers._entries[component.name]
    for name in [each for each in sys.modules if each.startswith("restorekit_mlflow")]:
        del sys.modules[name]


def loggers_target(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(__import__(module, fromlist=[name]), name)


def train(folder: Path, **logger: Any) -> restorekit.Trainer:
    trainer = restorekit.Trainer(
        model={"name": "dncnn", "depth": 2, "width": 4},
        noise={"name": "gaussian", "std": 0.1},
        dataset=list(torch.rand(6, 3, 16, 16, generator=torch.Generator().manual_seed(0))),
        save_weight_path=folder,
        device="cpu",
        steps=2,
        batch_size=2,
        log_every=1,
        logger={"name": "mlflow", **logger},
    )
    trainer.fit()
    return trainer


def test_a_run_reaches_the_client(mlflow: None, tmp_path: Path) -> None:
    """Parameters, metrics by step, and the files, in a database of the run."""
    folder = tmp_path / "run"
    trainer = train(folder)
    (client,) = CLIENTS
    assert client.tracking_uri == f"sqlite:///{folder / 'mlflow.db'}"
    batches = client.given("log_batch")
    params = {key: value for batch in batches for key, value in batch.get("params", ())}
    assert (params["model.name"], params["train.steps"]) == ("dncnn", "2")
    logged = {
        step: value
        for batch in batches
        for name, value, _, step in batch.get("metrics", ())
        if name == "train/loss"
    }
    rows = [row for row in trainer.results.history.rows if row["phase"] == "train"]
    assert logged == {row["step"]: row["loss"] for row in rows}
    kept = {Path(path).name for _, path in client.given("log_artifact")}
    assert {"config.json", "last.safetensors"} <= kept
    assert client.given("set_terminated") == [("1", "FINISHED")]


def test_a_server_chooses_the_place_of_the_files(mlflow: None, tmp_path: Path) -> None:
    train(tmp_path / "run", tracking_uri="https://example.org", files=False)
    (client,) = CLIENTS
    assert client.tracking_uri == "https://example.org"
    assert client.given("create_experiment") == [("restorekit", None)]
    assert client.given("log_artifact") == []
