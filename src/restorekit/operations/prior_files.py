"""Picture files through a plug-and-play problem: deblurred, enlarged or filled."""

from __future__ import annotations

import time
from dataclasses import replace
from os import fspath
from pathlib import Path
from typing import Any, cast

import numpy as np

from restorekit.errors import ArgumentError
from restorekit.operations.file_jobs import (
    AnyPath,
    FilesOutcome,
    Inputs,
    OnFile,
    Pages,
    Summaries,
    path_list,
    run_files,
    worker_of,
)
from restorekit.pictures.picture import Picture
from restorekit.pictures.processing.file_plan import plan_files
from restorekit.pictures.processing.one_file import PagePlace, WriteOptions, one_at_a_time
from restorekit.pictures.tensors import read_tensor
from restorekit.pictures.value_ranges import check_range
from restorekit.restore.denoise_options import RangeEnd
from restorekit.restore.image_types import open_image
from restorekit.restore.pixel_meaning import PixelMeaning
from restorekit.restore.plug_and_play.problems import Problem
from restorekit.restore.plug_and_play.tasks import repeated


def solve_files(
    inputs: Inputs,
    output: AnyPath | None,
    problem: Problem,
    *,
    black: RangeEnd = "auto",
    white: RangeEnd = "auto",
    quality: int | None = None,
    overwrite: bool = False,
    on_file: OnFile | None = None,
) -> FilesOutcome:
    """Undo what happened to picture files, as `restorekit deblur` does for a blur.

    The results keep bit depth, transparency and metadata. A file that fails does not stop the
    others. The processes of torchrun share the files.

    Args:
        inputs: a picture or a folder, or several of them.
        output: a file for one picture, else a folder; None for one next to the picture, whose name
            ends in "-sharp", "-large" or "-filled".
        problem: what happened to the pictures.
        black: the value of black in all inputs; "auto" finds it for each.
        white: the value of white.
        quality: quality of JPEG and WebP files, 1 to 100.
        overwrite: whether existing results are replaced. Otherwise files with a newer result are
            skipped, and the existing result of a single picture is an error.
        on_file: called with the `FileResult` of each file as soon as it is finished.

    Raises:
        ArgumentError: the result of a single picture exists, or a number is out of range.
        ImageFileError: an input is missing, or the results cannot be written there.
    """
    ends = check_range(black, white)
    if quality is not None and not 1 <= quality <= 100:
        raise ArgumentError(f"quality is 1 to 100, not {quality}")
    plan = plan_files(path_list(inputs), output, suffix=f"-{problem.result}")
    if len(plan) == 1 and not overwrite and plan[0][1].exists():
        raise ArgumentError(f"'{plan[0][1]}' exists; choose another output, or overwrite it")
    change = Solving(problem)
    return run_files(
        plan,
        one_at_a_time(change),
        WriteOptions(None, quality, False, not overwrite, *ends),
        worker_of(True),
        take_pages=change.take_pages,
        on_file=on_file,
    )


def read_mask(path: AnyPath) -> Any:
    """The pixels that a picture marks as missing by white, (H, W): more than half of white.

    Raises:
        ArgumentError: the path is empty.
        ImageFileError: it cannot be read.
    """
    if not fspath(path):
        raise ArgumentError("the path of the mask is empty")
    mask = read_tensor(Path(path), 1)[0].numpy()
    return mask > (127 if mask.dtype == np.uint8 else 0.5)


class Solving:
    """A problem as a change of pictures, which keeps what is known of each page.

    Args:
        problem: what happened to the pictures.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._pages: dict[int, list[dict[str, Any]]] = {}

    def __call__(self, picture: Picture, place: PagePlace) -> Picture:
        """The restored picture."""
        start, factor = time.perf_counter(), self.problem.factor
        alpha = None if picture.alpha is None else _enlarged(picture.alpha, factor)
        large = replace(picture, pixels=_enlarged(picture.pixels, factor), alpha=alpha)
        opened = open_image(large.pixels, None, meaning=PixelMeaning.of(large))
        levels, tile = self.problem.solve(opened.canvas)
        row = {"sigma": levels[0], "tile": tile, "seconds": time.perf_counter() - start}
        self._pages.setdefault(place.number, []).append(row)
        return replace(large, pixels=cast(np.ndarray[Any, Any], opened.finish()))

    def take_pages(self, number: int) -> tuple[Pages, Summaries]:
        """What is known of the pages of a file, once."""
        return (), tuple(self._pages.pop(number, ()))


def _enlarged(pixels: Any, factor: int) -> Any:
    return pixels if factor == 1 else repeated(pixels, factor)
