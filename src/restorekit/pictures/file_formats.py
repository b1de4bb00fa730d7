"""The picture formats, found by the suffix or the first bytes of a file.

Built-in formats and those of plugins are components of the kind `format`. Plugins are loaded only
for a file that no built-in format explains.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path

from restorekit.components.component_records import RegistryEntry
from restorekit.components.discovery import discover
from restorekit.components.isolation import attempt
from restorekit.components.kinds import formats
from restorekit.errors import (
    ImageFileError,
    PluginError,
    PluginWarning,
    RestoreKitError,
    did_you_mean,
)
from restorekit.pictures.base import HEAD, Format
from restorekit.pictures.picture import Picture, PictureError
from restorekit.untrusted.text import quoted

_SUFFIX = re.compile(r"\.[^./\\A-Z\s]+")
_made: dict[str, tuple[RegistryEntry, Format | None]] = {}  # by name; None cannot be used


def format_of_suffix(suffix: str) -> Format | None:
    """The format of files with a suffix, in upper or lower case; None if there is none."""
    wanted = suffix.lower()
    found = (each for each in _formats() if wanted in each.suffixes)
    return next(found, None) if wanted else None


def format_of_file(path: Path) -> Format | None:
    """The format of a file, by its first bytes; None if there is none.

    The suffix decides only if several formats recognise the file, or if its format has no
    signature.

    Raises:
        PictureError: it is a pipe or a device.
        OSError: it cannot be opened.
    """
    # Opening a pipe would wait for a writer, and its first bytes could be read only once.
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise PictureError("it is a pipe or a device; save the picture to a file first")
    with path.open("rb") as file:
        head = file.read(HEAD)
    named = format_of_suffix(path.suffix)
    if named is not None and (not named.signatures or _matches(named, head)):
        return named
    return next((each for each in _formats() if each.signatures and _matches(each, head)), None)


def format_for(path: str | Path) -> Format:
    """The format in which a file is written, by the suffix of its path.

    Raises:
        ImageFileError: no format has this suffix, or files of this format can only be read.
    """
    suffix = Path(path).suffix.lower()
    kind = format_of_suffix(suffix)
    if kind is not None and kind.is_writable:
        return kind
    known = tuple(s for each in _formats() if each.is_writable for s in each.suffixes)
    if kind is not None:
        problem = f": {kind.name} files can only be read."
    else:
        given = f" with suffix '{suffix}'" if suffix else " without a suffix"
        problem = f"{given}.{did_you_mean(suffix, known)}"
    raise ImageFileError(f"cannot write '{path}'{problem} One of: {', '.join(known)}")


def suffixes() -> tuple[str, ...]:
    """The suffixes of all formats, in lower case."""
    return tuple(dict.fromkeys(suffix for each in _formats() for suffix in each.suffixes))


def format_names() -> str:
    """The formats as words, for example "PNG, JPEG, TIFF, BMP or WebP"."""
    *names, last = (each.name for each in _formats())
    return f"{', '.join(names)} or {last}"


def check_channels(kind: Format, picture: Picture) -> None:
    """Check that a format can store the channels of a picture.

    Raises:
        PictureError: the picture has extra channels or transparency that the format cannot store.
    """
    if picture.extra and not kind.extra:
        channels = picture.pixels.shape[2] + (picture.alpha is not None)
        able = [suffix for each in _loaded() if each.extra for suffix in each.suffixes]
        raise PictureError(
            f"its format holds gray or colour, and the picture has {channels} channels; "
            f"use one of: {', '.join(able)}"
        )
    if not kind.alpha and picture.alpha is not None and not picture.is_opaque:
        able = [suffix for each in _loaded() if each.alpha for suffix in each.suffixes]
        raise PictureError(
            f"its format has no transparency and the picture does; use one of: {', '.join(able)}"
        )


def _formats() -> Iterator[Format]:
    """The formats, first those that are known without plugins."""
    yield from (known := list(_loaded()))
    discover(plugins=True)
    yield from (each for each in _loaded() if each not in known)


def _loaded() -> Iterator[Format]:
    """The formats that are known without loading plugins; one that cannot be used is set aside."""
    taken: set[str] = set()
    for entry in formats.loaded():
        name = entry.component.name
        if name not in _made or _made[name][0] is not entry:
            _made[name] = entry, _usable(entry, taken)
        if (made := _made[name][1]) is not None:
            taken.update(made.suffixes)
            yield made


def _usable(entry: RegistryEntry, taken: set[str]) -> Format | None:
    """The format of an entry; None with a warning if it cannot be used."""
    try:
        made = _checked(formats.create(entry.component.name))
    except RestoreKitError as error:
        warnings.warn(f"{entry.label} is not used: {error}", PluginWarning, stacklevel=2)
        return None
    if both := sorted(taken.intersection(made.suffixes)):
        message = f"{entry.label} is not used for {', '.join(both)}, which another format has"
        warnings.warn(message, PluginWarning, stacklevel=2)
    return made


def _checked(made: object) -> Format:
    """The format, if its declaration is right."""
    if not isinstance(made, Format):
        raise PluginError(f"{quoted(made)} is not a restorekit.pictures.base.Format")
    if not made.name:
        raise PluginError("it has no name")
    listed, signatures = made.suffixes, made.signatures
    if not _is_tuple_of(str, listed) or not all(map(_SUFFIX.fullmatch, listed or ("",))):
        raise PluginError(f"suffixes is a tuple such as ('.abc',), not {quoted(listed)}")
    if not _is_tuple_of(bytes, signatures) or not all(signatures):
        raise PluginError(f"signatures is a tuple of bytes, not {quoted(signatures)}")
    return made


def _is_tuple_of(kind: type, value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(each, kind) for each in value)


def _matches(kind: Format, head: bytes) -> bool:
    with attempt(lambda error: f"format {kind.name} raised {error}"):
        return bool(kind.matches(head))
