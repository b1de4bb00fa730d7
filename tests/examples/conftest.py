"""What the tests of packages share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.examples.fresh_environment import build_wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of restorekit, built once."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))
