"""`restorekit check-plugin`: a table or JSON, and the exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from restorekit import Component, hookimpl
from restorekit.cli.main import main
from restorekit.testing import temporary_plugin


class Valid(nn.Module):
    """Adds noise from its generator."""

    def forward(self, clean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return clean + 0.1 * torch.randn(clean.shape, generator=generator).to(clean)


class Ignoring(Valid):
    """Ignores its generator."""

    def forward(self, clean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return super().forward(clean)


class Needing(Valid):
    """Has an argument without a default.

    Args:
        std: A number.
    """

    def __init__(self, std: float) -> None:
        super().__init__()


class Plugin:
    """Brings these noises."""

    @hookimpl
    def restorekit_noises(self) -> Iterator[Component]:
        for target in (Valid, Ignoring, Needing):
            yield Component(target.__name__.lower(), target, "a noise")


@pytest.fixture(autouse=True)
def _plugin() -> Iterator[None]:
    with temporary_plugin(Plugin(), "acme"):
        yield


def test_a_broken_contract_is_shown_and_is_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each check with its result, and the contract of one that fails."""
    assert main(["check-plugin", "acme"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["component", "check", "result", "reason"]
    (failed,) = [line for line in lines if " failed  " in line]
    assert failed.startswith("noise ignoring  generator")
    assert "Every random number comes from `generator`" in failed
    assert any(line.startswith("noise valid") and line.endswith(" ok") for line in lines)
    assert any("its argument std has no default" in line for line in lines)
    assert lines[-1].endswith(" checks, 1 failed")


def test_json_has_every_check(capsys: pytest.CaptureFixture[str]) -> None:
    """With the number of failures."""
    assert main(["check-plugin", "acme", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["failed"] == 1
    by_result = {each["result"] for each in found["checks"]}
    assert by_result == {"ok", "failed", "not checked"}
    assert found["checks"][0] == {
        "plugin": "acme",
        "kind": "plugin",
        "name": "acme",
        "check": "loads",
        "result": "ok",
        "reason": "",
    }


def test_a_wrong_name_is_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    """With the nearest name."""
    assert main(["check-plugin", "acmee"]) == 2
    assert "no plugin 'acmee' is installed. Did you mean 'acme'?" in capsys.readouterr().err
