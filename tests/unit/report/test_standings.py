"""The cells of a report as data: in order of speed, with the figures and the verdict of the page."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestrator.report.sections.findings import findings
from orchestrator.report.standings import groups, in_words, standings
from orchestrator.report.view import make_view
from tests.fakes.made_up import own
from tests.make import row
from tests.unit.report.makers import contender, one_epoch, ranked, two, view_of


def cells(rows):
    (group,) = groups(*ranked(rows, one_epoch))
    return group.cells


def test_the_fastest_leads_and_is_the_one_of_the_page():
    rows = two([1.0, 1.01, 0.99], [0.5, 1.5, 1.4])
    layout, speeds = ranked(rows, one_epoch)
    (first, second), [(_, sentence)] = groups(layout, speeds)[0].cells, findings(layout, speeds)
    assert first.fastest and not second.fastest and sentence.startswith(f"{first.contender} took least time")
    assert (first.seconds, second.seconds, second.ratio) == (1.0, 1.4, 1.4)
    assert in_words(second) == ("1.40 s", "1.40×", "not certain: 3 repeats are too few")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"status": "timeout"}, "timeout"),
        ({"status": "failed"}, "failed"),
        ({"loss": float("nan")}, "loss or time not finite"),
        ({"val_loss": float("inf")}, "loss or time not finite"),
        ({"epoch_s": float("nan")}, "loss or time not finite"),
        ({"epoch_s": float("inf")}, "loss or time not finite"),
        ({"epoch_s": 0.0}, "loss or time not finite"),
        ({"epoch_s": None}, "one epoch only"),
    ],
)
def test_what_has_no_time_that_counts_comes_last_and_is_no_base_of_a_ratio(wrong, words):
    one, two_, last = cells(
        [row(backend="a", epoch_s=2.0), row(backend="b", epoch_s=3.0), row(**{"epoch_s": 0.1, **wrong})]
    )
    assert (one.fastest, one.ratio, two_.ratio) == (True, 1.0, 1.5)
    assert (last.fastest, last.ratio, last.seconds, last.verdict) == (False, None, None, words)
    assert in_words(last) == ("–", "", words)


def test_a_model_that_did_not_learn_is_behind_all_that_did_however_fast():
    rows = [row(backend=b, epoch_s=s, learned=0.9, val_accuracy=a) for b, s, a in (("a", 0.1, 0.1), ("b", 9.0, 0.95))]
    first, last = cells(rows)
    assert (first.fastest, last.learned, last.verdict) == (True, False, "did not learn: 10.0 % accuracy, 90.0 % counts")
    assert in_words(last)[1] == ""


def test_failed_repeats_of_a_cell_with_a_time_are_told():
    (cell,) = cells([row(repeat=1), row(repeat=2, status="oom", epoch_s=None)])
    assert in_words(cell)[2] == "1 oom" and cell.statuses == {"ok": 1, "oom": 1}
    (none,) = cells([row(repeat=1, status="failed"), row(repeat=2, status="oom", epoch_s=None)])
    assert in_words(none) == ("–", "", "1 failed, 1 oom")


def test_each_task_on_each_machine_is_a_group_of_its_own():
    rows = [row(), row(host="other"), row(workload="mnist_cnn", data_kind="synthetic")]
    found = standings(view_of(rows))
    assert [group.subject for group in found] == ["mnist_cnn (made-up)", "mnist_mlp (made-up)", "mnist_mlp (other)"]
    assert [group.synthetic for group in found] == [True, False, False]
    assert not any(cell.fastest for group in found for cell in group.cells)  # each is without a rival


def test_where_medians_and_means_disagree_there_is_no_verdict():
    """The test is on means of logarithms; its `faster` must not stand beside a smaller median of the other."""
    first, last = cells(contender("jax", *[1.0] * 8, *[1.3] * 7) + contender("torch", *[1.01] * 15))
    assert first.fastest and first.seconds == 1.0 and last.p < 0.05
    assert last.verdict == "not certain: medians and means disagree"
    layout, speeds = ranked(contender("jax", *[1.0] * 8, *[1.3] * 7) + contender("torch", *[1.01] * 15), one_epoch)
    assert "PyTorch 1.3.0: not certain: medians and means disagree." in findings(layout, speeds)[0][1]


def own_groups(**changes):
    return standings(make_view(own(**changes)))


def test_contenders_that_did_other_things_have_no_winner_no_ratio_and_no_verdict():
    (group,) = own_groups(torch={"parameters": 5})
    assert {(cell.fastest, cell.ratio, cell.p, cell.verdict) for cell in group.cells} == {
        (False, None, None, "not the same model")
    }
    numbers = "not the same model (parameters: 101,770 (TensorFlow 2.21.0, JAX 0.10.0), 5 (PyTorch 2.13.0))"
    assert {cell.unlike for cell in group.cells} == {numbers}
    assert group.notes == [f"no verdict: {numbers}"]
    assert in_words(group.cells[0])[1:] == ("", "not the same model")


def test_contenders_that_did_the_same_are_ranked_and_a_failed_one_hinders_nobody():
    machine = {name: own().rows[0][name] for name in ("host", "cpu")}
    (group,) = own_groups(torch={"status": "failed", "reason": "made up", **machine})
    assert [cell.fastest for cell in group.cells] == [True, False, False]
    assert (group.notes, {cell.unlike for cell in group.cells}) == ([], {""})
    assert group.cells[-1].verdict == "3 failed"


def test_unequal_cells_of_one_file_cost_the_verdicts_of_others_nothing():
    """The correction counts the pairs that are compared, and no others."""
    both, equal = own(torch={"parameters": 5}), own()
    rows = [{**row, "workload": "mine", "file": "mine.py", "job_id": f"mine.{row['job_id']}"} for row in equal.rows]
    both.rows.extend(rows)
    mine = next(group for group in standings(make_view(both)) if group.subject == "mine.py")
    alone = standings(make_view(replace(equal, rows=rows, epochs=[], samples=[])))[0]
    assert [cell.p for cell in mine.cells] == [cell.p for cell in alone.cells]
