"""Optional packages, imported on first use; if one is missing, the error names its extra."""

from __future__ import annotations

import importlib
from typing import Any

from packaging.version import Version

from restorekit.errors import MissingExtraError


def needs(module: str, extra: str, what: str, lowest: str | None = None) -> Any:
    """Import a package that an extra installs, or of which an extra needs a newer version.

    Args:
        module: name of the module to import.
        extra: the extra of restorekit that installs it.
        what: the feature that needs it, for the message.
        lowest: the lowest version that works; None for any version.

    Raises:
        MissingExtraError: the package is not installed, or too old.
    """
    install = f"pip install 'restorekit[{extra}]'"
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        raise MissingExtraError(f"{what} needs {package}; {install}") from error
    if lowest is not None and Version(found.__version__).release < Version(lowest).release:
        raise MissingExtraError(
            f"{what} needs {module} {lowest} or newer, not {found.__version__}; {install}"
        )
    return found
