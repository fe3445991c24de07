"""The table of a trend fits any terminal."""

from __future__ import annotations

from orchestrator.cli.trend import trend_text
from tests.unit.history.test_gate import of, stepped
from tests.unit.history.test_lines import line, point


def test_a_row_for_each_line_and_the_gate_below():
    text = trend_text(of(stepped(1.08, 3), line(steps=[])), 0.05, columns=200)
    assert "takes 1.07 to 1.09 times as long from" in text and "no step" in text
    assert "1 line regressed by more than 5 % within the last 7 nights" in text
    assert "FAILED" in trend_text(of(), 0.05, columns=80)


def test_a_narrow_terminal_is_not_overrun_and_nothing_steers_it():
    text = trend_text(of(stepped(1.08, 3), line(points=[point(keras="\x1b[31m" + "x" * 90)])), 0.05, columns=80)
    assert max(map(len, text.splitlines())) <= 80 and "\x1b" not in text
