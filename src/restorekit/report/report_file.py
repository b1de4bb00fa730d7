"""Writing the report of a restoration as an HTML page or a PNG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from restorekit.errors import ArgumentError
from restorekit.pictures.file_errors import drawing_errors
from restorekit.report import html_page, png_page
from restorekit.report.findings import Array, check_arrays, measure_change
from restorekit.report.illustrations import ReportContents, gain_for, informative_crops, overview
from restorekit.restore.analysis import Analysis
from restorekit.restore.outcome import DenoiseOutcome
from restorekit.storage.atomic import atomic_path
from restorekit.untrusted.text import escaped

SUFFIXES = (".html", ".png")
_CHANNELS = {1: ("gray",), 3: ("red", "green", "blue")}
_KINDS = {1: "gray", 3: "colour"}


def write_report(
    path: str | Path,
    before: Array,
    after: Array,
    outcome: DenoiseOutcome[object] | None = None,
    *,
    name: str = "",
    analysis: Analysis | None = None,
) -> None:
    """Write a report of a restoration as one file: an HTML page or a PNG.

    It contains an overview of the picture, its flattest and its most detailed part before and after
    (in HTML with a movable divider), the amplified residual and whether it is white noise, the
    estimated noise before and after, the analysis, time and memory. The file stays below about 3 MB
    for pictures of any size, and the page loads nothing from the network.

    Args:
        path: the file to write. The suffix .html or .png selects the format. An existing file is
            replaced.
        before: (H, W, C) or (H, W), of a type and range that `Denoiser` supports. Of two channels
            the first is shown, of more than three the first three.
        after: the restored picture.
        outcome: the result of `Denoiser.restore`; None omits the values that only it has.
        name: name of the picture, for the heading.
        analysis: the analysis of the picture before it was restored; None omits it.

    Raises:
        ArgumentError: the suffix is not .html or .png.
        InputError: the pictures differ in shape or type, or are unsupported.
        ImageFileError: the report cannot be drawn.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ArgumentError(f"a report is a {' or '.join(SUFFIXES)} file, not '{path.name}'")
    before, after = check_arrays(before, after, outcome)
    numbers, white = measure_change(before, after, outcome)
    gain = gain_for(white.std)
    shown = 3 if before.shape[2] >= 3 else 1
    before, after = before[..., :shown], after[..., :shown]
    contents = ReportContents(
        # A file name may contain invalid text, control characters and line breaks.
        title=escaped(" ".join(name.split())) or "Restored picture",
        verdict=white.words,
        rows=_rows(numbers) + _analysis_rows(analysis),
        overviews=(overview(before), overview(after)),
        crops=informative_crops(before, after, gain),
        gain=gain,
    )
    with drawing_errors(path), atomic_path(path) as temporary:
        if path.suffix.lower() == ".png":
            png_page.draw_png(temporary, contents)
        else:
            temporary.write_text(html_page.render_html(contents), encoding="utf-8")


def _rows(numbers: dict[str, Any]) -> list[tuple[str, str]]:
    """The table of a report: pairs of a label and a value."""
    width, height = numbers["size"]
    count = numbers["channels"]
    names = _CHANNELS.get(count) or tuple(f"channel {number + 1}" for number in range(count))
    rows = [
        ("Picture", f"{width} x {height} pixels, {_KINDS.get(count, f'{count} channels')}"),
        ("Noise before (of 255)", _by_channel(names, numbers["noise_before"])),
        ("Noise after (of 255)", _by_channel(names, numbers["noise_after"])),
        ("Removed (of 255)", f"{numbers['residual']['std']:.2f}"),
        ("Residual", numbers["residual"]["verdict"]),
        ("Fine detail removed", f"{numbers['residual']['detail']:.0%}"),
    ]
    if "model" in numbers:
        seconds, pixels = numbers["seconds"], width * height / 1e6
        pace = f", {seconds / pixels:.2f} s per megapixel" if pixels >= 0.1 else ""
        tile = f"{numbers['tile']} pixels" if numbers["tile"] else "none"
        rows += [
            ("Model", escaped(str(numbers["choice"] or numbers["model"]))),
            ("Left unchanged", numbers["left_alone"] or "no"),
            ("Noise stabilized", "yes" if numbers["stabilized"] else "no"),
            ("Time", f"{seconds:.2f} s{pace}"),
            ("Tiles, precision", f"{tile}, {numbers['precision']}"),
            ("Scales", f"{numbers['scales']}"),
        ]
        # A level that was given for the whole picture has one value.
        used = [*names] if len(numbers["sigma"]) == len(names) else [""]
        rows.insert(3, ("Noise level used (of 255)", _by_channel(used, numbers["sigma"])))
    if numbers["peak_memory_mib"] is not None:
        rows.append(("Peak memory", f"{numbers['peak_memory_mib']:.0f} MiB"))
    return rows


def _analysis_rows(analysis: Analysis | None) -> list[tuple[str, str]]:
    """The findings of each measurement; the size of the picture is already in the table."""
    if analysis is None:
        return []
    words = {name: line for name, line in analysis.words.items() if name != "picture"}
    return [(f"Analysis: {escaped(name)}", escaped(line)) for name, line in words.items()]


def _by_channel(names: Any, values: list[float]) -> str:
    return ", ".join(
        f"{name} {value:.2f}".strip() for name, value in zip(names, values, strict=False)
    )
