"""Tables fit the terminal, whatever its width: nothing is cut, and no row is wrapped by the terminal."""

from __future__ import annotations

import pytest

from orchestrator.cli.tables import UNBOUNDED, entries, width

ROWS = [["name of a cell", "1.00", "12.5", "slower by 3-4 % than the first"], ["another", "10.0", "", ""]]


def test_a_row_is_one_line_where_there_is_room():
    assert entries(ROWS, 100) == [
        ["name of a cell  1.00  12.5  slower by 3-4 % than the first"],
        ["another         10.0"],
    ]


@pytest.mark.parametrize("columns", range(20, 80))
def test_no_line_is_longer_than_the_terminal_and_nothing_is_lost(columns):
    for row, lines in zip(ROWS, entries(ROWS, columns), strict=True):
        assert max(map(len, lines)) <= columns
        assert " ".join(" ".join(lines).split()) == " ".join(filter(None, row))


def test_no_rows_are_no_lines():
    assert entries([], 80) == []


def test_the_width_is_that_of_the_terminal_and_a_pipe_has_none(monkeypatch):
    monkeypatch.setenv("COLUMNS", "77")
    assert width() == 77
    monkeypatch.delenv("COLUMNS")
    monkeypatch.setattr("sys.__stdout__", None)
    assert width() == UNBOUNDED
