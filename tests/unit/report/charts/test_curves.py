"""Curves: names at their ends that never lie on each other, points thinned."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.report.charts import curves
from orchestrator.report.charts.curves import Curve, Plot, apart, thinned
from orchestrator.report.charts.material import MOST_POINTS, Look
from orchestrator.report.charts.scales import Scale
from tests.unit.report.charts.makers import Drawing, numbers


def look(label: str) -> Look:
    return Look(label, label.lower(), "b-jax", "circle", "")


@given(st.lists(st.floats(0, 300), min_size=1, max_size=21))
def test_names_are_a_line_apart_and_stay_within(wanted):
    placed = apart(sorted(wanted), 20, 20 + 12 * 21)
    assert all(later - earlier >= 12 - 1e-6 for earlier, later in itertools.pairwise(placed))
    assert placed[-1] <= 20 + 12 * 21 and placed[0] >= 20 - 1e-6


def test_twenty_one_curves_that_end_at_one_point_have_names_that_can_be_read():
    names = [f"{i} name" for i in range(21)]
    plot = Plot("title", "", [Curve(look(name), name, [(0, 1), (1, 1)], ["", ""]) for name in names])
    panel = plot.drawn(Scale(0, 1, 44, plot.right), Scale(0, 2, plot.bottom, plot.top), ("x", "y"))
    drawn = Drawing(panel)
    places = sorted(float(e.get("y", 0)) for e in drawn.root.iter("text") if e.text in names)
    assert len(places) == 21 and min(b - a for a, b in itertools.pairwise(places)) >= 11.9
    assert max(numbers(drawn)) <= max(340, panel.height)


def test_long_labels_become_numbers_that_a_key_tells():
    looks = [look("CNTK 2.5.1 GPU Tesla K80 5 threads"), look("JAX")]
    assert curves.names(looks) == ["1", "2"] and curves.names(looks[1:]) == ["JAX"]
    key = Drawing(curves.key_panel(looks, ["1", "2"]))
    assert {"1", "2", "JAX"} <= set(key.texts()) and "5 threads" in " ".join(key.texts())


def test_many_points_are_thinned_and_the_last_stays():
    points = [(float(i), 1.0) for i in range(1000)]
    assert len(thinned(points)) <= MOST_POINTS + 1 and thinned(points)[-1] == points[-1]
    assert thinned(points[:5]) == points[:5]
