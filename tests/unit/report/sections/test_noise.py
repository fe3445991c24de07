"""Drift, outliers and shared devices are seen where they are, and only there."""

from __future__ import annotations

import re

import pytest

from orchestrator.report.sections.noise import MOST_OPEN, build, disturbances, drift, outliers, shared
from orchestrator.report.view import make_view
from tests.fakes.made_up import recorded
from tests.make import row
from tests.unit.report.makers import view_of


def test_drift_needs_five_epochs_and_a_trend():
    assert drift([1.0, 1.05, 1.1, 1.15, 1.2, 1.25]) == pytest.approx(0.25, abs=0.01)
    assert drift([1.25, 1.2, 1.15, 1.1, 1.05, 1.0]) == pytest.approx(-0.2, abs=0.01)
    assert drift([1.0, 1.1, 1.2]) is None
    assert drift([1.0, 1.1, 0.95, 1.08, 0.97, 1.03]) is None
    assert drift([1.0, 1.001, 1.002, 1.003, 1.004]) is None  # certain, but nothing


def test_outliers_are_far_by_both_measures():
    assert outliers([1.0, 1.01, 0.99, 1.0, 3.0]) == [4]
    assert outliers([1.0, 1.0, 1.0, 1.0, 1.02]) == []
    assert outliers([1.0, 1.3, 0.8, 1.2, 0.9]) == []
    assert outliers([1.0, 9.0]) == []


def test_jobs_of_two_runs_at_one_time_shared_the_host():
    def job(name, run, started, ended, host="h"):
        return {"job_id": name, "run_id": run, "started": started, "ended": ended, "host": host}

    assert shared([job("a", "1", "T10", "T20"), job("b", "1", "T12", "T18")]) == []  # one run knows what it does
    assert shared([job("a", "1", "T10", "T20"), job("b", "2", "T20", "T30")]) == []
    assert shared([job("a", "1", "T10", "T20"), job("b", "2", "T12", "T18", "other")]) == []
    (found,) = shared([job("b", "2", "T12", "T18"), job("a", "1", "T10", "T20")])
    assert (found.kind, found.where, found.what) == ("shared", "b", "ran beside a of run 1")


def test_they_are_shown_and_left_in_every_figure():
    report = recorded(workloads=["mnist_mlp"], stacks=2, repeats=5, epochs=8)
    job = report.rows[0]["job_id"]
    spoiled = next(e for e in report.epochs if e["job_id"] == job and e["epoch"] == 5)
    spoiled["train_s"] *= 10
    view = make_view(report)
    assert [(item.kind, item.where) for item in disturbances(view.layout, view.steady, {})] == [("outlier", job)]
    _, table, bullets = build(view).blocks
    assert re.fullmatch(r"steady epoch 5: [\d.]+ s, the job's median [\d.]+ s", table.rows[0][2])
    assert "steady epoch 5" in bullets.texts[0]
    assert view.speeds[0, 0].n == "5 runs of 7 epochs"


@pytest.mark.parametrize(("jobs", "opened"), [(MOST_OPEN, True), (MOST_OPEN + 1, False)])
def test_many_are_folded_away(jobs, opened):
    rows = [row(job_id=f"j{i}", repeat=i, throttle_reasons="hw_slowdown") for i in range(jobs)]
    _, table, _ = build(view_of(rows)).blocks
    assert (len(table.rows), table.open) == (jobs, opened)


def test_a_quiet_run_has_no_section():
    assert build(view_of([row()])) is None


def test_what_a_job_lacked_is_a_line_for_each_epoch():
    report = recorded(workloads=["mnist_mlp"], stacks=1, repeats=1, epochs=3)
    (row,), epochs = report.rows, report.epochs
    row |= {"disturbed": "CPU quota", "lost_s": 2.0, "lost_percent": 20.0}
    epochs[1] |= {"disturbed": "CPU quota", "lost_s": 2.0, "lost_percent": 40.0, "train_s": 5.0}
    epochs[0] |= {"slept": True, "idle_s": 1.0, "idle_percent": 30.0}
    epochs[2] |= {"slept": True, "idle_s": 1.0, "idle_percent": 30.0, "train_s": 3.0}
    view = make_view(report)
    by_job = {(row["run_id"], row["job_id"]): epochs}
    assert [(item.kind, item.what) for item in disturbances(view.layout, view.steady, by_job)] == [
        ("lacked", "epoch 2 of 5.00 s: 2.00 s (40 %), CPU quota"),
        ("slept", "epoch 3 of 3.00 s: 1.00 s (30 %), of its own"),
    ]
    (alone,) = disturbances(view.layout, view.steady, {})
    assert (alone.kind, alone.what) == ("lacked", "its steady epochs together: 2.00 s (20 %), CPU quota")


def test_the_cells_that_were_disturbed_are_told_above_the_single_jobs():
    told, *_ = build(view_of([row(disturbed="CPU quota", lost_s=2.0, lost_percent=20.0), row(repeat=2)])).blocks
    assert told.texts[0].startswith("Disturbed while measured: 1 job of 2. TensorFlow 1.3.0 on mnist_mlp lacked 2.00 s")
    assert told.texts[-1] == "Nothing here was left out of any figure."
