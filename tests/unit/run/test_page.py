"""The report of a run that goes on is rewritten only where that costs no measurement anything."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from orchestrator.executors.executor import Outlook
from orchestrator.run import page
from orchestrator.run.page import Paged
from tests.fakes.recorder import Recorder
from tests.make import make_job, make_result

A, B, OTHER = make_job(), make_job(stack="keras3-jax", backend="jax"), make_job(workload="babi_rnn")


class Written:
    """In place of the program: counts pages, takes its time, and says what went wrong."""

    def __init__(self, clock):
        self.pages, self.said, self.takes = 0, "", 0.0
        self.clock = clock
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.began = threading.Event()

    def __call__(self):
        self.began.set()
        assert self.goes_on.wait(30)
        self.pages += 1
        self.clock.now += self.takes
        return self.said


class Clock:
    now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(page, "time", clock)
    return clock


@pytest.fixture
def make(clock, monkeypatch, tmp_path):
    def begin(spare=(), away=False, jobs=(A, B, OTHER)):
        paged, written = Paged(Recorder(), tmp_path, "", spare, away), Written(clock)
        monkeypatch.setattr(paged, "_written", written)
        paged.planned(Outlook(jobs=list(jobs)))
        return paged, written

    return begin


def run(paged, *jobs):
    for job in jobs:
        paged.started(job)
        paged.finished(make_result(job))


def test_the_first_page_comes_with_the_first_complete_row_and_not_at_once(make, clock):
    paged, written = make()
    clock.now += page.EVERY_S
    run(paged, OTHER)
    assert written.pages == 1  # a model with one contender
    paged, written = make()
    clock.now += page.EVERY_S
    run(paged, A)
    assert written.pages == 0
    run(paged, B)
    assert written.pages == 1
    paged, written = make()
    run(paged, A, B)
    assert written.pages == 0  # a run of a few seconds needs none


def test_pages_take_no_more_than_their_share_of_the_time(make, clock):
    paged, written = make()
    written.takes = 3.0
    clock.now += page.EVERY_S
    run(paged, A, B)
    assert written.pages == 1
    clock.now += 3.0 / page.SHARE - 1
    run(paged, OTHER)
    assert written.pages == 1
    clock.now += 1
    run(paged, OTHER)
    assert written.pages == 2


def test_nothing_is_written_while_a_job_is_measured_unless_cores_are_spare(make, clock):
    paged, written = make()
    clock.now += page.EVERY_S
    paged.started(OTHER)
    run(paged, A, B)
    assert written.pages == 0
    paged.finished(make_result(OTHER))
    assert written.pages == 1
    with make(spare=(3,))[0] as paged:
        written = paged._written
        clock.now += page.EVERY_S
        paged.started(OTHER)
        run(paged, A, B)
    assert written.pages == 1


def test_no_job_starts_while_a_page_is_written_for_which_nothing_ran(make, clock):
    paged, written = make()
    clock.now += page.EVERY_S
    written.goes_on.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(run, paged, OTHER)
        assert written.began.wait(30)
        second = pool.submit(paged.started, A)
        assert "started" in dict(paged._listener.heard) and A.id not in paged._listener.of("started")
        assert not second.done()
        written.goes_on.set()
        first.result(30)
        second.result(30)
    assert A.id in paged._listener.of("started") and written.pages == 1


def test_on_a_cluster_nobody_waits_but_the_end_does(make, clock):
    paged, written = make(away=True)
    written.goes_on.clear()
    clock.now += page.EVERY_S
    with paged:
        run(paged, OTHER, A, B)  # would wait for ever
        assert written.began.wait(30) and written.pages == 0
        written.goes_on.set()
    assert written.pages == 1


def test_a_page_that_fails_is_told_once_and_costs_nothing(make, clock):
    paged, written = make()
    written.said = "the disk is full"
    for job in (A, B, OTHER, A):
        clock.now += page.EVERY_S
        run(paged, job)
    assert written.pages == 3
    said = paged._listener.of("say")
    assert said == ["the report could not be rewritten while the run goes on: the disk is full"]
    assert len(paged._listener.of("finished")) == 4


def test_what_becomes_of_the_program_is_told_in_words(tmp_path, monkeypatch):
    paged = Paged(Recorder(), tmp_path / "gone", str(tmp_path), (), False)
    assert "cannot be read" in paged._written()
    monkeypatch.setattr(page, "LIMIT_S", 0.01)
    assert paged._written() == "it took longer than 0.01 s"
    monkeypatch.setattr(paged, "_program", ["/nowhere/python"])
    assert paged._written() == "No such file or directory"
