"""Picture files through a function: which file goes where, and what to do with a bad one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from restorekit.data.files import SUFFIXES, find_images, read_image, write_image, writer_for
from restorekit.errors import ImageFileError, RestoreKitError, did_you_mean

Restore = Callable[[Image.Image], Image.Image]
Plan = list[tuple[Path, Path]]


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
    sources = [Path(given) for given in inputs]
    if not sources:
        raise ImageFileError("no picture given")
    into_folder = _is_folder(output)
    if len(sources) == 1 and not sources[0].is_dir() and not into_folder:
        _check_exists(sources[0])
        _check_file_name(Path(output))
        return [(sources[0], Path(output))]
    _check_folder_name(Path(output), into_folder)
    plan = [pair for source in sources for pair in _into(source, Path(output))]
    return _without_clashes(plan)


def restore_file(
    source: str | Path, target: str | Path, denoiser: Restore, overwrite_input: bool = False
) -> None:
    """Read a picture, restore it, write it with its metadata.

    Args:
        source: the file to read.
        target: the file to write; replaced where it exists.
        denoiser: a `Denoiser`, or any function of a PIL image that returns one.
        overwrite_input: allow `target` to be `source`.

    Raises:
        ImageFileError: a file cannot be read or written, or `target` is `source`.
        InputError: the picture cannot be restored.
    """
    source, target = Path(source), Path(target)
    writer_for(target)  # before the work, not after it
    if not overwrite_input and _same_file(source, target):
        raise ImageFileError(
            f"'{source}' would be overwritten by its own result; choose another output"
        )
    image = read_image(source)
    write_image(denoiser(image), target, like=image)


def restore_files(
    plan: Sequence[tuple[Path, Path]],
    denoiser: Restore,
    overwrite_input: bool = False,
    report: Callable[[Path, RestoreKitError | None], None] | None = None,
) -> list[tuple[Path, RestoreKitError]]:
    """Restore every file of a plan; a bad one does not stop the others.

    Args:
        plan: what `plan_outputs` returns.
        denoiser: a `Denoiser`, or any function of a PIL image that returns one.
        overwrite_input: allow a file to be replaced by its own result; never by another's.
        report: called after each file with its path and what went wrong, None where nothing did.

    Returns:
        The files that failed, each with its error.
    """
    failures: list[tuple[Path, RestoreKitError]] = []
    inputs = {source.resolve() for source, _ in plan}
    for source, target in plan:
        error: RestoreKitError | None = None
        try:
            if source.resolve() != target.resolve() in inputs:
                raise ImageFileError(f"'{source}': its result would overwrite input '{target}'")
            restore_file(source, target, denoiser, overwrite_input)
        except RestoreKitError as caught:
            error = caught
            failures.append((source, caught))
        if report is not None:
            report(source, error)
    return failures


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
        if not _same_file(taken, source):
            raise ImageFileError(f"'{taken}' and '{source}' would both be written to '{target}'")
    return [(source, target) for target, source in by_target.items()]


def _is_folder(output: str | Path) -> bool:
    return str(output).endswith(("/", os.sep)) or Path(output).is_dir()


def _is_inside(path: Path, folder: Path) -> bool:
    """Whether a path lies below a folder, being itself not counted."""
    return folder.resolve() in path.resolve().parents


def _same_file(one: Path, other: Path) -> bool:
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
    writer_for(output)


def _check_folder_name(output: Path, is_folder: bool) -> None:
    if output.is_file():
        raise ImageFileError(f"several pictures need a folder to go to; '{output}' is a file")
    if not is_folder and output.suffix.lower() in SUFFIXES:
        raise ImageFileError(
            f"several pictures need a folder to go to; '{output}' names a picture "
            f"(write '{output}/' if it is to be a folder)"
        )
