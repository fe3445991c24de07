"""Who is compared with whom over the years, in what order, and how sure it is."""

from __future__ import annotations

import pytest

from orchestrator.report.layout import lay_out
from orchestrator.report.timelines import Gain, month, timelines
from orchestrator.report.words import keras_name
from orchestrator.stats.inference import difference, holm
from tests.unit.report.makers import contender, one_epoch, ranked


def version(backend, framework, keras, released, *times, **more) -> list[dict]:
    """The repeats of one version of a backend on one model."""
    more = {"stack": f"s-{framework}-{keras}", **more}
    return contender(backend, *times, framework_version=framework, keras_version=keras, released=released, **more)


def found(*rows, steady=one_epoch):
    layout, speeds = ranked([row for its in rows for row in its], steady)
    (line,) = timelines(layout, speeds)
    names = [f"{c.name} {c.identity['keras_version']}" for c in layout.contenders]
    return line, names, layout


OLD = version("tensorflow", "1.3.0", "2.0.8", "2017-08", 4.0, 4.1, 4.05, 4.02, 4.08)
NEXT = version("tensorflow", "2.9.0", "2.9.0", "2022-05", 2.0, 2.1, 2.05, 2.02, 2.08)
TEN = version("tensorflow", "2.10.0", "2.10.0", "2022-09", 2.0, 2.1, 2.05, 2.02, 2.08)
PACKAGE = version("tensorflow", "2.21.0", "2.21.0", "2026-03", 1.0, 1.1, 1.05, 1.02, 1.08)
NEW = version("tensorflow", "2.21.0", "3.15.1", "2026-07", 2.0, 2.1, 2.05, 2.02, 2.08)
JAX = version("jax", "0.10.2", "3.15.1", "2026-07", 1.0, 1.1, 1.05, 1.02, 1.08)


def test_a_line_is_in_the_order_of_months_and_versions_count_as_numbers():
    same_month = [{**row, "released": "2022-05"} for row in TEN]
    line, names, _ = found(NEW, same_month, PACKAGE, JAX, NEXT, OLD)
    tracks = {track.name: [names[column] for column in track.columns] for track in line.tracks}
    assert tracks["TensorFlow"] == [
        "TensorFlow 1.3.0 2.0.8", "TensorFlow 2.9.0 2.9.0", "TensorFlow 2.10.0 2.10.0",
        "TensorFlow 2.21.0 2.21.0", "TensorFlow 2.21.0 3.15.1",
    ]  # fmt: skip
    assert [tuple(names[c].split()[1] for c in pair) for pair in line.steps] == [
        ("1.3.0", "2.9.0"), ("2.9.0", "2.10.0"), ("2.10.0", "2.21.0"), ("2.21.0", "2.21.0"),
    ]  # fmt: skip
    assert [tuple(names[c].split()[1] for c in pair) for pair in line.whole] == [("1.3.0", "2.21.0")]


def test_who_keeps_keras_2_after_keras_3_is_a_line_of_its_own_and_nobodys_upgrade():
    three = version("tensorflow", "2.16.2", "3.0.5", "2024-06", 3.0, 3.1, 3.05, 3.02, 3.08)
    line, names, _ = found(OLD, TEN, three, PACKAGE, NEW)
    tracks = {track.name: [names[column] for column in track.columns] for track in line.tracks}
    assert tracks["TensorFlow"] == [
        "TensorFlow 1.3.0 2.0.8", "TensorFlow 2.10.0 2.10.0", "TensorFlow 2.16.2 3.0.5", "TensorFlow 2.21.0 3.15.1",
    ]  # fmt: skip
    assert tracks["tf_keras"] == ["TensorFlow 2.21.0 2.21.0"]
    steps = [tuple(names[c].split(maxsplit=1)[1] for c in pair) for pair in line.steps]
    assert steps == [
        ("1.3.0 2.0.8", "2.10.0 2.10.0"), ("2.10.0 2.10.0", "2.16.2 3.0.5"), ("2.16.2 3.0.5", "2.21.0 3.15.1"),
        ("2.10.0 2.10.0", "2.21.0 2.21.0"),
    ]  # fmt: skip
    assert [tuple(names[c] for c in pair) for pair in line.keras] == [
        ("TensorFlow 2.21.0 2.21.0", "TensorFlow 2.21.0 3.15.1")
    ], "which Keras on the same TensorFlow is compared across lines"


def test_keras_is_told_apart_from_its_backend_both_ways():
    other = version("tensorflow", "2.20.0", "3.15.1", "2025-08", 2.0, 2.1, 2.05, 2.02, 2.08)
    line, names, _ = found(PACKAGE, NEW, other)
    assert [tuple(names[c] for c in pair) for pair in line.keras] == [
        ("TensorFlow 2.21.0 2.21.0", "TensorFlow 2.21.0 3.15.1")
    ]
    assert [tuple(names[c] for c in pair) for pair in line.backends] == [
        ("TensorFlow 2.20.0 3.15.1", "TensorFlow 2.21.0 3.15.1")
    ]
    (pair,) = line.keras
    gain = line.gains[pair, 0]
    assert gain.verdict == "slower" and gain.ratio == pytest.approx(1.05 / 2.05)


def test_what_a_build_adds_to_a_version_makes_no_other_one():
    rows = [
        version("torch", framework, keras, "2026-07", 2.0, 2.1, stack=stack)
        for stack, framework, keras in (
            ("a", "2.13.0", "3.12.0"),
            ("b", "2.13.0+cpu", "3.15.1"),
            ("c", "2.13.0", "3.15.1"),
        )
    ]
    line, names, _ = found(*rows)
    assert [names[column] for column in line.keras[0]] == ["PyTorch 2.13.0 3.12.0", "PyTorch 2.13.0 3.15.1"]
    assert len(line.keras) == 1 and not line.backends


def test_all_comparisons_of_a_report_are_corrected_together_and_each_once():
    """The step to 2.9 is also the point of 2.9 in the picture: one comparison, not two."""
    line, _, _ = found(OLD, NEXT, NEW)
    assert len(line.gains) == 3
    times = [[[float(row["epoch_s"])] for row in rows] for rows in (OLD, NEXT, NEW)]
    alone = [difference(times[0], times[1]), difference(times[1], times[2]), difference(times[0], times[2])]
    corrected = holm(alone)
    for gain, wanted in zip(line.gains.values(), corrected, strict=True):
        assert gain.found.p_adjusted == pytest.approx(wanted.p_adjusted) and gain.found.family == 3
        assert (gain.found.low, gain.found.high) == pytest.approx((wanted.low, wanted.high))
        assert gain.low == pytest.approx(1 / wanted.high) and gain.high == pytest.approx(1 / wanted.low)


def test_overall_is_over_the_models_that_both_ran():
    cnn = {"workload": "mnist_cnn"}
    line, _, _ = found(
        OLD, NEXT, version("tensorflow", "1.3.0", "2.0.8", "2017-08", 8.0, 8.1, 8.05, **cnn),
        version("tensorflow", "2.9.0", "2.9.0", "2022-05", 1.0, 1.01, 1.02, **cnn), JAX,
    )  # fmt: skip
    (pair,) = line.steps
    assert line.gains[pair, None].tasks == 2
    assert line.gains[pair, None].ratio == pytest.approx((4.05 / 2.05 * 8.05 / 1.01) ** 0.5)
    reference, jax = line.reference, next(t.columns[0] for t in line.tracks if t.backend == "jax")
    assert ((reference, jax), None) not in line.gains  # one model in common: its own figure is all there is


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ([4.0, 4.1, 4.05, 4.02, 4.08], [2.0, 2.1, 2.05, 2.02, 2.08], "faster"),
        ([2.0, 2.1, 2.05, 2.02, 2.08], [4.0, 4.1, 4.05, 4.02, 4.08], "slower"),
        ([2.0, 2.1, 2.05, 2.02, 2.08], [2.01, 2.09, 2.05, 2.03, 2.07], "no difference seen"),
        ([2.0, 2.1, 2.05], [2.01, 2.09, 2.05], "not enough repeats"),
        ([2.0], [1.0], "not enough repeats"),
    ],
)
def test_verdicts_are_those_of_the_protocol(first, second, verdict):
    rows = version("jax", "0.4", "3.0.5", "2024-02", *first), version("jax", "0.10", "3.15.1", "2026-07", *second)
    line, _, _ = found(*rows)
    (gain,) = line.gains.values()
    assert gain.verdict == verdict


def test_medians_and_means_that_disagree_give_no_verdict():
    known = holm([difference([[1.0]] * 5, [[2.0]] * 5)])[0]
    assert Gain(0.5, known, 1).verdict == "slower"
    assert Gain(1.5, known, 1).verdict == "no verdict: medians and means disagree"


def test_what_has_no_month_or_no_time_has_no_place():
    failed = [{**row, "status": "failed", "epoch_s": None} for row in NEXT]
    strange = [{**row, "released": "once\nupon"} for row in TEN]
    line, names, _ = found(OLD, failed, strange, [{**row, "released": None} for row in JAX], NEW)
    assert [names[column] for column in line.columns] == ["TensorFlow 1.3.0 2.0.8", "TensorFlow 2.21.0 3.15.1"]


def test_another_image_of_the_same_versions_is_no_upgrade():
    again = version("jax", "0.10.2", "3.15.1", "2026-07", 3.0, 3.1, stack="mine")
    line, _, _ = found(JAX, again)
    assert not line.steps and not line.keras and not line.gains


def test_other_variants_are_other_lines():
    line, _, _ = found(
        JAX, version("jax", "0.4", "3.0.5", "2024-02", 2.0, 2.1), [{**r, "variant": "modern"} for r in JAX]
    )
    assert sorted(track.name for track in line.tracks) == ["JAX", "JAX modern"]


def test_two_launchers_part_a_line_only_where_they_ran_the_same_version():
    """A set of runs may have the old stacks in containers and the new ones as processes: still one line."""
    process = [{**row, "launcher": "process"} for row in NEW]
    line, _, _ = found(OLD, process)
    assert [track.name for track in line.tracks] == ["TensorFlow"] and len(line.steps) == 1
    line, _, _ = found(OLD, NEW, process)
    assert [(track.name, len(track.columns)) for track in line.tracks] == [
        ("TensorFlow docker", 2), ("TensorFlow process", 1),
    ]  # fmt: skip


def test_three_years_make_a_picture():
    for rows, wanted in (((OLD, NEXT, NEW), True), ((OLD, NEXT, TEN), False)):
        line, _, layout = found(*rows)
        assert line.spans(layout) is wanted
        assert (line.reference is not None) and len(line.gains) == 3


def test_names_of_keras_and_of_months():
    assert (keras_name("2.15.0"), keras_name("2.21.0"), keras_name("3.15.1")) == (
        "Keras 2.15.0", "tf_keras 2.21.0", "Keras 3.15.1",
    )  # fmt: skip
    assert month("2017-08") == "Aug 2017"


def test_nothing_is_nothing():
    assert timelines(lay_out([]), {}) == []
