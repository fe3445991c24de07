"""The table of who beats whom: names or numbers in its head, one for each machine."""

from __future__ import annotations

from orchestrator.report.sections.pairs import build
from tests.unit.report.makers import contender, two, view_of


def rows(count: int) -> list[dict]:
    return [row for i in range(count) for row in contender("jax", 1.0 + i, framework_version=f"0.{i}")]


def test_few_contenders_are_named_in_the_head_and_stand_in_order():
    section = build(view_of(rows(3)))
    assert section
    note, table = section.blocks
    assert note.texts[0].startswith("Row against column: models on which")
    assert [column.title for column in table.columns] == ["contender", "JAX 0.0", "JAX 0.1", "JAX 0.2"]
    assert table.rows[0] == ["JAX 0.0", "·", "1–0 ?", "1–0 ?"] and not table.fold


def test_many_are_numbers_and_folded_away():
    section = build(view_of(rows(9)))
    assert section
    table = section.blocks[1]
    assert table.columns[9].title == "9" and table.rows[8][0] == "9 JAX 0.8" and table.fold.endswith("9 by 9")


def test_two_contenders_need_no_table():
    assert build(view_of(two([1.0], [2.0]))) is None
