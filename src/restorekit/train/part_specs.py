"""The parts of a run as they are written in its configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from restorekit.components.component_records import origin_of
from restorekit.config.component_specs import own_class


def spec_of(made: Any) -> dict[str, Any]:
    """A component as it is written in a configuration; a user-defined object by its class.

    Components that contain such objects cannot be created again from the configuration.
    """
    origin = origin_of(made)
    kind = {"class": f"{type(made).__module__}.{type(made).__qualname__}"}
    if origin is None:
        return kind
    arguments = json.loads(json.dumps(origin.arguments, default=spec_of))
    whole = _own_class_in_data(arguments) is None
    return {"name": origin.name, **arguments} if whole else {**kind, **arguments}


def _own_class_in_data(data: object) -> str | None:
    if (found := own_class(data)) is not None:
        return found
    inner = data.values() if isinstance(data, Mapping) else data if isinstance(data, list) else ()
    return next((f for each in inner if (f := _own_class_in_data(each)) is not None), None)
