"""The table of what training costs."""

from __future__ import annotations

from msgspec.structs import replace

from orchestrator.report.sections import costs
from tests.unit.report.makers import two, view_of


def cells(view):
    section = costs.build(view)
    return {(row[0].partition(" ")[0], row[1]): row[2:] for block in section.blocks[:-1] for row in block.rows}


def rows(**more):
    """Two backends of two repeats, 10 epochs of 1,000 samples; the first counted its processors."""
    spans = {"epochs": 10, "train": 1000, "first_epoch_s": 2.0, "steady_s": 9.0, "validated_s": 1.0}
    found = [{**row, **spans, **more} for row in two([1.0, 1.0], [2.0, 2.0])]
    for row, joules in zip(found, (100.0, 120.0, None, None), strict=True):
        row |= {"cpu_energy_j": joules, "cpu_energy_source": "RAPL" if joules else "only root may read it"}
    return found


def test_joules_have_their_interval_and_say_what_else_counts():
    section = costs.build(view_of(rows()))
    (line,) = cells(view_of(rows())).values()
    assert line == ["11.0 J (0 J to 23.7 J)", "11.0 J (0 J to 23.7 J)", "–", "2"]
    texts = " ".join(section.blocks[-1].texts)
    assert "other work counts, too" in texts and "not known (only root may read it)" in texts


def test_processors_and_gpu_are_added_where_both_are_known_and_the_accuracy_where_all_got_there():
    epochs = {"learned": 0.9}
    found = rows(energy_j=500.0, **epochs)
    view = view_of(found)
    view = replace(view, rows=[{**row, "reached_s": 6.0} for row in view.rows])
    for place, its in view.layout.cells.items():
        view.layout.cells[place] = [{**row, "reached_s": 6.0} for row in its]
    told = cells(view)
    kinds = sorted(kind for _, kind in told)
    assert kinds == ["GPU", "GPU", "processors and GPU", "processors of the host"]
    (both,) = (its for (_, kind), its in told.items() if kind == "processors and GPU")
    assert both[0].startswith("61.0 J") and both[2].startswith("305 J")


def test_money_is_told_where_there_is_a_price_and_nothing_where_nothing_is_known():
    plain = [{**row, "cpu_energy_j": None} for row in rows()]
    assert costs.build(view_of(plain)) is None
    view = view_of(plain)
    priced = replace(view, report=replace(view.report, price=3.6))
    assert {kind for _, kind in cells(priced)} == {"money"}
    assert sorted(line[0].partition(" ")[0] for line in cells(priced).values()) == ["0.0010", "0.0020"]
