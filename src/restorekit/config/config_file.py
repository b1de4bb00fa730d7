"""Reading of configuration files: JSON in UTF-8 of limited size."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

from restorekit.errors import ConfigError
from restorekit.untrusted.plain_data import parse_json

_LARGEST = 10_000_000  # bytes
_OTHER_UNICODE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # those of UTF-32 start with one


def read_config(path: str | Path) -> dict[str, object]:
    """The JSON object in a file.

    Raises:
        ConfigError: it cannot be read, or holds something else; one line, with the place.
    """
    text = _read_text(path)
    if not text.strip():
        raise ConfigError([f"{path}: not valid JSON, the file is empty"])
    try:
        data = parse_json(text)
    except json.JSONDecodeError as error:
        place = f"{path}:{error.lineno}:{error.colno}"
        raise ConfigError([f"{place}: not valid JSON, {error.msg.lower()}"]) from error
    except ValueError as error:
        raise ConfigError([f"{path}: {error}"]) from error
    if not isinstance(data, dict):
        raise ConfigError([f"{path}: a configuration is a JSON object, {{...}}"])
    return data


def _read_text(path: str | Path) -> str:
    try:
        with Path(path).open("rb") as file:  # stat() is not used, since pipes have no size
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigError([f"{path}: {(error.strerror or str(error)).lower()}"]) from error
    except ValueError as error:  # a NUL character, or half of a surrogate pair
        raise ConfigError([f"{path}: no name of a file, {error}"]) from error
    if len(content) > _LARGEST:
        raise ConfigError([f"{path}: larger than {_LARGEST / 1e6:.0f} MB, not a configuration"])
    if content.startswith(_OTHER_UNICODE):
        raise ConfigError([f"{path}: not a text file in UTF-8, but in UTF-16"])
    try:
        # Some editors begin a UTF-8 file with a byte order mark, which JSON does not allow.
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: not a text file in UTF-8"]) from error
