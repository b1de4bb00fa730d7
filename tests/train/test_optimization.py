"""Learning rates, optimizers, and the moving average."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from restorekit.config.train_config import settings_from
from restorekit.train.optimization import MovingAverage, learning_rate, make_optimizer


def test_cosine_agrees_with_torch() -> None:
    """The schedule is that of torch.optim.lr_scheduler.CosineAnnealingLR."""
    settings = settings_from({"steps": 50, "learning_rate": 0.3})
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50)
    for step in range(1, 51):
        expected = optimizer.param_groups[0]["lr"]
        assert learning_rate(settings, step, 50) == pytest.approx(expected, abs=1e-9)
        optimizer.step()
        scheduler.step()


@given(total=st.integers(2, 500), warmup=st.integers(0, 400), data=st.data())
def test_rates_stay_within_bounds(total: int, warmup: int, data: st.DataObject) -> None:
    """Above zero until the end, never above the peak, rising through the warm-up."""
    name = data.draw(st.sampled_from(["cosine", "constant", "step"]))
    settings = settings_from({"steps": total, "warmup_steps": warmup, "schedule": name})
    rates = [learning_rate(settings, step, total) for step in range(1, total + 1)]
    assert all(0 < rate <= settings.learning_rate for rate in rates)
    assert rates[:warmup] == sorted(rates[:warmup])
    assert rates[warmup:] == sorted(rates[warmup:], reverse=True)


def test_step_schedule_halves_four_times() -> None:
    """The last fifth runs at a sixteenth."""
    settings = settings_from({"steps": 100, "schedule": "step", "learning_rate": 1.0})
    assert {learning_rate(settings, s, 100) for s in range(1, 101)} == {1, 0.5, 0.25, 0.125, 0.0625}


@pytest.mark.parametrize("name", ["adamw", "Adam", "SGD", "rmsprop", "adagrad"])
def test_optimizers_by_name(name: str) -> None:
    """Any letter case, with the settings that the optimizer takes."""
    settings = settings_from({"steps": 1, "optimizer": name, "weight_decay": 0.01})
    optimizer = make_optimizer(settings, [nn.Parameter(torch.zeros(1))], torch.device("cpu"))
    assert type(optimizer).__name__.lower() == name.lower()
    assert optimizer.defaults["weight_decay"] == 0.01
    assert optimizer.defaults["lr"] == 1e-3


def test_the_moving_average_follows_the_definition() -> None:
    """Each update is decay * average + (1 - decay) * weight, the decay rising to its value."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 0.0)
    average, expected = MovingAverage(model, 0.99), 0.0
    for step in range(1, 300):
        nn.init.constant_(model.weight, math.sin(step))
        average.update(model, step)
        decay = min(0.99, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * math.sin(step)
    with average.applied(model):
        assert model.weight.item() == pytest.approx(expected, abs=1e-5)
    assert model.weight.item() == pytest.approx(math.sin(299))
