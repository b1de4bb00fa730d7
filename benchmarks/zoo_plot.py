"""Draw docs/images/zoo_quality.png: quality against the time that docs/zoo_results.json has.

On the left networks with trained weights on CBSD68 at sigma 25: bundled ones as measured, others as
published, from examples/recipes/results.json. On the right the survey, docs/zoo_survey.json.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from restorekit.storage.atomic import atomic_path
from restorekit.zoo.entries import ZooEntry, find_entries, weights_of
from restorekit.zoo.measure import Measured
from restorekit.zoo.zoo_files import ZooFiles

ROOT = Path(__file__).parents[1]
FILES = ZooFiles(ROOT / "docs" / "zoo.md")
RESULTS = ROOT / "examples" / "recipes" / "results.json"
PLOT = ROOT / "docs" / "images" / "zoo_quality.png"
DATA, NOISE, SIDE = "CBSD68", "gaussian:25", "512"


def main() -> None:
    """Draw both panels."""
    measured = FILES.read_results()
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    scatter(left, f"{DATA}, {NOISE}, trained weights", trained_points(measured))
    survey = FILES.read_survey()
    minutes = f"{survey['recipe']['minutes']:g} minutes" if survey else "no survey yet"
    scatter(right, f"{DATA}, {NOISE}, after {minutes} of training", survey_points(measured, survey))
    with atomic_path(PLOT) as temporary:
        figure.savefig(temporary, dpi=110)


def trained_points(measured: dict[str, Measured]) -> Iterator[tuple[str, float, float]]:
    """Name, seconds per megapixel and PSNR of networks with bundled or published weights."""
    content = json.loads(RESULTS.read_text(encoding="utf-8"))
    here = next(
        each
        for each in content["measured"]
        if each["data"]["folder"] == DATA and not each["protocol"]
    )
    published = {
        each["name"].lower(): each["psnr"].get(NOISE)
        for each in content["compared"]
        if each["command"] == here["command"]
    }
    rows = {row["model"]: row["psnr"] for row in here["rows"] if row["noise"] == NOISE}
    for entry in find_entries():
        known: dict[str, Any] = {name: rows.get(name) for name in weights_of(entry)}
        if not entry.preset:
            known[f"{entry.model}, published"] = published.get(entry.model)
        seconds = time_of(entry, measured)
        for label, psnr in known.items():
            if psnr is not None and seconds is not None:
                yield label, seconds, psnr


def survey_points(
    measured: dict[str, Measured], survey: dict[str, Any]
) -> Iterator[tuple[str, float, float]]:
    """The same of the networks of the survey."""
    for row in survey.get("networks", ()):
        if row.get("kind") in ("trained", "without weights"):
            model, _, preset = row["network"].partition(":")
            seconds = time_of(ZooEntry(model, preset), measured)
            if seconds is not None:
                yield row["network"], seconds, row["tests"][DATA]["psnr"]


def time_of(entry: ZooEntry, measured: dict[str, Measured]) -> float | None:
    """Seconds per megapixel in float32; None if they were not measured."""
    found = measured.get(entry.label)
    return None if found is None else found.seconds.get("float32", {}).get(SIDE)


def scatter(axis: Axes, title: str, points: Iterator[tuple[str, float, float]]) -> None:
    """A point with its name for each network; up and left is better."""
    for label, seconds, psnr in points:
        axis.scatter([seconds], [psnr], zorder=3)
        axis.annotate(
            label, (seconds, psnr), xytext=(5, 4), textcoords="offset points", fontsize="small"
        )
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter("")
    axis.margins(0.2, 0.15)
    axis.set_title(title)
    axis.set_xlabel("seconds of processor time per megapixel, float32")
    axis.set_ylabel("PSNR (dB)")
    axis.grid(alpha=0.3)


if __name__ == "__main__":
    main()
