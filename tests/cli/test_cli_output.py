"""Printing of tables."""

from __future__ import annotations

import pytest

from restorekit.cli.output import print_blocks, print_table


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


def test_a_wide_table_is_divided_into_blocks(capsys: pytest.CaptureFixture[str]) -> None:
    """No line exceeds the width, every block has the first column, and no column is lost."""
    head = ["run", *(f"a.setting.number{number}" for number in range(9))]
    rows = [head, ["first", *"123456789"], ["second", *("x" * 200,) * 9]]
    print_blocks(rows, width=80)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    blocks = "\n".join(lines).split("\n\n")
    assert len(blocks) > 1
    assert all(
        [line.split()[0] for line in block.splitlines()] == ["run", "first", "second"]
        for block in blocks
    )
    assert [cell for block in blocks for cell in block.splitlines()[0].split()[1:]] == head[1:]


def test_a_narrow_table_is_one_block(capsys: pytest.CaptureFixture[str]) -> None:
    """It looks as it does without a limit."""
    print_blocks([("run", "psnr"), ("a", "30.00 (29.50)")], width=80)
    assert capsys.readouterr().out == "run  psnr\na    30.00 (29.50)\n"
