"""Which picture file goes where."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from restorekit.data.files import find_images, iter_pages
from restorekit.data.formats import SUFFIXES, format_for
from restorekit.errors import ImageFileError, did_you_mean

Plan = list[tuple[Path, Path]]
_BESIDE = "-restored"


def plan_outputs(inputs: Sequence[str | Path], output: str | Path) -> Plan:
    """Where the result of each input file goes.

    One file goes to the path `output`, or into it where that is a folder: one that exists, or a
    path that ends in "/". Several files, and folders, go into the folder `output`; what is below a
    folder keeps its place relative to it. Pictures that already lie in the output folder are no
    input of a folder around it, so that the same command can be given twice.

    Args:
        inputs: picture files and folders of them.
        output: a file or a folder; need not exist.

    Returns:
        (input file, output file) pairs.

    Raises:
        ImageFileError: an input is missing or has no pictures, `output` cannot take them, or two
            inputs would go to one file.
    """
    sources = [_named(given, "picture") for given in inputs]
    if not sources:
        raise ImageFileError("no picture given")
    _named(output, "output")
    into_folder = _is_folder(output)
    if len(sources) == 1 and not sources[0].is_dir() and not into_folder:
        _check_exists(sources[0])
        _check_file_name(Path(output))
        return [(sources[0], Path(output))]
    _check_folder_name(Path(output), into_folder)
    plan = [pair for source in sources for pair in _into(source, Path(output))]
    return _without_clashes(plan)


def plan_beside(given: str | Path) -> Plan:
    """The result of a picture or folder beside it: "a.jpg" to "a-restored.jpg".

    Raises:
        ImageFileError: as for `plan_outputs`.
    """
    _named(given, "picture")
    source = Path(os.path.abspath(given)) if Path(given).name in ("", "..") else Path(given)
    if source.is_dir():
        return plan_outputs([source], source.with_name(source.name + _BESIDE))
    _check_exists(source)
    target = source.with_name(f"{source.stem}{_BESIDE}{source.suffix}")
    if source.suffix.lower() not in SUFFIXES:
        next(iter_pages(source))  # says what it is, where that is the reason
    format_for(target)
    return [(source, target)]


def plan_in_place(inputs: Sequence[str | Path]) -> Plan:
    """Each picture, and those of each folder, as its own output, once.

    Of a link the file that it leads to is replaced, and the link stays.

    Raises:
        ImageFileError: as for `plan_outputs`.
    """
    plan: dict[Path, Path] = {}
    for given in inputs:
        for source, _ in plan_outputs([given], given):
            plan.setdefault(source.resolve(), source)
    return [(source, real) for real, source in plan.items()]


def _named(given: str | Path, what: str) -> Path:
    """A path; not the empty name that a shell makes of an unset variable, which means "here".

    Nor "-", which in other programs is a pipe.
    """
    if not str(given):
        raise ImageFileError(f"the name of the {what} is empty; '.' is the current folder")
    if str(given) == "-":
        raise ImageFileError(f"the {what} is '-', and nothing goes through a pipe; name a file")
    return Path(given)


def _into(source: Path, folder: Path) -> Plan:
    """The files of one input, and where in the output folder they go."""
    if not source.is_dir():
        _check_exists(source)
        return [(source, folder / source.name)]
    found = find_images(source)
    if _is_inside(folder, source):
        found = [path for path in found if not _is_inside(path, folder)]
    if not found:
        raise ImageFileError(f"no picture in folder '{source}' ({', '.join(SUFFIXES)})")
    return [(path, folder / path.relative_to(source)) for path in found]


def _without_clashes(plan: Plan) -> Plan:
    by_target: dict[Path, Path] = {}
    for source, target in plan:
        taken = by_target.setdefault(target, source)
        if not same_file(taken, source):
            raise ImageFileError(f"'{taken}' and '{source}' would both be written to '{target}'")
    return [(source, target) for target, source in by_target.items()]


def _is_folder(output: str | Path) -> bool:
    return str(output).endswith(("/", os.sep)) or Path(output).is_dir()


def _is_inside(path: Path, folder: Path) -> bool:
    """Whether a path lies below a folder, being itself not counted."""
    return folder.resolve() in path.resolve().parents


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file."""
    return one.exists() and other.exists() and one.samefile(other)


def _check_exists(path: Path) -> None:
    if not path.exists():
        siblings = os.listdir(path.parent) if path.parent.is_dir() else []
        raise ImageFileError(f"'{path}' does not exist.{did_you_mean(path.name, siblings)}")


def _check_file_name(output: Path) -> None:
    if not output.suffix:
        raise ImageFileError(
            f"'{output}' is neither a folder nor a picture's name; "
            f"write '{output}/' for a folder, or '{output}.png'"
        )
    format_for(output)


def _check_folder_name(output: Path, is_folder: bool) -> None:
    if output.is_file():
        raise ImageFileError(f"several pictures need a folder to go to; '{output}' is a file")
    if not is_folder and output.suffix.lower() in SUFFIXES:
        raise ImageFileError(
            f"several pictures need a folder to go to; '{output}' names a picture "
            f"(write '{output}/' if it is to be a folder)"
        )
