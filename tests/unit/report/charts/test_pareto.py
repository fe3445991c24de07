"""Throughput against accuracy: who is on the front, and where names stand."""

from __future__ import annotations

from orchestrator.report.charts import pareto
from orchestrator.report.charts.pareto import Dot, front
from tests.fakes.made_up import recorded
from tests.unit.report.charts.makers import drawings, material_of


def test_nobody_on_the_front_is_beaten_in_both():
    dots = front([Dot(0, 100, 0.9), Dot(1, 200, 0.8), Dot(2, 150, 0.7), Dot(3, 200, 0.8), Dot(4, 50, 0.9)])
    assert [dot.best for dot in dots] == [True, True, False, True, False]


def test_marks_on_the_front_are_filled_and_all_are_in_the_key():
    figure = pareto.build(material_of(recorded(workloads=["mnist_mlp"], repeats=1)))
    panel, key = drawings(figure)
    filled, hollow = panel.tips("m"), panel.tips("o")
    assert len(filled) + len(hollow) == 7 and filled and " samples/s, validation accuracy 0." in filled[0]
    assert len(key.texts()) == 8
    assert figure and all(tip.split(":")[0] in figure.alt for tip in filled)


def test_accuracies_of_synthetic_data_say_nothing():
    report = recorded(workloads=["mnist_mlp"], repeats=1)
    for row in report.rows:
        row["data_kind"] = "synthetic"
    assert pareto.build(material_of(report)) is None


def test_names_of_equal_contenders_do_not_lie_on_each_other():
    report = recorded(workloads=["mnist_mlp"], repeats=1)
    for row in report.rows:
        row |= {"samples_per_s": 100.0, "val_accuracy": 0.5}
    panel, _ = drawings(pareto.build(material_of(report)))
    names = [(e.get("x"), e.get("y")) for e in panel.root.iter("text") if (e.get("class") or "").startswith("n")]
    assert 1 <= len(names) == len(set(names)) <= len(pareto.PLACES)
