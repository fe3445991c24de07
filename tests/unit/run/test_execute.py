"""All pending jobs under one executor: each gives one result, and a signal stops them in good order."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from orchestrator.executors.prepared import Ready
from orchestrator.model import Result
from orchestrator.results.folder import RunFolder
from orchestrator.run.execute import execute
from tests.fakes.recorder import Recorder
from tests.make import make_job, make_plan

JOBS = [make_job(repeat=n) for n in (1, 2, 3)]


class Executor:
    """Gives a result for each pending job but the last `lost`; `before` is called with the number of each job."""

    def __init__(self, lost=0, before=lambda number: None):
        self.lost, self.before, self.stopped = lost, before, threading.Event()

    def run(self, ready, folder, listener):
        for number, job in enumerate(ready.pending[: len(ready.pending) - self.lost], 1):
            self.before(number)
            status = "cancelled" if self.stopped.is_set() else "ok"
            yield Result(run_id=ready.plan.run_id, job=job, status=status)

    def stop(self):
        self.stopped.set()


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path, make_plan(jobs=JOBS))


def ready(pending=JOBS):
    return Ready(plan=make_plan(jobs=JOBS), launcher="process", pending=pending)


def test_only_what_is_pending_is_expected_and_run(folder):
    listener = Recorder()
    assert execute(Executor(), ready(JOBS[1:]), folder, listener) is False
    assert listener.of("expect") == [2]


def test_nothing_pending_is_no_mistake(folder):
    assert execute(Executor(), ready([]), folder, Recorder()) is False


def test_a_job_without_a_result_is_our_bug(folder):
    with pytest.raises(AssertionError, match="exactly one result"):
        execute(Executor(lost=1), ready(), folder, Recorder())


def test_ctrl_c_stops_the_executor_and_all_jobs_still_get_their_results(folder):
    def interrupt(number):
        if number == 2:
            os.kill(os.getpid(), signal.SIGINT)
            assert executor.stopped.wait(10)

    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP)
    executor = Executor(before=interrupt)
    try:
        assert execute(executor, ready(), folder, Recorder()) is True
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), before, strict=True):
            signal.signal(number, handler)


def test_an_executor_that_breaks_leaves_the_signals_as_they_were(folder):
    def broken(number):
        raise OSError("disk")

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(OSError, match="disk"):
        execute(Executor(before=broken), ready(), folder, Recorder())
    assert signal.getsignal(signal.SIGINT) is before
