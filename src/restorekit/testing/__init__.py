"""Checks of components, for the tests of a plugin, with or without pytest.

The components of restorekit pass the same checks. Each function takes a name, a mapping
`{"name": ..., argument: ...}` or an object, and raises one `AssertionError` with a line for each
contract that is broken and what was found.
"""

from __future__ import annotations

from restorekit.testing.check_functions import (
    check_component,
    check_dataset,
    check_estimator,
    check_format,
    check_loss,
    check_measurement,
    check_metric,
    check_model,
    check_noise,
    check_objective,
)
from restorekit.testing.checking import CheckResult
from restorekit.testing.plugin_checks import PluginCheck, check_plugin
from restorekit.testing.temporary_plugin import temporary_plugin

__all__ = [
    "CheckResult",
    "PluginCheck",
    "check_component",
    "check_dataset",
    "check_estimator",
    "check_format",
    "check_loss",
    "check_measurement",
    "check_metric",
    "check_model",
    "check_noise",
    "check_objective",
    "check_plugin",
    "temporary_plugin",
]
