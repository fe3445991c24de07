"""What the controller last said, and how its silence is told: once, and not while it only thinks."""

from __future__ import annotations

import threading

import pytest

from orchestrator.executors.slurm import queue
from orchestrator.executors.slurm.attempts import Started
from orchestrator.executors.slurm.commands import JobState
from orchestrator.executors.slurm.controller import Silent


class Controller:
    """Says `jobs`, or nothing where `error` is set; waits for `answer` first."""

    def __init__(self):
        self.jobs, self.error, self.asked = [], None, 0
        self.answer = threading.Event()
        self.answer.set()

    def states(self, run_id):
        self.asked += 1
        assert self.answer.wait(10)
        if self.error:
            raise self.error
        return {"c": list(self.jobs)}


class Clock:
    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(queue, "time", made)
    return made


@pytest.fixture
def made(clock):
    controller, said = Controller(), []
    return controller, queue.QueueView(controller, "run", said.append), said


def state(number, of, reason="None"):
    return JobState(number=number, state=of, reason=reason, node="", comment="c")


def test_an_answer_is_kept_for_a_while(made, clock):
    controller, view, said = made
    controller.jobs = [state("1", "RUNNING")]
    for _ in range(3):
        view.ask(wait=True)
    assert controller.asked == 1
    clock.now += queue.ASK_S
    view.ask(wait=True)
    assert controller.asked == 2
    assert view.find("c", None) == controller.jobs[0]
    assert view.find("other", None) is None
    assert said == []


def test_silence_and_its_end_are_told_once_and_what_was_known_is_kept(made, clock):
    controller, view, said = made
    controller.jobs = [state("1", "RUNNING")]
    view.ask(wait=True)
    controller.error = Silent("connection refused")
    for _ in range(2):
        clock.now += 10
        view.ask(wait=True)
    assert view.silent
    assert view.silent_for(clock.now) == 10.0
    assert view.find("c", None) is not None
    assert said == ["Slurm's controller does not answer (connection refused): waiting for it; what runs goes on"]
    controller.error = None
    clock.now += 10
    view.ask(wait=True)
    assert (view.silent, view.silent_for(clock.now)) == (False, 0.0)
    assert said[1:] == ["Slurm's controller answers again"]


def test_a_question_that_takes_long_is_silence_before_it_ends(made, clock):
    controller, view, said = made
    controller.answer.clear()
    view.ask()
    clock.now += queue.LATE_S
    view.ask()
    assert not view.silent
    clock.now += 0.1
    view.ask()
    assert view.silent
    assert controller.asked == 1, "it is not asked twice at a time"
    assert "it takes its time" in said[0]
    controller.answer.set()
    view.ask(wait=True)
    assert not view.silent


def test_an_answer_is_fresh_if_it_was_asked_for_after_the_submission(made, clock):
    controller, view, _ = made
    assert not view.fresh(None), "nothing was asked yet"
    view.ask(wait=True)
    assert view.fresh(None) and view.fresh(clock.now - 1)
    assert not view.fresh(clock.now), "squeue may have looked before sbatch was done"
    controller.error = Silent("x")
    clock.now += 10
    view.ask(wait=True)
    assert not view.fresh(None)


def test_of_two_submissions_that_which_began_counts_else_one_that_still_may(made):
    controller, view, _ = made
    gone, waits = state("1", "CANCELLED"), state("2", "PENDING")
    controller.jobs = [gone, waits]
    view.ask(wait=True)
    assert view.find("c", None) == waits
    assert view.find("c", Started(node="n", number="1", pid=1)) == gone
    assert view.find("c", Started(node="n", number="3", pid=1)) is None


def test_of_submissions_that_all_ended_the_last_counts(made):
    controller, view, _ = made
    controller.jobs = [state("1", "CANCELLED"), state("2", "FAILED")]
    view.ask(wait=True)
    assert view.find("c", None) == controller.jobs[1]


@pytest.mark.parametrize(
    ("known", "lines"),
    [
        (state("1", "PENDING", "Priority"), []),
        (state("1", "PENDING", "Resources"), []),
        (state("1", "RUNNING", "AssocMaxJobsLimit"), []),
        (state("1", "PENDING", "AssocMaxJobsLimit"), ["Slurm lets jobs wait: AssocMaxJobsLimit"]),
    ],
)
def test_what_jobs_wait_for_is_said_once_where_it_is_more_than_their_turn(made, known, lines):
    _, view, said = made
    view.say_wait(known)
    view.say_wait(known)
    assert said == lines
