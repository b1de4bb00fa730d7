"""Picture files through a denoiser, in one call."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

from restorekit.errors import ArgumentError
from restorekit.networks.loading import ModelLike
from restorekit.operations.file_jobs import (
    AnyPath,
    FilesOutcome,
    Inputs,
    OnFile,
    Share,
    path_list,
    run_files,
    worker_of,
)
from restorekit.operations.restoring import Restoring
from restorekit.pictures.pixel_values import Depth
from restorekit.pictures.processing.file_plan import plan_files
from restorekit.pictures.processing.one_file import WriteOptions
from restorekit.pictures.value_ranges import check_range
from restorekit.progress_bar import Progress, check_progress
from restorekit.report.report_paths import report_paths
from restorekit.restore.denoise_options import DEFAULT_MODEL, FileKeywords, show_options
from restorekit.restore.denoiser import Denoiser

_DEPTHS = (8, 16, "float")


@show_options(FileKeywords)
def denoise_files(
    inputs: Inputs,
    output: AnyPath | None = None,
    model: ModelLike = DEFAULT_MODEL,
    *,
    depth: Depth | None = None,
    quality: int | None = None,
    in_place: bool = False,
    overwrite: bool | None = None,
    report: AnyPath | None = None,
    summarize: bool = False,
    share: Share = False,
    on_file: OnFile | None = None,
    progress: Progress = False,
    **options: Unpack[FileKeywords],
) -> FilesOutcome:
    """Restore picture files, or whole folders of them, as `restorekit denoise` does.

    The results keep transparency, metadata and, as far as their format allows, the bit depth. What
    a format cannot hold is named in `FileResult.left_out`. A result appears whole or not at all. A
    file that fails does not stop the others; its error is in its result.

    Args:
        inputs: a picture or a folder, or several of them.
        output: a file for one picture, else a folder. None writes "photo-restored.jpg" next to
            "photo.jpg".
        model: as for `Denoiser`.
        depth: the bit depth of the results, 8, 16 or "float"; None keeps that of each input.
        quality: the quality of JPEG and WebP files, 1 to 100; None is the format's default.
        in_place: overwrite the inputs with the results.
        overwrite: whether pictures that have a result, not older than the input, are restored
            again. None does so for a single picture, and skips them among several.
        report: a ".html" or ".png" file for one picture, else a folder, for reports.
        summarize: measure the change of each page, for `FileResult.summaries`.
        share: True shares the files among the processes that torchrun has started; each of them
            has to make this call. (rank, world) works on every `world`-th file from `rank` on.
        on_file: called with the `FileResult` of each file as soon as it is finished.
        progress: True shows a bar on a terminal or in a notebook, and a line now and then
            elsewhere. A function is called with the number of files that are done, the number of
            all, and a line about the last one; an exception of it ends the work.
        **options: the keywords of `Denoiser` except `alpha`. `black` and `white` hold for all
            inputs; "auto" finds them for each.

    Returns:
        A result for each file, in order.

    Raises:
        ImageFileError: an input is missing, or the results cannot be written there.
        ArgumentError: an option has an invalid value.
        CheckpointError: the weights cannot be loaded.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from PIL import Image
        >>> import restorekit
        >>> folder = Path(tempfile.mkdtemp())
        >>> noisy = np.random.default_rng(0).normal(128, 20, (32, 32)).clip(0, 255)
        >>> Image.fromarray(noisy.astype(np.uint8)).save(folder / "photo.png")
        >>> outcome = restorekit.denoise_files(folder / "photo.png", model="median")
        >>> [(result.target.name, result.status) for result in outcome.results]
        [('photo-restored.png', 'restored')]
    """
    check_progress(progress)
    paths = path_list(inputs)
    ends = check_range(options.get("black", "auto"), options.get("white", "auto"))
    if depth is not None and depth not in _DEPTHS:
        raise ArgumentError(f"depth is 8, 16 or 'float', or None, not {depth!r}")
    if quality is not None and not 1 <= quality <= 100:
        raise ArgumentError(f"quality is 1 to 100, not {quality}")
    # All checks come before the network is loaded, which takes seconds.
    plan = plan_files(paths, output, in_place=in_place)
    reports = report_paths(plan, None if report is None else str(report))
    worker = worker_of(share)
    if overwrite is None:  # the settings for a single picture may be what is tried out
        overwrite = len(paths) == 1 and not Path(paths[0]).is_dir()
    options["device"] = worker.device(str(options.get("device", "auto")))
    denoiser = Denoiser(model, **options)
    restoring = Restoring(denoiser, reports, summarize)
    return run_files(
        plan,
        restoring,
        WriteOptions(depth, quality, in_place, not (overwrite or in_place), *ends),
        worker,
        # A report needs each picture by itself.
        at_once=0 if reports else denoiser.pixels_at_once,
        take_pages=restoring.take_pages,
        on_file=on_file,
        progress=progress,
    )
