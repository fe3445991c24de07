"""Seconds of every epoch: the first one too, red rings, single repeats behind their median."""

from __future__ import annotations

from orchestrator.report.charts import drift
from tests.fakes.made_up import recorded
from tests.unit.report.charts.makers import drawings, material_of


def test_every_contender_has_a_curve_with_its_name_and_its_repeats():
    (drawn,) = drawings(drift.build(material_of(recorded(workloads=["mnist_mlp"], repeats=3))))
    assert (drawn.count("l"), drawn.count("f")) == (7, 21)
    assert {"JAX 0.10.0", "1", "5", "epoch"} <= set(drawn.texts())
    assert any("epoch 1:" in tip for tip in drawn.tips("m"))


def test_single_repeats_are_drawn_once():
    (drawn,) = drawings(drift.build(material_of(recorded(workloads=["mnist_mlp"], stacks=2, repeats=1))))
    assert (drawn.count("l"), drawn.count("f")) == (2, 0)


def test_disturbed_and_slept_epochs_have_red_rings_that_say_why():
    report = recorded(workloads=["mnist_mlp"], stacks=2, repeats=1)
    report.epochs[2] |= {"disturbed": "others on its cores", "lost_percent": 48.0}
    report.epochs[3] |= {"slept": True, "idle_percent": 40.0}
    figure = drift.build(material_of(report))
    (drawn,) = drawings(figure)
    first, second = drawn.tips("r")
    assert first.endswith("epoch 3: lacked 48 %: others on its cores") and second.endswith("epoch 4: slept 40 %")
    assert figure and "2 epochs disturbed or slept" in figure.alt


def test_failed_jobs_and_single_epochs_are_left_out():
    report = recorded(workloads=["mnist_mlp"], stacks=2, repeats=1)
    report.rows[0]["status"] = "failed"
    (drawn,) = drawings(drift.build(material_of(report)))
    assert drawn.count("l") == 1
    assert drift.build(material_of(recorded(workloads=["mnist_mlp"], stacks=1, repeats=1, epochs=1))) is None


def test_long_names_get_numbers_and_a_key():
    report = recorded(workloads=["mnist_mlp"], stacks=2, repeats=1)
    for row in report.rows:
        row["framework_version"] += " on a machine with a long name"
    *_, key = drawings(drift.build(material_of(report)))
    assert key.texts("h")[0] == "Contenders" and {"1", "2"} <= set(key.texts())
