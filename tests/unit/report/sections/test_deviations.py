"""A deviation says which backend or device it is about."""

from __future__ import annotations

from orchestrator.report.blocks import Span
from orchestrator.report.sections.deviations import build
from tests.fakes.made_up import DEVIATIONS
from tests.make import row
from tests.unit.report.makers import view_of


def test_each_deviation_has_a_row():
    (table,) = build(view_of([row()], deviations=DEVIATIONS)).blocks
    assert [cells[0] for cells in table.rows] == [
        ["keras2-tensorflow-cntk"], ["keras2-tensorflow-cntk", " ", Span("cntk only", "aside")],
    ]  # fmt: skip
    assert table.rows[0][1:] == ["Python", "3.5.2", "2.7.18", "Debian has no 3.5"]


def test_without_deviations_there_is_no_section():
    assert build(view_of([row()])) is None
