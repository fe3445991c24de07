"""Every epoch and reading finds its row, and the view says what follows from them."""

from __future__ import annotations

import pytest

from orchestrator.report.view import MOST_DRAWN, make_view
from tests.fakes.made_up import recorded
from tests.make import row
from tests.unit.report.makers import view_of


@pytest.fixture
def report():
    return recorded(workloads=["mnist_mlp"], stacks=2, repeats=2)


def test_points_know_the_place_of_their_job(report):
    view = make_view(report)
    for points in (view.epochs, view.samples):
        for point in points:
            its_row = view.rows[point["job"]]
            assert its_row["job_id"] == point["job_id"]
            assert view.layout.places[point["job"]] == (point["column"], point["line"])
            assert (point["repeat"], point["status"]) == (its_row["repeat"], "ok")


def test_the_first_epoch_is_not_steady(report):
    view = make_view(report)
    epochs = [epoch["train_s"] for epoch in report.epochs if epoch["job_id"] == report.rows[0]["job_id"]]
    assert view.steady[report.rows[0]["run_id"], report.rows[0]["job_id"]] == epochs[1:]


def test_points_must_belong_to_one_job(report):
    report.epochs[0]["job_id"] = "stranger"
    with pytest.raises(ValueError, match="0 rows for job 'stranger'"):
        make_view(report)
    report = recorded(workloads=["mnist_mlp"], stacks=1, repeats=1)
    report.rows.append({**report.rows[0], "run_id": "second"})
    report.epochs[0]["run_id"] = None
    with pytest.raises(ValueError, match="2 rows for job"):
        make_view(report)


def test_time_to_accuracy_ends_with_the_first_epoch_that_got_there(report):
    never, first = report.rows[0], report.rows[1]
    never["learned"], first["learned"] = 2.0, 0.0
    rows = make_view(report).rows
    elapsed = [epoch["elapsed_s"] for epoch in report.epochs if epoch["job_id"] == first["job_id"]]
    assert [one["reached_s"] for one in rows] == [None, elapsed[0], None, None]


def test_too_many_contenders_cannot_be_told_apart_in_charts():
    hosts = [row(host=f"h{i}", job_id=f"j{i}") for i in range(MOST_DRAWN + 1)]
    assert view_of(hosts[:-1]).drawable
    assert not view_of(hosts).drawable
