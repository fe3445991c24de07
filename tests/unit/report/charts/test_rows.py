"""Panels of named rows: names fit whatever their length, bars begin at 0."""

from __future__ import annotations

from orchestrator.report.charts import scales
from orchestrator.report.charts.material import Look
from orchestrator.report.charts.rows import Rows, bars
from tests.unit.report.charts.makers import Drawing

LONG = "CNTK 2.5.1 GPU Tesla K80 5 threads on node01.cluster.example.org"


def test_short_names_stand_beside_their_row_and_long_ones_above():
    beside, above = Rows("t", ["JAX", "CNTK"]), Rows("t", ["JAX", LONG])
    assert beside.begin > above.begin and beside.y[1] - beside.y[0] < above.y[1] - above.y[0]
    drawn = Drawing(above.close(scales.from_zero([1.0], above.begin, above.end), "s"))
    assert LONG.replace(" ", "") in "".join(drawn.texts()).replace(" ", "")


def test_the_axes_of_panels_are_of_one_length_where_room_is_asked_for():
    assert Rows("t", ["a"], ["1"], room=80).end == Rows("t", ["a"], ["123456789"], room=80).end


def test_bars_reach_from_zero_in_proportion():
    jax, torch = (Look(name, f"{name}-key", f"b-{name}", "circle", "") for name in ("jax", "torch"))
    drawn = Drawing(bars("t", [(jax, 2.0, "2", "a: 2"), (torch, 1.0, "1", "b: 1")], "seconds"))
    first, second = drawn.xs()
    assert first > 0 and abs(second / first - 0.5) < 0.01
    assert drawn.tips("m") == ["a: 2", "b: 1"] and drawn.texts("s", "e") == ["2", "1"]
