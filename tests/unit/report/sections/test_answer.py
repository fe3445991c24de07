from __future__ import annotations

from orchestrator.report.sections.answer import build
from tests.unit.report.makers import contender, view_of


def test_every_group_that_compares_has_a_table_and_the_first_is_the_answer():
    rows = [*contender("jax", 1.0), *contender("jax", 1.0, device="gpu", gpu_name="K80")]
    tables = [block for block in build(view_of(rows)).blocks if block.kind == "answer"]
    assert [block.name for block in tables] == ["answer", "answer-2"]
    assert all(block.title for block in tables)
