"""Learning rates, optimizers, and the moving average."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from restorekit import ConfigError, TrainConfig, create_schedule, list_optimizers, list_schedules
from restorekit.config.train_config import settings_from
from restorekit.optim.optimizers import _UNFIT
from restorekit.train.optimization import (
    MovingAverage,
    learning_rate,
    make_optimizer,
    make_schedule,
)


def test_cosine_agrees_with_torch() -> None:
    """The schedule is that of torch.optim.lr_scheduler.CosineAnnealingLR."""
    settings = settings_from({"steps": 50, "learning_rate": 0.3})
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50)
    schedule = make_schedule(settings)
    for step in range(1, 51):
        expected = optimizer.param_groups[0]["lr"]
        assert learning_rate(settings, schedule, step, 50) == pytest.approx(expected, abs=1e-9)
        optimizer.step()
        scheduler.step()


@given(total=st.integers(2, 500), warmup=st.integers(0, 400), data=st.data())
def test_rates_stay_within_bounds(total: int, warmup: int, data: st.DataObject) -> None:
    """Above zero until the end, never above the peak, rising through the warm-up."""
    name = data.draw(st.sampled_from(["cosine", "constant", "step"]))
    settings = settings_from({"steps": total, "warmup_steps": warmup, "schedule": name})
    schedule = make_schedule(settings)
    rates = [learning_rate(settings, schedule, step, total) for step in range(1, total + 1)]
    assert all(0 < rate <= settings.learning_rate for rate in rates)
    assert rates[:warmup] == sorted(rates[:warmup])
    assert rates[warmup:] == sorted(rates[warmup:], reverse=True)


def test_step_schedule_halves_four_times() -> None:
    """The last fifth runs at a sixteenth."""
    settings = settings_from({"steps": 100, "schedule": "step", "learning_rate": 1.0})
    schedule = make_schedule(settings)
    rates = {learning_rate(settings, schedule, step, 100) for step in range(1, 101)}
    assert rates == {1, 0.5, 0.25, 0.125, 0.0625}


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


def test_one_cycle_agrees_with_torch() -> None:
    """The schedule is that of torch.optim.lr_scheduler.OneCycleLR, up to the place in a step."""
    total = 5000
    settings = settings_from({"steps": total, "schedule": "one_cycle", "learning_rate": 0.3})
    schedule = make_schedule(settings)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.3, total_steps=total, div_factor=25, final_div_factor=1e4
    )
    for step in range(1, total):
        expected = optimizer.param_groups[0]["lr"]
        assert learning_rate(settings, schedule, step, total) == pytest.approx(expected, abs=3e-4)
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize("name", list_schedules())
def test_every_schedule_stays_within_the_peak(name: str) -> None:
    """From 0 to 1 at every place, with any arguments at their defaults."""
    schedule = create_schedule(name)
    assert all(0 <= schedule(place / 997) <= 1 for place in range(997))


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("cosin", "train.schedule: unknown schedule 'cosin'. Did you mean 'cosine'?"),
        ({"name": "step", "drops": 0}, "train.schedule: schedule 'step': drops must be at least 1"),
        ({"name": "cosine", "fnal": 1}, "train.schedule: unknown argument 'fnal'"),
        ({"name": "one_cycle", "rise": 1.0}, "rise must be between 0 and 1, not 1.0"),
    ],
)
def test_a_schedule_that_cannot_be_made(schedule: object, message: str) -> None:
    """Is named with its key."""
    with pytest.raises(ConfigError) as caught:
        make_schedule(settings_from({"schedule": schedule}))
    assert message in str(caught.value)


def test_a_schedule_gives_a_factor() -> None:
    """What no learning rate can be multiplied by is an error at its step."""
    settings = settings_from({"steps": 10})
    with pytest.raises(ConfigError, match=r"train\.schedule: 'cosine' gives nan at 0\.5 of"):
        learning_rate(settings, lambda _: math.nan, 6, 10)


def test_every_optimizer_of_torch_is_declared() -> None:
    """But those that cannot train a network, and with our own Muon."""
    of_torch = {
        name.lower()
        for name, kind in vars(torch.optim).items()
        if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)
    }
    assert set(list_optimizers()) == of_torch - {"optimizer", *_UNFIT} | {"muon"}


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        ({"name": "SGD", "momentm": 1}, "unknown argument 'momentm'. Did you mean 'momentum'?"),
        ({"name": "adam", "betas": [0.9]}, "argument 'betas': field required, not [0.9]"),
        ({"name": "sgd", "nesterov": True}, "Nesterov momentum requires a momentum"),
        ("LBFGS", "optimizer 'LBFGS' needs each batch evaluated several times"),
    ],
)
def test_an_optimizer_that_cannot_be_made(optimizer: object, message: str) -> None:
    """Is named with its key and the argument that is wrong."""
    weights = [nn.Parameter(torch.zeros(1))]
    with pytest.raises(ConfigError, match=r"train\.optimizer") as caught:
        make_optimizer(settings_from({"optimizer": optimizer}), weights, torch.device("cpu"))
    assert message in str(caught.value)


def test_arguments_of_optimizers_are_checked_with_the_configuration() -> None:
    """Before anything is made."""
    data = {"model": "unet", "dataset": "samples", "train": {"optimizer": {"name": "SGD", "x": 1}}}
    with pytest.raises(ConfigError, match=r"train\.optimizer: unknown argument 'x'"):
        TrainConfig.from_dict(data)
