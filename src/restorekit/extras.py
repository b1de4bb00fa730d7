"""Optional packages, imported where they are needed and missed by the name of their extra."""

from __future__ import annotations

import importlib
from typing import Any

from restorekit.errors import MissingExtraError


def needs(module: str, extra: str, what: str) -> Any:
    """An optional package.

    Args:
        module: what to import.
        extra: the extra of restorekit that installs it.
        what: what needs it, for the message.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        raise MissingExtraError(
            f"{what} needs {package}; pip install 'restorekit[{extra}]'"
        ) from error
