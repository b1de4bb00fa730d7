"""Printing of tables."""

from __future__ import annotations

import pytest

from restorekit.cli.output import print_table


def test_a_long_cell_moves_its_own_row_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """It is written in full; the other rows keep their columns."""
    long = "x" * 100
    print_table([("name", "what"), ("a", "first"), (long, "second")])
    assert capsys.readouterr().out == f"  name  what\n  a     first\n  {long}  second\n"


def test_a_column_of_long_cells_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """A table with only long cells can be printed."""
    long = "x" * 100
    print_table([(long, "b")])
    assert capsys.readouterr().out == f"  {long}  b\n"
