"""`restorekit schema`: the JSON Schema of the configuration."""

from __future__ import annotations

from restorekit.cli.output import print_json


def schema() -> None:
    """Print the JSON Schema of config.json.

    It knows every component that is installed, plugins' too, with its arguments.
    """
    from restorekit.config.json_schema import json_schema

    print_json(json_schema())
