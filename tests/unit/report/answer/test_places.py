"""The overall ranking as data: the entries of the first table, with its statistics."""

from __future__ import annotations

from types import SimpleNamespace

from orchestrator.report.answer.places import places
from orchestrator.report.answer.ranking import fields
from tests.make import row
from tests.unit.report.makers import contender, ranked


def places_of(rows):
    layout, speeds = ranked(rows)
    return places(SimpleNamespace(layout=layout, speeds=speeds)), fields(layout, speeds)


def test_places_have_the_order_and_the_comparison_of_the_report():
    rows = [
        *(
            each
            for name in "ab"
            for each in contender("jax", 1.0, 1.01, 1.02, 1.0, 1.01, workload=name, framework_version="1")
        ),
        *(
            each
            for name in "ab"
            for each in contender("torch", 4.0, 4.01, 4.02, 4.0, 4.01, workload=name, framework_version="1")
        ),
    ]
    (first, second), (field,) = places_of(rows)
    found = field.overall.entries[1].against
    assert (first.contender, first.leads, first.overall, first.firsts, first.tasks) == ("JAX 1", True, 1.0, 2, 2)
    assert (first.times, first.low, first.high, first.p) == (None,) * 4
    assert (second.contender, second.leads, round(second.overall, 1)) == ("PyTorch 1", False, 4.0)
    assert (second.times, second.low, second.high, second.p) == (found.ratio, found.low, found.high, found.p_adjusted)


def test_one_that_is_not_compared_has_a_place_and_no_figure():
    rows = [row(backend=b, workload=w, framework_version="1", epoch_s=2.0) for b in ("jax", "torch") for w in "abc"]
    rows += [row(backend="cntk", workload="a", framework_version="1", epoch_s=1.0)]
    found, _ = places_of(rows)
    assert (found[-1].overall, found[-1].tasks, found[-1].leads, found[-1].firsts) == (None, 0, False, 1)
    assert {place.group for place in found} == {""}
