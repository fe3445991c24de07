"""Where the dots of the answer stand: one axis, logarithmic, with round ticks."""

from __future__ import annotations

import itertools

import pytest

from orchestrator.report.answer.plot import MOST_TICKS, PAD, WIDTH, axis, plot


def test_equal_ratios_have_equal_distances_and_nothing_leaves_the_axis():
    its = axis([1.0, 16.0])
    assert its.x(1.0) == PAD and its.x(its.top) == WIDTH - PAD
    assert its.x(4.0) - its.x(2.0) == pytest.approx(its.x(8.0) - its.x(4.0), abs=0.2)
    assert (its.x(0.2), its.x(1e9)) == (PAD, WIDTH - PAD)
    assert axis([]) is None


@pytest.mark.parametrize("top", [1.0, 1.3, 2.5, 16.0, 300.0, 1e5])
def test_ticks_are_few_round_and_apart(top):
    ticks = axis([1.0, top]).ticks
    assert ticks[0] == (PAD, "1×") and 2 <= len(ticks) <= MOST_TICKS
    places = [x for x, _ in ticks]
    assert all(later - earlier > 35 for earlier, later in itertools.pairwise(places))


def test_a_row_has_a_dot_for_each_task_from_top_to_bottom_and_the_overall_figure():
    drawn = plot(axis([4.0]), [("A", (2.0, 1.5, 3.0)), ("B", (4.0, None, None))], (2.8, 2.0, 3.5))
    first, second = drawn.dots
    assert first.y < drawn.overall.y < second.y
    assert first.low < first.x < first.high and second.low is None
    assert (first.words, drawn.overall.words) == ("A: 2.00×", "overall: 2.80×")
    assert plot(axis([4.0]), [("A", (2.0, None, None))], (2.0, None, None)).overall is None  # one task says it all
