"""Who is fastest, who cannot be told from it, and who does not count."""

from __future__ import annotations

import pytest

from orchestrator.report.speeds import good, repeats, unlearned
from tests.make import row
from tests.unit.report.makers import contender, one_epoch, ranked, two


def test_a_speed_is_the_median_of_the_repeats_and_the_range_of_their_epochs():
    (speed,) = ranked(contender("tensorflow", 1.0, 9.0, 2.0), lambda row: [row["epoch_s"]] * 4)[1].values()
    assert (speed.seconds, speed.low, speed.high, speed.n) == (2.0, 1.0, 9.0, "3 runs of 4 epochs")


@pytest.mark.parametrize("difference", [{"device": "gpu"}, {"threads": 8}, {"host": "other"}])
def test_speeds_of_different_machines_are_not_ranked_against_each_other(difference):
    _, found = ranked([row(), row(backend="theano", epoch_s=2.0, **difference)])
    assert [speed.best for speed in found.values()] == [False, False]


def test_who_has_no_rival_meets_nobody():
    (speed,) = ranked([row()])[1].values()
    assert (speed.best, speed.overlaps, speed.against) == (False, False, None)


def test_speeds_of_different_tasks_are_not_ranked_against_each_other():
    _, found = ranked([row(), row(backend="theano", epoch_s=2.0, scale="article")])
    assert [(speed.best, speed.ratio) for speed in found.values()] == [(False, None)] * 2


def test_a_cell_that_did_not_learn_cannot_win():
    rows = [{**r, "learned": 0.9, "val_accuracy": 0.95} for r in two([1.0, 1.0], [0.5, 0.5])]
    for one in rows[2:]:
        one["val_accuracy"] = 0.1
    layout, found = ranked(rows, one_epoch)
    assert [layout.contenders[column].backend for (column, _), s in found.items() if s.best] == ["tensorflow"]
    assert unlearned(rows[2:]) == (0.1, 0.9) and unlearned(rows[:2]) is None


def test_where_nothing_learned_nothing_wins():
    rows = [{**r, "learned": 0.9, "val_accuracy": 0.1} for r in two([1.0, 1.0], [0.5, 0.5])]
    assert not any(speed.best for speed in ranked(rows, one_epoch)[1].values())


def test_a_verdict_is_corrected_for_all_pairs_not_only_for_those_shown():
    rows = contender("tensorflow", 1.0, 1.02, 0.98) + contender("jax", 1.1, 1.13, 1.07)
    rows += contender("cntk", 1.05, 1.3, 1.2)
    rows += contender("theano", 3.0)  # one repeat is compared with nobody
    against = [speed.against for speed in ranked(rows, one_epoch)[1].values() if speed.against]
    against = [verdict for verdict in against if verdict.p is not None]
    jax, cntk = sorted(against, key=lambda verdict: verdict.p)
    assert jax.p_adjusted == pytest.approx(3 * jax.p)
    assert cntk.p_adjusted == pytest.approx(min(1, 2 * cntk.p))


def test_jobs_that_did_not_end_well_have_no_speed():
    rows = [row(), row(status="timeout", epoch_s=4.0)]
    assert good(rows) == rows[:1]
    assert ranked(rows[1:])[1] == {}


def test_the_repeats_of_a_report_are_those_of_its_best_measured_cell():
    assert repeats(ranked(two([1.0], [2.0, 2.1]))[1]) == 2
    assert repeats({}) == 0
