"""The option `progress` of a run."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from restorekit import ArgumentError, Trainer
from restorekit.train.progress import LOGGER

Make = Callable[..., Trainer]


def test_a_function_is_called_for_each_logged_step(tiny: Make) -> None:
    """With the figures of the run; the number of steps is that of the whole run."""
    calls: list[tuple[int, int, str]] = []
    tiny(progress=lambda *call: calls.append(call), steps=4, log_every=2).fit()
    assert [call[:2] for call in calls] == [(0, 4), (2, 4), (4, 4)]
    assert "loss" in calls[-1][2]


def test_what_fit_is_given_replaces_what_the_trainer_was_given(
    tiny: Make, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """True prints the last step, False logs it."""
    trainer = tiny(progress=True, steps=2)
    with caplog.at_level(logging.INFO, LOGGER.name):
        trainer.fit(progress=False)
    assert capsys.readouterr().err == ""
    assert "step 2/2" in caplog.text
    tiny(progress=True, steps=2).fit()
    assert "step 2/2" in capsys.readouterr().err


def test_a_trainer_refuses_another_kind_of_progress(tiny: Make) -> None:
    """When it is made, not after hours."""
    with pytest.raises(ArgumentError, match="progress is True, False, or a function"):
        tiny(progress="yes")
