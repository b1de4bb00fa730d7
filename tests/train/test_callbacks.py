"""The events of a run that plugins and the user's own objects receive."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from restorekit import ArgumentError, MissingExtraError, PluginWarning, RestoreKitError, Trainer
from restorekit.components.hookspecs import hookimpl
from restorekit.components.plugin_host import _host

Make = Callable[..., Trainer]


class Log:
    """Records every call."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def restorekit_train_start(self, trainer: Trainer) -> None:
        self.calls.append(("start", trainer.total_steps))

    def restorekit_step_end(self, trainer: Trainer, step: int, metrics: dict[str, Any]) -> None:
        self.calls.append(("step", step, metrics["loss"]))

    def restorekit_validation_end(
        self, trainer: Trainer, step: int, metrics: dict[str, Any]
    ) -> None:
        self.calls.append(("validation", step, metrics["psnr"]))

    def restorekit_train_end(self, trainer: Trainer, outcome: Any) -> None:
        self.calls.append(("end", outcome.step))


def test_the_four_hooks_in_their_order(tiny: Make) -> None:
    """Start, each logged step, each validation, end; the metrics are those of metrics.jsonl."""
    log = Log()
    trainer = tiny(callbacks=[log], log_every=2)
    trainer.fit()
    assert [call[:2] for call in log.calls] == [
        ("start", 6),
        ("step", 2),
        ("validation", 3),
        ("step", 4),
        ("step", 6),
        ("validation", 6),
        ("end", 6),
    ]
    by_row = [row["loss"] for row in trainer.results.history.rows if row["phase"] == "train"]
    assert [call[2] for call in log.calls if call[0] == "step"] == by_row


def test_an_installed_plugin_is_called_too(tiny: Make) -> None:
    """Its implementation may omit arguments."""
    seen = []

    class Plugin:
        @hookimpl
        def restorekit_step_end(self, step: int) -> None:
            seen.append(step)

    plugin = Plugin()
    _host.manager.register(plugin, "logger")
    try:
        tiny(log_every=3).fit()
    finally:
        _host.manager.unregister(plugin)
    assert seen == [3, 6]


def test_an_installed_plugin_neither_ends_a_run_nor_changes_the_process(tiny: Make) -> None:
    """It may call exit or change the directory; the run continues in the same directory."""

    class Plugin:
        @hookimpl
        def restorekit_train_start(self) -> None:
            os.chdir("/")

        @hookimpl
        def restorekit_step_end(self) -> None:
            raise KeyboardInterrupt

    plugin, before = Plugin(), Path.cwd()
    _host.manager.register(plugin, "hostile")
    try:
        with pytest.warns(PluginWarning) as caught:
            assert tiny(log_every=3).fit().step == 6
    finally:
        _host.manager.unregister(plugin)
    assert Path.cwd() == before
    assert [str(w.message) for w in caught if w.category is PluginWarning] == [
        "restorekit_train_start of hostile changed the working directory, which was undone",
        "restorekit_step_end of hostile raised KeyboardInterrupt; "
        "it is not called again in this run",
    ]


def test_a_callback_that_raises_is_reported_once_and_removed(tiny: Make) -> None:
    """An error of logging does not end a run."""

    class Broken(Log):
        def restorekit_step_end(self, trainer: Trainer, step: int, metrics: Any) -> None:
            raise OSError("no space left")

    log = Broken()
    with pytest.warns(
        PluginWarning, match="restorekit_step_end of callback Broken.*no space"
    ) as caught:
        outcome = tiny(callbacks=[log]).fit()
    assert outcome.step == 6
    assert len(caught) == 1
    assert ("end", 6) in log.calls


def test_the_last_hook_gets_the_error_of_a_run_that_fails(tiny: Make, blobs: Any) -> None:
    """Instead of an outcome, once, the error that `fit` raises; an interrupt too."""
    ends: list[tuple[Any, Any]] = []

    class End:
        def restorekit_train_end(self, outcome: Any, error: BaseException | None) -> None:
            ends.append((outcome, error))

    class Interrupted:
        def restorekit_step_end(self, step: int) -> None:
            raise KeyboardInterrupt

    class Start:
        def restorekit_train_start(self, trainer: Trainer) -> None:
            started.append(trainer)

    started: list[Trainer] = []

    def broken(restored: Any, target: Tensor) -> Tensor:
        # Before the start, a failure calls no hook.
        return restored.image if started else (restored.image - target).abs().mean()

    outcome = tiny(callbacks=[End()]).fit()
    with pytest.raises(ArgumentError) as caught:
        tiny(callbacks=[Start(), End()], loss=broken).fit()
    with pytest.raises(KeyboardInterrupt) as interrupt:
        tiny(callbacks=[Interrupted(), End()]).fit()
    assert ends == [(outcome, None), (None, caught.value), (None, interrupt.value)]


def test_a_run_that_cannot_begin_does_not_end(tiny: Make, tmp_path: Path) -> None:
    """Without a start there is no end: here the checkpoint is of another network."""
    log = Log()
    tiny(steps=1).fit()
    with pytest.raises(RestoreKitError):
        tiny(callbacks=[log], model={"name": "dncnn", "depth": 4, "width": 8}).fit(resume=True)
    assert log.calls == []


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        (Log, r"callback Log is a class; give Log\(\.\.\.\)"),
        (object(), "callback object has none of the methods restorekit_train_start, "),
        (
            type("Mine", (), {"restorekit_step_ended": print})(),
            "callback Mine: unknown hook 'restorekit_step_ended'. "
            "Did you mean 'restorekit_step_end'?",
        ),
    ],
)
def test_a_callback_that_would_never_be_called_is_refused(
    tiny: Make, callback: object, message: str
) -> None:
    """A class, an object without hooks, and a misspelt hook."""
    with pytest.raises(ArgumentError, match=message):
        tiny(callbacks=[callback])


def test_two_callbacks_of_one_class_are_separate(tiny: Make) -> None:
    """If one raises an error, the other is still called; without validation its hook is not."""

    class Picky(Log):
        def __init__(self, broken: bool) -> None:
            super().__init__()
            self.broken = broken

        def restorekit_step_end(self, trainer: Trainer, step: int, metrics: Any) -> None:
            if self.broken:
                raise ValueError
            super().restorekit_step_end(trainer, step, metrics)

    twins = [Picky(True), Picky(False)]
    with pytest.warns(PluginWarning):
        tiny(callbacks=twins, validation_split=0).fit()
    assert [call[0] for call in twins[1].calls] == ["start", *["step"] * 6, "end"]


def test_tensorboard_reads_what_was_logged(tiny: Make) -> None:
    """The event files have the scalars of metrics.jsonl, by phase."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    trainer = tiny(tensorboard=True)
    trainer.fit()
    events = EventAccumulator(str(trainer.folder / "tensorboard")).Reload()
    for phase, name in (("train", "loss"), ("train", "l1"), ("validation", "psnr")):
        written = {e.step: e.value for e in events.Scalars(f"{phase}/{name}")}
        rows = [row for row in trainer.results.history.rows if row["phase"] == phase]
        assert written == {
            row["step"]: pytest.approx(row.get(name, row["terms"].get(name))) for row in rows
        }


def test_tensorboard_is_an_extra(tiny: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it is missing, the message says what to install."""
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(MissingExtraError, match=r"restorekit\[tensorboard\]"):
        tiny(tensorboard=True).fit()
