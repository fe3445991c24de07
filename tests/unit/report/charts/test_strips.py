"""Strips of readings over time: shaded epochs, marks, one axis."""

from __future__ import annotations

import pytest

from orchestrator.report.charts import strips
from orchestrator.report.charts.strips import Series, Strip
from tests.unit.report.charts.makers import Drawing
from tests.unit.report.charts.test_curves import look


def test_a_strip_has_its_line_its_epochs_and_its_marks():
    series = Series([(0, 1), (4, 3)], "%", 100, "mean 2 %", [[(0, 1), (1, 1)]], [(2.0, "slowed down")])
    drawn = Drawing(strips.panel("t", "note", [Strip(look("JAX"), "JAX", [series], [(0, 1), (1, 2), (2, 3)])], 8))
    assert drawn.count("q") == 2  # every other epoch
    assert drawn.tips("l") == ["mean 2 %"] and drawn.count("f") == 1 and drawn.tips("r") == ["slowed down"]
    (width,) = {round(value, 1) for value in drawn.xs(look="q")}
    assert width == pytest.approx((340 - 34 - 6) / 8, abs=0.1)


def test_of_many_epochs_some_are_shaded():
    epochs = [(float(i), i + 1.0) for i in range(200)]
    drawn = Drawing(strips.panel("t", "", [Strip(look("a"), "a", [Series([(0, 1), (1, 1)], "%", 1, "")], epochs)], 200))
    assert 10 <= drawn.count("q") <= strips.MOST_EPOCHS


def test_readings_are_thinned_to_means_and_gaps_stay_gaps():
    readings = [{"t_s": i / 10, "cpu": float(i), "none": None} for i in range(2000)]
    found = strips.thinned(readings, "cpu", 100)
    assert len(found) == 100 and found[0] == (pytest.approx(0.95), pytest.approx(9.5))
    assert strips.thinned(readings, "none", 100) == []
