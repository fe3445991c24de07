"""Blocks say what they are, and a table's rows fit its columns."""

from __future__ import annotations

import pytest

from orchestrator.report.blocks import Block, Column, Table


def test_every_kind_has_a_name_of_its_own():
    kinds = [kind.kind for kind in Block.__subclasses__()]
    assert sorted(kinds) == ["answer", "chart", "matrix", "paragraphs", "sure", "table"]


def test_each_cell_of_a_table_knows_its_column():
    columns = (Column("job", heads=True), Column("s", number=True))
    (line,) = Table(columns, [["a", "1"]]).cells()
    assert [(column.title, cell) for column, cell in line] == [("job", "a"), ("s", "1")]


@pytest.mark.parametrize("row", [["a"], ["a", "b", "c"]])
def test_a_row_of_another_length_is_an_error(row):
    with pytest.raises(ValueError):
        list(Table((Column("x"), Column("y")), [row]).cells())
