"""Ratios worked out by hand, and what must never be divided."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import click
import pytest

from orchestrator.cli.comparison import comparison_text
from orchestrator.cli.options import bound, percent
from orchestrator.cli.verbs.compare import FORMATS
from orchestrator.report import comparison
from orchestrator.stats.compare import (
    CONDITIONS,
    OWN_CONDITIONS,
    compare,
    judged,
    overall,
    passes,
    regressions,
    undecided,
    unjudged,
)


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


def rows(seconds, **changes):
    return [row(value, job_id=f"j{i}", run_id="r", **changes) for i, value in enumerate(seconds)]


@pytest.mark.parametrize("reason", ["damaged record: x", "written by a newer version: x", "no result on record: x"])
def test_a_record_that_cannot_be_read_is_no_regression(reason):
    status = {"d": "failed", "w": "unsupported", "n": "cancelled"}[reason[0]]
    (found,) = compare([row(1.0)], [row(None, status=status, reason=reason, launcher=None)])
    assert (found.broken, found.why_not) == (
        False,
        f"no steady time in the second ({reason[:-3]})",
    )
    assert regressions([found], 0.0) == []
    (ran,) = compare([row(1.0)], [row(None, status="failed", reason=reason, launcher="docker")])
    assert ran.broken, "what a job says of itself changes nothing"


def test_a_regression_is_beyond_threshold_and_noise():
    steady = [1.0, 1.01, 0.99, 1.0, 1.02]
    slow, noisy = [1.1 * value for value in steady], [0.9, 1.6, 1.0, 1.3, 1.2]
    (found,) = compare(rows(steady), rows(slow))
    assert found.verdict.startswith("takes 1.0")
    assert regressions([found], 0.05) == [found]
    assert regressions([found], 0.2) == []
    (unsure,) = compare(rows(steady), rows(noisy))
    assert regressions([unsure], 0.05) == []
    assert undecided([unsure], 0.05) == [unsure]


def test_one_repeat_is_no_regression():
    found = compare(rows([1.0]), rows([5.0]))
    assert found[0].verdict == "not certain: one repeat"
    assert regressions(found, 0.05) == []
    assert undecided(found, 0.05) == found


def test_a_cell_that_broke_is_a_regression():
    found = compare(rows([1.0, 1.1]), rows([None, None], status="failed"))
    assert regressions(found, 0.05) == found
    assert regressions(compare(rows([1.0]), rows([None], status="unsupported")), 0.05) == []


def test_what_both_sides_should_have_measured_must_get_a_verdict():
    fine = compare(rows(STEADY), rows(STEADY))
    assert passes(fine, 0.05) and not unjudged(fine)
    for second in (
        rows(STEADY, workloads_sha256="other"),
        rows([1.0]),
        rows([None], status="unsupported"),
        [*rows(STEADY[:3], host="a"), *rows(STEADY[3:], host="b")],
    ):
        found = compare(rows(STEADY), second)
        assert unjudged(found) == found and not judged(found) and not passes(found, 0.05)
        both = compare([*rows(STEADY), *rows(STEADY, workload="w")], [*second, *rows(STEADY, workload="w")])
        assert len(judged(both)) == 1 and not passes(both, 0.05)
    assert not passes([], 0.05)


def test_a_cell_that_is_still_to_run_is_not_broken_and_not_green():
    found = compare(rows(STEADY), rows([None], status="pending"))
    assert regressions(found, 0.05) == [] and unjudged(found) == found


def test_what_one_side_was_never_to_measure_needs_no_verdict():
    first = [*rows(STEADY), *rows(STEADY, workload="w")]
    assert passes(compare(first, rows(STEADY)), 0.05)
    assert passes(compare(rows(STEADY), first), 0.05)
    assert passes(compare(first, [*rows(STEADY), *rows([None], workload="w", status="excluded")]), 0.05)


@pytest.mark.parametrize("wrong", [{"loss": float("nan")}, {"val_loss": float("inf")}, {"epoch_s": float("nan")}])
def test_a_figure_that_is_no_number_is_no_time(wrong):
    first, second = rows(STEADY), [{**one, **wrong} for one in rows([0.1] * 5)]
    (found,) = compare(first, second)
    assert (found.ratio, found.n_b, found.broken) == (None, 0, True)


def test_a_model_that_no_longer_learns_is_a_regression_however_fast():
    learned = {"learned": 0.9, "val_accuracy": 0.95}
    (found,) = compare(rows(STEADY, **learned), rows([0.1] * 5, learned=0.9, val_accuracy=0.1))
    assert found.broken and found.ratio is None and regressions([found], 0.05) == [found]
    assert found.why_not == "did not learn in the second (0.100 < 0.900)"
    (never,) = compare(rows(STEADY, learned=0.9, val_accuracy=0.1), rows(STEADY, learned=0.9, val_accuracy=0.1))
    assert not never.broken and not passes([never], 0.05)


def test_the_threshold_is_held_against_the_ratio_that_is_shown():
    (found,) = compare(rows([1.0, 1.0, 1.0, 1.0, 1.0]), rows([1.04, 1.04, 1.04, 1.12, 1.12]))
    assert found.ratio == pytest.approx(1.04) and found.difference.ratio > 1.05 and found.difference.significant
    assert regressions([found], 0.05) == []


def test_repeats_of_two_hosts_are_not_pooled():
    (found,) = compare(rows([1.0, 1.1], host="a"), [*rows([1.0], host="a"), *rows([2.0], host="b")])
    assert found.ratio is None
    assert found.why_not == "more than one host on one side"
    assert compare(rows([1.0], host="a"), rows([1.0], host="b"))[0].ratio == 1.0


def test_epochs_reach_the_verdict():
    first, second = rows([1.0, 1.0]), rows([1.0, 1.0])
    steady = {("r", "j0"): [1.0, 1.2], ("r", "j1"): [0.9, 1.1]}
    (found,) = compare(first, second, steady, {})
    assert found.difference.ratio == pytest.approx(1 / 1.1**0.5)


STEADY, SLOW = [1.0, 1.01, 0.99, 1.0, 1.02], [1.2, 1.21, 1.19, 1.2, 1.22]


@pytest.fixture
def mixed():
    others = {"workload": "w|x"}
    broken = {"workload": "gone"}
    return compare(
        rows(STEADY) + rows(STEADY, **others) + rows(STEADY, **broken),
        rows(SLOW) + rows(STEADY, **others) + rows([None] * 5, status="oom", **broken),
    )


def test_text_and_markdown_say_what_regressed(mixed):
    text = comparison_text(mixed, 0.05)
    assert "2 cells regressed by more than 5 %: mnist_mlp s b cpu, gone s b cpu" in text
    assert "repeats cannot tell them apart" in text
    markdown = comparison.markdown(mixed, 0.05)
    above, _, folded = markdown.partition("<details>")
    assert "times as long" in above and "BROKEN" in above
    assert "w\\|x" in folded


def test_junit_is_read_by_a_parser(mixed):
    suite = ElementTree.fromstring(comparison.junit(mixed, 0.05))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "2", "0")
    assert [case.find("failure") is not None for case in suite] == [True, False, True]


def test_json_and_action_benchmark(mixed):
    document = json.loads(comparison.json_document(mixed, 0.05))
    assert document["regressions"] == ["mnist_mlp s b cpu", "gone s b cpu"]
    assert document["ratios"][0]["ratio"] == pytest.approx(1.2, rel=0.01)
    entries = json.loads(comparison.action_benchmark(mixed, None))
    assert [entry["name"] for entry in entries] == ["mnist_mlp s b cpu", "w|x s b cpu"]
    assert all(set(entry) == {"name", "unit", "value", "range", "extra"} for entry in entries)
    assert entries[0]["value"] == 1.2


@pytest.mark.parametrize(("text", "share"), [("5%", 0.05), ("0%", 0.0), ("12.5 %", 0.125), ("0.5%", 0.005)])
def test_percentages(text, share):
    assert percent(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["five", "-1%", "5000%", "5", "0.05", "1", "nan%", "1_0%", "%"])
def test_no_percentages(text):
    with pytest.raises(click.BadParameter):
        percent(text)


@pytest.mark.parametrize("text", ["2", "0%", "100%", "200%", "0.02"])
def test_no_bounds_of_until(text):
    with pytest.raises(click.BadParameter):
        bound(text)
    assert bound("2%") == pytest.approx(0.02)


def test_the_command_line_offers_every_format():
    assert ("text", *comparison.FORMATS) == FORMATS


def test_a_verdict_says_that_it_rests_on_disturbed_figures():
    quiet, noisy = rows([1.0, 1.01, 1.0]), rows([2.0, 2.01, 2.0], disturbed="CPU quota")
    (found,) = compare(quiet, noisy)
    assert found.verdict.endswith("times as long; rests on disturbed figures (CPU quota)")
    assert "1 ratio on disturbed figures: mnist_mlp s b cpu" in comparison.closing([found], None)
    assert compare(quiet, quiet)[0].disturbed == []
    assert json.loads(comparison.json_document([found]))["ratios"][0]["disturbed"] == ["CPU quota"]


def test_no_verdict_across_different_quotas():
    (found,) = compare([row(1.0)], [row(1.0, cpu_quota=0.2)])
    assert (found.ratio, found.why_not) == (None, "different cpu_quota")


def test_two_machines_of_one_name_are_no_repeats_and_are_told_apart():
    (mixed,) = compare([row(1.0, kernel="6.1"), row(1.0, kernel="6.8")], [row(1.0)])
    assert mixed.why_not == "more than one kernel on one side"
    (found,) = compare([row(1.0, kernel="6.1")], [row(1.0, kernel="6.8")])
    assert "the sides differ in kernel" in comparison.closing([found], None)


def own_row(seconds, **changes):
    asked = {**dict.fromkeys(OWN_CONDITIONS, 1), "variant": "own", "parameters": 100, "samples": 64, "batches": 4}
    return {**row(seconds, workload="my"), **asked, "train": 64, "validation": None, **changes}


def sides(**second):
    return [own_row(1.0), own_row(2.0, backend="c")], [own_row(1.5, **second), own_row(3.0, backend="c")]


def test_files_of_ones_own_are_compared_by_what_was_asked_of_them():
    first, second = sides(epochs=3, batch_size=7, data_sha256="other")
    assert [found.ratio for found in compare(first, second)] == [1.5, 1.5]
    assert [found.name for found in compare(first, second)] == ["my s b cpu", "my s c cpu"]
    (found,) = compare([own_row(1.0)], [own_row(1.0, asked_epochs=9)])
    assert found.why_not == "different asked_epochs"


@pytest.mark.parametrize("changes", [{"parameters": 5}, {"batches": 5}])
@pytest.mark.parametrize("where", ["first", "second"])
def test_nothing_of_a_file_is_compared_where_any_contender_did_something_else(changes, where):
    one, other = sides(**changes)
    ratios = compare(*((one, other) if where == "second" else (other, one)))
    assert {found.ratio for found in ratios} == {None}
    assert f"5 (b in s, {where})" in ratios[0].why_not
    assert not passes(ratios, 0.05)
    assert judged(ratios) == []
    suite = ElementTree.fromstring(comparison.junit(ratios, 0.05))
    errors = [case.find("error").get("message") for case in suite]
    assert [error.partition(" (")[0].rpartition(" ")[0] for error in errors[:2]] == ["not judged: not the same"] * 2
    assert overall(ratios) is None
    assert ratios[0].why_not in comparison.markdown(ratios, 0.05)
    assert json.loads(comparison.json_document(ratios, 0.05))["passed"] is False
    assert json.loads(comparison.action_benchmark(ratios)) == []


def test_other_workloads_are_compared_all_the_same():
    one, other = sides(parameters=5)
    ratios = compare([*one, row(1.0)], [*other, row(2.0)])
    assert [found.ratio for found in ratios] == [None, None, 2.0]
