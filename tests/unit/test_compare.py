"""Ratios worked out by hand, and what must never be divided."""

from __future__ import annotations

import pytest

from orchestrator.compare import CONDITIONS, compare, overall


def row(seconds, workload="mnist_mlp", **changes):
    cell = {"workload": workload, "variant": "faithful", "stack": "s", "backend": "b", "device": "cpu"}
    return {**cell, **dict.fromkeys(CONDITIONS, 1), "status": "ok", "epoch_s": seconds, **changes}


def test_the_ratio_of_medians_and_its_range():
    (found,) = compare([row(1.0), row(2.0), row(4.0)], [row(3.0)])
    assert (found.a, found.b, found.ratio) == (2.0, 3.0, 1.5)
    assert (found.low, found.high) == (0.75, 3.0)
    assert (found.n_a, found.n_b) == (3, 1)


@pytest.mark.parametrize("name", CONDITIONS)
def test_unlike_conditions_are_never_divided(name):
    (found,) = compare([row(1.0)], [row(1.0, **{name: 2})])
    assert found.ratio is None
    assert name in found.why_not


def test_a_failed_cell_has_no_ratio_and_says_so():
    (found,) = compare([row(1.0)], [row(None, status="failed")])
    assert found.ratio is None
    assert found.why_not == "no steady time in the second"


def test_cells_of_one_side_only_are_listed():
    found = compare([row(1.0)], [row(2.0, workload="mnist_cnn")])
    assert [r.cell["workload"] for r in found] == ["mnist_mlp", "mnist_cnn"]
    assert [r.why_not for r in found] == ["no steady time in the second", "no steady time in the first"]


def test_the_overall_figure_is_the_geometric_mean():
    found = compare([row(1.0), row(1.0, workload="w")], [row(4.0), row(1.0, workload="w")])
    assert overall(found) == (pytest.approx(2.0), 2)
    assert overall([]) is None
