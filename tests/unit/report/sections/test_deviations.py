"""A deviation stands once, and says which stacks, backend or device it is about."""

from __future__ import annotations

from orchestrator.report.blocks import Span
from orchestrator.report.sections.deviations import build
from tests.fakes.made_up import DEVIATIONS
from tests.make import row
from tests.unit.report.makers import view_of


def test_each_difference_has_one_row_with_the_stacks_that_have_it():
    again = [{**DEVIATIONS[0], "stack": "keras2-theano"}]
    (table,) = build(view_of([row()], deviations=DEVIATIONS + again)).blocks
    assert [cells[-1] for cells in table.rows] == [
        ["keras2-tensorflow-cntk", ", keras2-theano"],
        ["keras2-tensorflow-cntk", " ", Span("cntk only", "aside")],
    ]
    assert table.rows[0][:-1] == ["Python", "3.5.2", "2.7.18", "Debian has no 3.5"]


def test_without_deviations_there_is_no_section():
    assert build(view_of([row()])) is None
