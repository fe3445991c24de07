"""The points of the picture: ratios to TensorFlow 1.3 where it ran, else seconds."""

from __future__ import annotations

import pytest

from orchestrator.report.by_year import points
from orchestrator.report.timelines import timelines
from tests.unit.report.makers import one_epoch, ranked
from tests.unit.report.test_timelines import JAX, NEW, NEXT, OLD, version


def of(*rows):
    layout, speeds = ranked([row for its in rows for row in its], one_epoch)
    (line,) = timelines(layout, speeds)
    return speeds, line, [contender.name for contender in layout.contenders]


def test_a_point_is_times_as_fast_as_tensorflow_1_3_with_the_interval_of_its_verdict():
    speeds, line, names = of(OLD, NEXT, NEW, JAX)
    found = {names[point.column]: point for point in points(speeds, line, 0)}
    assert found["TensorFlow 1.3.0"].value == 1 and found["TensorFlow 1.3.0"].bounds == ""
    jax = found["JAX 0.10.2"]
    assert jax.times and jax.value == pytest.approx(4.05 / 1.05) and jax.figure == "3.86×"
    assert jax.gain and (jax.low, jax.high) == (jax.gain.low, jax.gain.high)


def test_a_contender_of_fewer_models_says_so():
    models = [{**row, "workload": name} for name in ("mnist_cnn", "cifar10_cnn") for row in (*OLD, *NEXT)]
    speeds, line, names = of(OLD, NEXT, NEW, models)
    overall = {names[point.column]: point for point in points(speeds, line, None)}
    assert overall["TensorFlow 2.9.0"].whole and overall["TensorFlow 2.9.0"].partly == ""
    new = overall["TensorFlow 2.21.0"]
    assert not new.whole and new.partly == "1 of 3 models" and new.value == pytest.approx(4.05 / 2.05)


def test_a_model_that_tensorflow_1_3_never_ran_is_in_seconds():
    other = [{**row, "workload": "zoo"} for row in (*NEXT, *NEW)]
    speeds, line, _ = of(OLD, NEXT, NEW, other)
    assert [point.times for task in line.lines for point in points(speeds, line, task)] == [True] * 3 + [False] * 2


def test_without_tensorflow_1_3_all_is_in_seconds_over_the_models_that_all_ran():
    rnn = version("tensorflow", "2.9.0", "2.9.0", "2022-05", 8.0, 8.2, workload="mnist_rnn")
    both = [{**row, "workload": "mnist_rnn", "epoch_s": row["epoch_s"] * 4} for row in (*NEW, *JAX)]
    speeds, line, names = of(NEXT, NEW, JAX, rnn, both)
    found = {names[point.column]: point for point in points(speeds, line, None)}
    assert found["JAX 0.10.2"].value == pytest.approx((1.05 * 4.2) ** 0.5) and found["JAX 0.10.2"].figure == "2.10 s"
    assert found["JAX 0.10.2"].low < 2.1 < found["JAX 0.10.2"].high
    speeds, line, _ = of(NEXT, NEW, JAX)
    assert points(speeds, line, None) == []  # of one model there is nothing overall
