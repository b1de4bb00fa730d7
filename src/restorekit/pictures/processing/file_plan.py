"""Planning the output file of each input file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path

from restorekit.errors import ArgumentError, ImageFileError
from restorekit.pictures.file_errors import describe_missing
from restorekit.pictures.file_formats import format_for, format_of_suffix, suffixes
from restorekit.pictures.folder_walk import describe_unread, walk_folder
from restorekit.pictures.read_files import iter_pages

_RESULT_SUFFIX = "-restored"


class FilePlan(list[tuple[Path, Path]]):
    """Pairs of an input file and its output file.

    A folder that cannot be listed is an input as well, so that it is reported like a file that
    cannot be read.

    Attributes:
        unread: by kind, how many files of the input folders are not read.
    """

    def __init__(self, pairs: Iterable[tuple[Path, Path]], unread: Counter[str]) -> None:
        super().__init__(pairs)
        self.unread = unread


def plan_files(
    inputs: Sequence[str | Path],
    output: str | PathLike[str] | None = None,
    *,
    in_place: bool = False,
    suffix: str = _RESULT_SUFFIX,
) -> FilePlan:
    """Plan the output of each input file: in `output`, next to the input, or in its place.

    Next to the input, the name of the result ends in `suffix`.

    Raises:
        ArgumentError: both `output` and `in_place` are given, or neither for several inputs.
        ImageFileError: as for `plan_outputs`.
    """
    if in_place and output is not None:
        raise ArgumentError("give an output or restore in place, not both")
    if in_place:
        return plan_in_place(inputs)
    if output is not None:
        return plan_outputs(inputs, output)
    if len(inputs) > 1:
        raise ArgumentError("several pictures need an output folder; give one, or restore in place")
    if not inputs:
        raise ImageFileError("no picture given")
    return plan_next_to(inputs[0], suffix)


def plan_outputs(inputs: Sequence[str | Path], output: str | PathLike[str]) -> FilePlan:
    """Plan the output of each input file in a file or folder.

    One file is written to the path `output`, or into it if it is an existing folder or ends in "/".
    Several files, and folders, are written into the folder `output`; files below a folder keep
    their relative path. If the output folder is below an input folder, its pictures are not inputs,
    so the same command can be repeated.

    Args:
        inputs: picture files and folders of them.
        output: a file or a folder; it may be missing.

    Returns:
        (input file, output file) pairs.

    Raises:
        ImageFileError: an input is missing or has no pictures, `output` is not suitable, or two
            inputs have the same output file.
    """
    sources = [_named(given, "picture") for given in inputs]
    if not sources:
        raise ImageFileError("no picture given")
    _named(output, "output")
    into_folder = _is_folder(output)
    if len(sources) == 1 and not sources[0].is_dir() and not into_folder:
        _check_exists(sources[0])
        _check_file_name(Path(output))
        return FilePlan([(sources[0], Path(output))], Counter())
    _check_folder_name(Path(output), into_folder)
    unread: Counter[str] = Counter()
    pairs = [pair for source in sources for pair in _into(source, Path(output), unread)]
    return FilePlan(_without_clashes(pairs, Path(output)), unread)


def find_inputs(inputs: Sequence[str | Path]) -> tuple[list[Path], Counter[str]]:
    """The files of all inputs, and by kind how many files of the folders are not read.

    Raises:
        ImageFileError: an input is missing, or a folder has no pictures.
    """
    sources = [_named(given, "picture") for given in inputs]
    if not sources:
        raise ImageFileError("no picture given")
    unread: Counter[str] = Counter()
    found = [path for source in sources for path, _ in _into(source, source, unread)]
    return list(dict.fromkeys(found)), unread


def plan_next_to(given: str | Path, suffix: str = _RESULT_SUFFIX) -> FilePlan:
    """Plan the output of a picture or folder next to it: "a-restored.jpg" for "a.jpg".

    Raises:
        ImageFileError: as for `plan_outputs`.
    """
    _named(given, "picture")
    # "." and ".." have no name to which a suffix could be added.
    source = Path(os.path.abspath(given)) if Path(given).name in ("", "..") else Path(given)
    if source.is_dir():
        return plan_outputs([source], source.with_name(source.name + suffix))
    _check_exists(source)
    target = source.with_name(f"{source.stem}{suffix}{source.suffix}")
    if format_of_suffix(source.suffix) is None:
        next(iter_pages(source))  # explains why the file is not supported
    format_for(target)
    return FilePlan([(source, target)], Counter())


def plan_in_place(inputs: Sequence[str | Path]) -> FilePlan:
    """Plan to replace each picture, and those of each folder, by its result.

    For a link, the linked file is replaced and the link is kept.

    Raises:
        ImageFileError: as for `plan_outputs`.
    """
    by_target: dict[Path, Path] = {}
    unread: Counter[str] = Counter()
    for given in inputs:
        plan = plan_outputs([given], given)
        unread.update(plan.unread)
        for source, _ in plan:
            # By the real path, so that two links to one file do not restore it twice.
            by_target.setdefault(real_path(source), source)
    return FilePlan(((source, target) for target, source in by_target.items()), unread)


def _named(given: str | PathLike[str], what: str) -> Path:
    """Convert to a path; reject names that are likely mistakes.

    A shell replaces an unset variable by an empty name, which `Path` takes as the current folder.
    Other programs use "-" for a pipe.
    """
    if not str(given):
        raise ImageFileError(f"the name of the {what} is empty; '.' is the current folder")
    if str(given) == "-":
        raise ImageFileError(f"the {what} is '-', but pipes are not supported; give a file name")
    return Path(given)


def _into(source: Path, folder: Path, unread: Counter[str]) -> list[tuple[Path, Path]]:
    """The files of one input with their outputs; counts the files that are not read."""
    if not source.is_dir():
        _check_exists(source)
        return [(source, folder / source.name)]
    found = walk_folder(source, folder if _is_inside(folder, source) else None)
    unread.update(found.others)
    paths = found.images + found.unreadable
    if not paths:
        held = f"; it holds {describe_unread(found.others)}" if found.others else ""
        raise ImageFileError(f"no picture in folder '{source}' ({', '.join(suffixes())}){held}")
    return [(path, folder / path.relative_to(source)) for path in paths]


def _without_clashes(plan: list[tuple[Path, Path]], folder: Path) -> list[tuple[Path, Path]]:
    """Remove repeated pairs.

    Raises:
        ImageFileError: two inputs have the same output; case counts only if it does on the disk.
    """
    folds = _ignores_case(folder)
    taken: dict[str, tuple[Path, Path]] = {}
    for source, target in plan:
        name = str(target).casefold() if folds else str(target)
        first, _ = taken.setdefault(name, (source, target))
        if first != source and not same_file(first, source):
            raise ImageFileError(f"'{first}' and '{source}' would both be written to '{target}'")
    return list(taken.values())


def _ignores_case(folder: Path) -> bool:
    """Whether file names that differ only by case are the same on the disk of a folder."""
    # The folder may not exist yet; its parents are on the same disk.
    for path in (folder.absolute(), *folder.absolute().parents):
        other = path.with_name(path.name.swapcase()) if path.name else path
        if other != path and path.exists():
            return same_file(path, other)
    return False


def real_path(path: Path) -> Path:
    """Resolve the links of a path; unlike `Path.resolve`, circular links are not an error."""
    return Path(os.path.realpath(path))


def _is_folder(output: str | PathLike[str]) -> bool:
    return str(output).endswith(("/", os.sep)) or Path(output).is_dir()


def _is_inside(path: Path, folder: Path) -> bool:
    """Whether a path is below a folder; the folder itself is not."""
    return real_path(folder) in real_path(path).parents


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same existing file."""
    return one.exists() and other.exists() and one.samefile(other)


def _check_exists(path: Path) -> None:
    if not path.exists():
        raise ImageFileError(f"'{path}' {describe_missing(path)}")


def _check_file_name(output: Path) -> None:
    if not output.suffix:
        raise ImageFileError(
            f"'{output}' is neither a folder nor the name of a picture; "
            f"write '{output}/' for a folder, or '{output}.png'"
        )
    format_for(output)


def _check_folder_name(output: Path, is_folder: bool) -> None:
    if output.is_file():
        raise ImageFileError(f"several pictures need an output folder; '{output}' is a file")
    if not is_folder and format_of_suffix(output.suffix) is not None:
        raise ImageFileError(
            f"several pictures need an output folder; '{output}' names a picture "
            f"(write '{output}/' for a folder)"
        )
