"""Axes: from 0 or of ratios, never a single point, few and round ticks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.report.charts import scales
from orchestrator.report.charts.scales import Scale, fitting, from_zero, logarithmic
from orchestrator.report.charts.svg import Canvas
from tests.unit.report.charts.makers import Drawing


def test_values_of_one_size_begin_at_zero_and_others_are_ratios():
    assert fitting([2, 3, 5], 0, 100).low == 0 and not fitting([2, 3, 5], 0, 100).log
    assert fitting([0.1, 3], 0, 100).log
    assert not fitting([0.0, 3], 0, 100).log


@pytest.mark.parametrize("value", [0.0, 1e-9, 0.1, 1.0, 1234.5])
def test_no_axis_is_a_single_point(value):
    assert from_zero([value, None, float("nan")], 0, 100).high > 0
    assert logarithmic([value], 0, 100).low < logarithmic([value], 0, 100).high


def test_what_lies_outside_is_drawn_at_the_end():
    scale = Scale(0, 10, 0, 100)
    assert (scale(-5), scale(5), scale(50)) == (0, 50, 100)


@given(st.floats(1e-6, 1e6), st.floats(1.01, 1e6), st.integers(2, 9), st.booleans())
def test_ticks_are_few_lie_within_and_rise(low, factor, most, log):
    high = low * factor
    found = Scale(low, high, 0, 300, log).ticks(most)
    assert len(found) <= most + 1 and found == sorted(set(found))
    assert all(low * 0.99 <= value <= high * 1.01 for value in found)


@pytest.mark.parametrize(("last", "named"), [(2, ["1", "2"]), (25, ["3", "6", "9", "12", "15", "18", "21", "24"])])
def test_whole_numbers_are_named_where_only_they_mean_something(last, named):
    canvas = Canvas(340, 50)
    scales.below(canvas, Scale(1, last, 44, 300), 0, 10, "epoch", whole=True)
    assert Drawing(f"<svg>{canvas.body}</svg>").texts("s", "c") == [*named, "epoch"]


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.25, "0.25"), (1500, "1,500"), (0.00012, "0.00012"), (2.0, "2")]
)
def test_ticks_have_the_digits_that_tell_them(value, text):
    assert scales.tick(value) == text


def test_names_of_ticks_stay_within_their_picture():
    canvas = Canvas(100, 50)
    scales.below(canvas, Scale(0, 1, 2, 98), 0, 10, "s", write="{:.4f}".format)
    drawn = Drawing(f"<svg>{canvas.body}</svg>")
    places = [(float(e.get("x", 0)), len(e.text or "")) for e in drawn.root.iter("text")]
    assert all(x - size * 3 >= 0 and x + size * 3 <= 100 for x, size in places)
