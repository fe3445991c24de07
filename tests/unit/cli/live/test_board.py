"""What is known of a run that goes on, and the time that it still takes."""

from __future__ import annotations

import pytest

from orchestrator.cli.live.board import Board
from orchestrator.executors.executor import Outlook
from tests.make import make_job, make_result


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def epoch(number, seconds=1.0):
    return {"t": 1.0, "event": "epoch_end", "epoch": number, "train_s": seconds, "validation_s": 0.5}


def ended(job, seconds=20.0, **changes):
    return make_result(job, launched_t=0.0, exited_t=seconds, **changes)


def test_nothing_is_said_of_the_time_left_as_long_as_nothing_is_known(clock):
    board = Board(clock)
    board.plan(Outlook(jobs=[make_job(), make_job(repeat=2)]))
    board.expect(2)
    assert board.left() is None
    board.start(make_job())
    assert board.left() is None


def test_earlier_runs_tell_the_time_left_before_the_first_job_has_ended(clock):
    jobs = [make_job(repeat=repeat) for repeat in (1, 2, 3)]
    board = Board(clock)
    board.plan(Outlook(jobs=jobs, seconds={job.id: 30.0 for job in jobs}))
    board.expect(3)
    assert board.left() == 90
    board.start(jobs[0])
    clock.now += 10
    assert board.left() == 80
    clock.now += 50  # longer than ever before: it may end at any moment
    assert board.left() == 60


def test_what_this_run_measured_counts_more_than_earlier_runs(clock):
    jobs = [make_job(repeat=repeat) for repeat in (1, 2)]
    board = Board(clock)
    board.plan(Outlook(jobs=jobs, seconds={job.id: 300.0 for job in jobs}))
    board.expect(2)
    board.start(jobs[0])
    board.finish(ended(jobs[0], 20.0))
    assert board.left() == 20


def test_a_job_of_another_model_is_guessed_from_its_own_model_first(clock):
    board = Board(clock)
    other = make_job(workload="babi_rnn")
    board.plan(Outlook(jobs=[make_job(), make_job(stack="keras3-jax", backend="jax"), other]))
    board.expect(3)
    board.start(make_job())
    board.finish(ended(make_job(), 10.0))
    assert board.usual(make_job(stack="keras3-jax", backend="jax")) == 10
    assert board.usual(other) == 10  # for want of anything better
    board.finish(ended(other, 50.0))
    assert board.usual(make_job(workload="babi_rnn", backend="jax")) == 50


def test_epochs_tell_how_long_a_running_job_takes(clock):
    board, job = Board(clock), make_job(epochs=10)
    board.plan(Outlook(jobs=[job]))
    board.expect(1)
    board.start(job)
    clock.now += 60  # the first one compiles
    board.hear(job, epoch(1, 60.0))
    clock.now += 2
    board.hear(job, epoch(2))
    assert board.left() == pytest.approx(8 * 1.5)
    clock.now += 1
    assert board.left() == pytest.approx(8 * 1.5 - 1)
    assert board.running[job.id].at() == "2/10"


def test_jobs_side_by_side_end_sooner(clock):
    jobs = [make_job(repeat=repeat) for repeat in range(1, 7)]
    board = Board(clock)
    board.plan(Outlook(jobs=jobs, seconds={job.id: 30.0 for job in jobs}))
    board.expect(6)
    board.start(jobs[0])
    board.start(jobs[1])
    assert board.left() == 90


def test_further_trainings_of_a_script_move_the_display(clock):
    board, job = Board(clock), make_job(epochs=None, variant="own")
    board.start(job)
    board.hear(job, epoch(1))
    assert board.running[job.id].at() == "1"
    assert board.hear(job, {"t": 9.0, "event": "fit_epoch", "fit": 2, "epoch": 5, "train_s": 0.25})
    assert (board.running[job.id].at(), board.running[job.id].pace) == ("training 2, epoch 5", 0.25)


def test_jobs_that_join_later_count(clock):
    board = Board(clock)
    board.plan(Outlook(jobs=[make_job()]))
    board.expect(1)
    board.start(make_job())
    board.finish(ended(make_job(), 10.0))
    board.expect(3)
    assert (board.waiting, board.left()) == (3, 30)


def test_counts_and_figures_per_cell(clock):
    board = Board(clock)
    board.plan(Outlook(done=[make_result(make_job()), make_result(make_job(repeat=2), status="oom")]))
    board.expect(2)
    board.start(make_job(repeat=3))
    assert (dict(board.counts), board.waiting, len(board.running)) == ({"ok": 1, "failed": 1}, 1, 1)
    assert board.pace(make_job().cell) == 2.5
    assert dict(board.ends[make_job().cell]) == {"ok": 1, "oom": 1}
