"""A report as one PNG picture."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from restorekit.report.illustrations import Bytes, ReportContents

_DPI = 110
_COLUMN = 58  # letters of a line of text


def draw_png(path: Path, contents: ReportContents) -> None:
    """Draw the contents of `render_html` to a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    crops = contents.crops
    count = 1 + len(crops)
    figure = Figure(figsize=(11, 3.6 * count + 0.8), dpi=_DPI, layout="constrained")
    # A canvas of its own, so that no window system is needed and pyplot keeps no figure.
    FigureCanvasAgg(figure)
    # Without this, matplotlib takes "$" in a file name for a formula.
    figure.suptitle(textwrap.fill(_drawable(contents.title), 90), parse_math=False)
    axes = figure.subplots(count, 3, squeeze=False)
    _show(axes[0][0], contents.overviews[0], "before")
    _show(axes[0][1], contents.overviews[1], "after")
    axes[0][2].axis("off")
    lines = [f"{what}: {value}" for what, value in contents.rows]
    text = "\n".join(textwrap.fill(line, _COLUMN, subsequent_indent="    ") for line in lines)
    text += "\n\n" + textwrap.fill(contents.verdict, _COLUMN)
    axes[0][2].text(0, 1, _drawable(text), va="top", fontsize=8.5, parse_math=False)
    for row, crop in zip(axes[1:], crops, strict=True):
        _show(row[0], crop.before, f"{crop.label} part, before")
        _show(row[1], crop.after, f"{crop.label} part, after")
        _show(row[2], crop.residual, f"residual, amplified {contents.gain} times")
    figure.savefig(path, format="png")


def _drawable(text: str) -> str:
    """Replace letters that the font lacks by boxes; matplotlib would issue warnings."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    known = get_font(findfont(FontProperties())).get_charmap()
    return "".join(
        letter if letter == "\n" or ord(letter) in known else "\N{WHITE SQUARE}" for letter in text
    )


def _show(axes: Any, pixels: Bytes, title: str) -> None:
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_title(title, fontsize=10)
    axes.axis("off")
