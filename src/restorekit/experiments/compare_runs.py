"""Comparing training runs in one call."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike

from restorekit.experiments.comparison import RunComparison, compare_records
from restorekit.experiments.run_records import find_runs, read_run

AnyPath = str | PathLike[str]


def compare_runs(
    runs: AnyPath | Sequence[AnyPath], *, plot: AnyPath | None = None
) -> RunComparison:
    """Compare training runs by what they left in their folders.

    Runs whose configurations differ in nothing but `train.seed` (and in places: device, folder) are
    one group with mean and standard deviation.

    Args:
        runs: folders of runs, or folders of such folders. Runs may still be going on.
        plot: a .png, .svg or .pdf file for the curves of the validations.

    Raises:
        DataError: a folder is missing, or is not the folder of a run.
        ConfigError: the configuration in a folder is damaged.
        ImageFileError: the plot cannot be drawn.

    Example:
        >>> import json, pathlib
        >>> for seed in (0, 1):
        ...     folder = pathlib.Path(f"run{seed}")
        ...     folder.mkdir()
        ...     config = {"model": {"name": "unet"}, "train": {"seed": seed}}
        ...     row = {"step": 9, "phase": "validation", "psnr": 30.0 + seed}
        ...     _ = (folder / "config.json").write_text(json.dumps(config))
        ...     _ = (folder / "metrics.jsonl").write_text(json.dumps(row))
        >>> (group,) = restorekit.compare_runs(["run0", "run1"]).groups
        >>> group.best["psnr"].mean, len(group.runs)
        (30.5, 2)
    """
    if plot is not None:
        # Here, since it imports matplotlib.
        from restorekit.evaluate.plots import check_plot_path

        check_plot_path(plot)
    several = [runs] if isinstance(runs, (str, PathLike)) else runs
    compared = compare_records([read_run(folder) for folder in find_runs(several)])
    if plot is not None:
        from restorekit.experiments.comparison_plot import write_curves

        write_curves(compared, plot)
    return compared
