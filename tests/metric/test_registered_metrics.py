"""What holds for every registered metric, and metrics by name.

What plugins promise as well is checked in `tests/testing/test_builtin_components.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from restorekit import ArgumentError, InputError, PluginError, create_metric, list_metrics
from restorekit.components.component_records import Component, Provider
from restorekit.components.registry import Registry
from restorekit.metric.named_metrics import read_metrics
from tests.metric_parameters import METRIC_ARGUMENTS, write_metric_parameters


@pytest.fixture(params=list_metrics())
def metric(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Each metric with its defaults, and files where it needs them."""
    arguments = METRIC_ARGUMENTS.get(request.param, {})
    if arguments:
        monkeypatch.chdir(tmp_path)
        write_metric_parameters(tmp_path)
    return create_metric(request.param, **arguments)


def test_a_smaller_image_is_refused(metric: Any) -> None:
    """With the smallest size, if there is one."""
    side = metric.least_side - 1
    if side:
        image = torch.zeros(1, 3, side, side + 40)
        with pytest.raises(InputError, match=rf"{metric.name} needs .* {side + 1}x{side + 1}"):
            metric(image, image)


def test_metrics_are_read_by_name_mapping_or_object() -> None:
    """A later one replaces an earlier one of its name; an object states its direction itself."""

    class Error:
        higher_is_better = False

        def __call__(self, restored: Tensor, target: Tensor) -> Tensor:
            return (restored - target).abs().flatten(1).mean(1)

    found = read_metrics(["psnr", {"name": "psnr", "clamp": False}, Error()])
    assert {name: m.higher_is_better for name, m in found.items()} == {"psnr": True, "error": False}
    beyond = torch.full((1, 1, 8, 8), 1.5)
    assert found["psnr"].measure(beyond, beyond - 0.5).item() == pytest.approx(6.0206, abs=1e-4)
    assert found["error"].measure(beyond, beyond - 0.5).item() == pytest.approx(0.5)


def test_what_gives_no_value_per_image_is_named() -> None:
    """One number for the batch would be counted once per image."""

    class Mean:
        higher_is_better = False

        def __call__(self, restored: Tensor, target: Tensor) -> Tensor:
            return (restored - target).abs().mean()

    (metric,) = read_metrics([Mean()]).values()
    with pytest.raises(ArgumentError, match=r"metric 'mean' gives \(\), not one value per image"):
        metric.measure(*[torch.zeros(2, 1, 4, 4)] * 2)


def test_a_metric_states_which_values_are_better() -> None:
    """A plugin's metric without `higher_is_better`, or with a non-boolean one, is refused."""
    own = Registry("metric", needs=("__call__", "higher_is_better"))
    own.add(Component("silent", lambda: lambda r, t: r), Provider("acme", "1"))
    with pytest.raises(
        PluginError, match="which is not a valid metric: it has no higher_is_better"
    ):
        own.create("silent")

    class Vague:
        higher_is_better = "yes"

        def __call__(self, restored: Tensor, target: Tensor) -> Tensor:
            return restored

    with pytest.raises(ArgumentError, match="higher_is_better is 'yes', not a boolean"):
        read_metrics([Vague()])
