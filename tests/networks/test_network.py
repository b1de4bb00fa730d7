"""A loaded network as a function."""

from __future__ import annotations

import pytest

import restorekit
from restorekit.networks.network import Network


@pytest.mark.parametrize(("name", "blind"), [("unet", True), ("dncnn", True), ("swift", False)])
def test_blindness(name: str, blind: bool) -> None:
    """Most networks take sigma and make nothing of it."""
    assert Network(restorekit.create_model(name)).is_blind == blind
