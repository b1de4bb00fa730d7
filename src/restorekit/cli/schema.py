"""`restorekit schema`: the JSON Schema of the configuration."""

from __future__ import annotations

from restorekit.cli.output import print_json


def schema() -> None:
    """Print the JSON Schema of config.json.

    It contains all installed components with their arguments, including those of plugins.
    """
    from restorekit.config.json_schema import json_schema

    print_json(json_schema())
