"""Printing: tables, JSON, and what is wrong."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from restorekit.cli.streams import answers
from restorekit.untrusted.plain_data import to_json_value
from restorekit.untrusted.text import escaped, shortened

_WIDEST = 40  # characters of a column, unless it is the last one


def print_line(text: str, file: TextIO | None = None) -> None:
    """Print an escaped line to stdout or another file, with a single write.

    Everything that is printed for people passes here, for any text may come from outside: names
    of files, cards, plugins.

    `print` writes a line and its end apart where nothing is buffered (PYTHONUNBUFFERED): those of
    several processes then run into each other.
    """
    _write(escaped(text), answers() if file is None else file)


def print_text(text: str) -> None:
    """A text of several lines on stdout, each escaped."""
    _write("\n".join(map(escaped, text.split("\n"))), answers())


def _write(text: str, file: TextIO | None) -> None:
    if file is not None:  # None is one that is closed
        file.write(f"{text}\n")
        file.flush()


def print_error(message: str) -> None:
    """One line on stderr that begins with "error: ", however many the message has."""
    print_labelled("error", message)


def print_labelled(kind: str, message: str) -> None:
    """One line on stderr, of bounded length, that begins with the kind of message it is."""
    print_line(f"{kind}: {shortened(' '.join(message.split()))}", sys.stderr)


def print_json(value: object) -> None:
    """A value as JSON; what has no JSON form is shown as text."""
    print_text(json.dumps(to_json_value(value), indent=2, allow_nan=False))


def print_table(rows: Iterable[Sequence[str]], indent: str = "  ") -> None:
    """Print rows of cells in aligned columns; very long cells do not widen their column.

    A cell that is longer than `_WIDEST` is written in full and moves its own row alone.
    """
    rows = [tuple(escaped(shortened(cell)) for cell in row) for row in rows]
    widths = [
        max((len(cell) for cell in column if len(cell) <= _WIDEST), default=0)
        for column in zip(*rows, strict=True)
    ]
    for row in rows:
        print_row(row, widths, indent=indent)


def print_blocks(rows: Sequence[Sequence[str]], width: int | None = None) -> None:
    """Print a table; the columns that do not fit side by side form blocks below one another.

    Every block begins with the first column. Long cells are cut.

    Args:
        rows: the cells of each row.
        width: the characters of a line; None for those of the terminal, 80 without one.
    """
    width = shutil.get_terminal_size().columns if width is None else width
    cells = [[_cut(escaped(cell), min(_WIDEST, width // 2 - 1)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rest = list(range(1, len(widths)))
    while True:
        block, used = [0], widths[0]
        while rest and (len(block) == 1 or used + 2 + widths[rest[0]] <= width):
            block.append(rest.pop(0))
            used += 2 + widths[block[-1]]
        for row in cells:
            print_row([row[at] for at in block], [widths[at] for at in block])
        if not rest:
            return
        print_line("")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 2]}.."


def print_row(
    cells: Sequence[str], widths: Sequence[int], *, left: int | None = None, indent: str = ""
) -> None:
    """Print the cells of a row in columns.

    Args:
        cells: the texts.
        widths: the width of each column.
        left: the number of first columns that are aligned to the left; None for all of them.
        indent: printed before the row.
    """
    left = len(cells) if left is None else left
    aligned = (
        cell.ljust(width) if column < left else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    print_line(f"{indent}{'  '.join(aligned)}".rstrip())
