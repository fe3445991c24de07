"""Every job gives exactly one result: all run, some fail, the user stops, we have a bug."""

from __future__ import annotations

import threading
import time

import pytest

from orchestrator.executors.local import LocalExecutor
from orchestrator.model import Device, Result
from tests.unit.test_model import make_job

JOBS = [make_job(repeat=i) for i in range(1, 8)]


def slots(n):
    return [Device(kind="cpu", name=f"cpu:{i}", cores=[i]) for i in range(n)]


def result(job, status="ok"):
    return Result(run_id="r", job=job, status=status)


def make(n, measure, stop=lambda: None):
    return LocalExecutor(slots(n), measure, lambda job: result(job, "cancelled"), stop)


def test_one_device_runs_one_job_at_a_time_in_order():
    order = []
    busy = threading.Lock()

    def measure(job, device):
        assert busy.acquire(blocking=False)
        order.append(job)
        busy.release()
        return result(job)

    assert [r.job for r in make(1, measure).run(JOBS)] == JOBS == order


def test_several_devices_share_the_jobs():
    met = threading.Barrier(2, timeout=10)

    def measure(job, device):
        if job.repeat <= 2:
            met.wait()  # only passes when two run at once
        return result(job)

    found = list(make(2, measure).run(JOBS))
    assert sorted(r.job.repeat for r in found) == [1, 2, 3, 4, 5, 6, 7]


def test_after_a_stop_the_waiting_jobs_are_cancelled_rows():
    running, stopped = threading.Event(), threading.Event()

    def measure(job, device):
        running.set()
        assert stopped.wait(10)
        return result(job, "cancelled")

    executor = make(1, measure, stopped.set)
    threading.Thread(target=lambda: (running.wait(10), executor.stop())).start()
    found = list(executor.run(JOBS))
    assert [r.status for r in found] == ["cancelled"] * len(JOBS)


def test_a_bug_of_ours_surfaces_and_stops_the_rest():
    stopped = threading.Event()

    def measure(job, device):
        if job.repeat == 1:
            raise RuntimeError("a bug")
        time.sleep(0.01)
        return result(job)

    with pytest.raises(RuntimeError, match="a bug"):
        list(make(1, measure, stopped.set).run(JOBS))


def test_no_jobs_no_results():
    assert list(make(2, lambda job, device: result(job)).run([])) == []
