"""Accuracy against time: from 0 on, with what counts as learning and what guessing reaches."""

from __future__ import annotations

import pytest

from orchestrator.report.charts import convergence
from tests.fakes.made_up import recorded
from tests.unit.report.charts.makers import drawings, material_of


def one(**changes):
    report = recorded(workloads=["mnist_mlp"], stacks=2, repeats=1)
    for epoch in report.epochs:
        epoch.update(changes)
    return report


def test_the_axis_of_time_begins_at_zero_with_the_untrained_model():
    (drawn,) = drawings(convergence.build(material_of(one())))
    assert "0" in drawn.texts("s", "c")
    starts = [e.get("d", "") for e in drawn.root.iter("path") if e.get("class") == "f"]
    assert len(starts) == 2 and {start.split(" ")[0] for start in starts} == {"M44"}  # the left end of the axis


@pytest.mark.parametrize("value", [0.0, 0.1, 0.5, 1.0])
def test_accuracies_that_are_all_equal_have_an_axis_with_two_decimals(value):
    (drawn,) = drawings(convergence.build(material_of(one(val_acc=value))))
    ticks = [text for text in drawn.texts("s", "e")]
    assert len(ticks) >= 2 and all(0 <= float(text) <= 1 and len(text) == 4 for text in ticks)


def test_what_counts_as_learning_and_what_guessing_reaches_are_lines_with_names():
    report = one()
    for row in report.rows:
        row["learned"] = 0.88
    figure = convergence.build(material_of(report))
    (drawn,) = drawings(figure)
    assert (drawn.count("t"), drawn.count("u")) == (1, 1)
    assert {"learned 0.88", "guessing 0.10"} <= set(drawn.texts("s"))
    assert figure and figure.alt.startswith("First to learn: ")


def test_a_model_without_accuracy_shows_its_loss_and_values_that_are_not_finite_are_left_out():
    report = one(val_acc=None, acc=None)
    report.epochs[1]["val_loss"] = float("nan")
    (drawn,) = drawings(convergence.build(material_of(report)))
    assert "validation loss" in drawn.texts("s") and not any("nan" in tip for tip in drawn.tips())


def test_tips_are_rounded_and_have_units():
    (drawn,) = drawings(convergence.build(material_of(one(elapsed_s=3.14159, val_acc=0.987654))))
    assert drawn.tips("m")[0].endswith("epoch 1: validation accuracy 0.988 after 3.14 s")


def test_one_epoch_is_no_curve():
    assert convergence.build(material_of(recorded(workloads=["mnist_mlp"], repeats=1, epochs=1))) is None
