"""Loggers of a run, by name, with arguments, and from plugins."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from restorekit import ArgumentError, ConfigError, MissingExtraError, TrainConfig, Trainer
from restorekit.components.kinds import loggers
from restorekit.train.loggers.base import Logger, flat_config

Make = Callable[..., Trainer]
CONFIG = {"model": "dncnn", "dataset": "samples"}


@pytest.fixture
def calls() -> Iterator[list[Any]]:
    """What a registered logger was called with; its argument `mark` comes first."""
    seen: list[Any] = []

    @loggers.register("seeing")
    class Seeing(Logger):
        """Remembers."""

        def __init__(self, folder: str, mark: str = "-", fails: bool = False) -> None:
            super().__init__(folder)
            self.mark, self.fails = mark, fails

        def begin(self, trainer: Any) -> None:
            if self.fails:
                raise OSError("no connection")
            seen.append((self.mark, "begin", flat_config(trainer.plan.resolved())["model.name"]))

        def write(self, step: int, values: Mapping[str, float]) -> None:
            seen.append((self.mark, step, dict(values)))

        def end(self, error: BaseException | None) -> None:
            seen.append((self.mark, "end", type(error).__name__))

    yield seen
    del loggers._entries["seeing"]


@pytest.mark.parametrize(
    ("given", "marks"),
    [
        ("seeing", ["-"]),
        ({"name": "seeing", "mark": "a"}, ["a"]),
        (["seeing", {"name": "seeing", "mark": "b"}], ["-", "b"]),
        (None, []),
    ],
)
def test_a_run_names_its_loggers(
    tiny: Make, calls: list[Any], given: Any, marks: list[str]
) -> None:
    """One, one with arguments, a list of them, or none; the metrics are those of metrics.jsonl."""
    trainer = tiny(logger=given)
    trainer.fit()
    assert [mark for mark, what, _ in calls if what == "begin"] == marks
    rows = [row for row in trainer.results.history.rows if row["phase"] == "train"]
    for mark in marks:
        mine = [(step, values) for m, step, values in calls if m == mark]
        assert mine[0] == ("begin", "dncnn")
        assert mine[-1] == ("end", "NoneType")
        train = {step: v["train/loss"] for step, v in mine[1:-1] if "train/loss" in v}
        assert train == {row["step"]: row["loss"] for row in rows}
        assert any("validation/psnr" in values for _, values in mine[1:-1])


def test_a_run_that_fails_tells_its_loggers(
    tiny: Make, calls: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = tiny(logger="seeing")
    monkeypatch.setattr(trainer, "step", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        trainer.fit()
    assert calls[-1] == ("-", "end", "ZeroDivisionError")


def test_a_logger_that_cannot_begin_does_not_stop_the_run(tiny: Make, calls: list[Any]) -> None:
    """One warning, and it is called no more."""
    with pytest.warns(UserWarning, match="Seeing raised OSError: no connection") as caught:
        assert tiny(logger={"name": "seeing", "fails": True}).fit().step == 6
    assert (len(caught), calls) == (1, [])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("tensorbord", r"train.logger.*unknown logger 'tensorbord'. Did you mean 'tensorboard'\?"),
        (
            {"name": "wandb", "mod": "x"},
            "train.logger.*unknown argument 'mod'. Did you mean 'mode'",
        ),
        ({"name": "wandb", "mode": "x"}, "train.logger.*mode"),
        (3, "train.logger"),
    ],
)
def test_a_mistake_in_the_configuration_is_named(given: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        TrainConfig.from_dict({**CONFIG, "train": {"logger": given}})


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_a_missing_extra_is_named_before_the_run(
    tiny: Make, monkeypatch: pytest.MonkeyPatch, name: str, tmp_path: Path
) -> None:
    """The message says what to install, and nothing is written."""
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=rf"restorekit\[{name}\]"):
        tiny(logger=name)
    assert not (tmp_path / "run").exists()


def test_tensorboard_is_named_once(tiny: Make) -> None:
    """The former key and the logger are the same."""
    assert len(tiny(tensorboard=True, logger="tensorboard").callbacks) == 1


def test_wandb_gets_the_run(tiny: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline, in the folder of the run. wandb itself is replaced by a module that remembers."""
    made: dict[str, Any] = {}
    logged: list[tuple[int, dict[str, float]]] = []
    run = SimpleNamespace(
        log=lambda values, step: logged.append((step, values)),
        finish=lambda exit_code: made.update(exit_code=exit_code),
    )
    module = SimpleNamespace(
        init=lambda **settings: made.update(settings) or run,
        Settings=lambda **settings: settings,
    )
    monkeypatch.setitem(sys.modules, "wandb", module)
    trainer = tiny(logger={"name": "wandb", "project": "mine"})
    trainer.fit()
    assert (made["project"], made["name"], made["mode"]) == ("mine", "run", "offline")
    assert made["dir"] == str(trainer.folder)
    assert made["config"]["model"]["name"] == "dncnn"
    assert [step for step, _ in logged] == sorted(step for step, _ in logged)
    assert {"train/loss", "validation/psnr"} <= {name for _, values in logged for name in values}
    assert made["exit_code"] == 0


def test_a_logger_needs_a_hook(tiny: Make) -> None:
    @loggers.register("nothing")
    class Nothing:
        def __init__(self, folder: str) -> None: ...

    try:
        with pytest.raises(ArgumentError, match="callback Nothing has none of the methods"):
            tiny(logger="nothing")
    finally:
        del loggers._entries["nothing"]
