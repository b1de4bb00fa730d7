"""Fixtures that several tests of components use."""

from __future__ import annotations

from pathlib import Path

import pytest

from restorekit.components.component_records import Component
from restorekit.components.registry import Registry
from tests.components.plugin_site import Site
from tests.components.plugin_sources import GOOD
from tests.components.registered_classes import ME, Scale


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A folder with one good plugin."""
    site = Site(tmp_path)
    site.add("good", GOOD)
    return site


@pytest.fixture
def models() -> Registry:
    """A registry separate from those of the process."""
    own = Registry("model")
    own.add(Component("scale", Scale, "multiplies", "A paper", ("simple",)), ME)
    return own
