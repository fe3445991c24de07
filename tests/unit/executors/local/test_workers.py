"""Every job gives exactly one result: all run, some fail, the user stops, we have a bug."""

from __future__ import annotations

import heapq
import random
import threading
import time
from contextlib import contextmanager

import pytest

from orchestrator.errors import DeviceRefused
from orchestrator.executors.local.workers import DevicePool, Waiting
from orchestrator.model import Device, Result
from tests.make import make_job

JOBS = [make_job(repeat=i) for i in range(1, 8)]


def slots(n):
    return [Device(kind="cpu", name=f"cpu:{i}", cores=[i]) for i in range(n)]


def result(job, status="ok"):
    return Result(run_id="r", job=job, status=status)


def make(n, measure, stop=lambda: None):
    return DevicePool(slots(n), measure, lambda job: result(job, "cancelled"), stop)


def test_one_device_runs_one_job_at_a_time_in_order():
    order = []
    busy = threading.Lock()

    def measure(job, device):
        assert busy.acquire(blocking=False)
        order.append(job)
        busy.release()
        return result(job)

    assert [r.job for r in make(1, measure).run(JOBS)] == JOBS == order


@pytest.mark.parametrize(
    ("known", "last"),
    [
        ({4: 1.0, 5: 9.0, 6: 2.0, 7: 5.0}, [5, 7, 6, 4]),
        ({4: 1.0, 5: 9.0, 6: 2.0}, [7, 5, 6, 4]),  # what nobody knows may be long
        ({}, [4, 5, 6, 7]),
    ],
)
def test_of_the_last_jobs_of_several_devices_the_longest_start_first(known, last):
    waiting = Waiting(JOBS, lambda job, device: True, lambda job: known.get(job.repeat), devices=2)
    (device, _) = slots(2)
    assert [waiting.take(device).repeat for _ in JOBS] == [1, 2, 3, *last]
    assert waiting.take(device) is None


def makespan(seconds, devices, known):
    """When the last of these jobs ends, over the least time that any order needs. Nothing is waited for."""
    jobs = [make_job(repeat=number) for number in range(1, len(seconds) + 1)]
    waiting = Waiting(jobs, lambda job, device: True, lambda job: known.get(job.repeat), devices)
    free, last = [(0.0, number) for number in range(devices)], 0.0
    while waiting:
        now, number = heapq.heappop(free)
        ends = now + seconds[waiting.take(slots(1)[0]).repeat - 1]
        heapq.heappush(free, (ends, number))
        last = max(last, ends)
    return last / max(sum(seconds) / devices, *seconds)


@pytest.mark.parametrize("seed", range(3))
def test_a_few_very_long_jobs_start_in_time_wherever_they_were_drawn(seed):
    draw = random.Random(seed)
    for seconds in (
        [draw.lognormvariate(0, 1) for _ in range(400)],
        [draw.uniform(0.2, 0.8) for _ in range(399)] + [10.0],
    ):
        assert makespan(seconds, 16, dict(enumerate(seconds, 1))) < 1.03
    assert makespan(seconds, 16, {}) > 1.3, "what nobody knows stays where it was drawn"


def test_lengths_that_a_run_learns_are_asked_for_again():
    """The last job is the longest, which is known once another has been taken."""
    known = {}
    waiting = Waiting(JOBS, lambda job, device: True, lambda job: known.get(job.repeat), devices=2)
    (device, _) = slots(2)
    assert waiting.take(device).repeat == 1
    known.update({number: 1.0 for number in range(2, 7)} | {7: 50.0})
    assert [waiting.take(device).repeat for _ in range(2)] == [2, 7]


def test_a_device_takes_no_long_job_that_it_does_not_fit():
    (here, there) = slots(2)
    fits = lambda job, device: job.repeat != 7 or device == there  # noqa: E731
    waiting = Waiting(JOBS, fits, lambda job: 90.0 if job.repeat == 7 else 1.0, devices=2)
    assert [waiting.take(device).repeat for device in (here, there, here)] == [1, 7, 2]


def test_one_device_keeps_the_order_to_the_end():
    waiting = Waiting(JOBS, lambda job, device: True, lambda job: float(job.repeat), devices=1)
    assert [waiting.take(slots(1)[0]).repeat for _ in JOBS] == [1, 2, 3, 4, 5, 6, 7]


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


def refused(job, reason):
    return Result(run_id="r", job=job, status="unsupported", reason=reason)


def test_a_refused_device_leaves_its_jobs_to_the_others():
    used = []

    @contextmanager
    def claim(device):
        if device.name == "cpu:0":
            raise DeviceRefused("in use")
        yield device

    def measure(job, device):
        used.append(device.name)
        return result(job)

    executor = DevicePool(slots(2), measure, lambda job: result(job, "cancelled"), lambda: None, claim=claim)
    assert [r.status for r in executor.run(JOBS)] == ["ok"] * len(JOBS)
    assert set(used) == {"cpu:1"}


def test_when_every_device_is_refused_each_job_is_a_row_with_the_reasons():
    @contextmanager
    def claim(device):
        raise DeviceRefused(f"{device.name} is in use")
        yield

    executor = DevicePool(slots(2), lambda job, device: result(job), result, lambda: None, claim=claim, refused=refused)
    found = list(executor.run(JOBS))
    assert {r.job.id for r in found} == {job.id for job in JOBS}
    assert {r.status for r in found} == {"unsupported"}
    assert all("cpu:0 is in use" in r.reason and "cpu:1 is in use" in r.reason for r in found)


def test_a_device_lost_midway_ends_its_worker_only():
    done = []

    @contextmanager
    def claim(device):
        if device.name == "cpu:0" and "cpu:0" in done:
            raise DeviceRefused("lost")
        yield device

    def measure(job, device):
        done.append(device.name)
        return result(job)

    executor = DevicePool(slots(2), measure, result, lambda: None, claim=claim, refused=refused)
    assert [r.status for r in executor.run(JOBS)] == ["ok"] * len(JOBS)
    assert done.count("cpu:0") <= 1


def test_jobs_go_to_devices_that_they_fit():
    where = {}

    def measure(job, device):
        where[job.repeat] = device.name
        return result(job)

    def fits(job, device):
        return job.repeat != 7 and (job.repeat % 2 == 0) == (device.name == "cpu:0")

    executor = DevicePool(slots(2), measure, result, lambda: None, fits=fits, refused=refused)
    found = {r.job.repeat: r for r in executor.run(JOBS)}
    assert where == {1: "cpu:1", 2: "cpu:0", 3: "cpu:1", 4: "cpu:0", 5: "cpu:1", 6: "cpu:0"}
    assert (found[7].status, found[7].reason) == ("unsupported", "no device here can run it")


def test_a_claim_is_held_while_its_job_runs_and_given_back_after():
    held = set()

    @contextmanager
    def claim(device):
        assert device.name not in held
        held.add(device.name)
        yield device
        held.remove(device.name)

    def measure(job, device):
        assert device.name in held
        return result(job)

    executor = DevicePool(slots(2), measure, result, lambda: None, claim=claim)
    assert len(list(executor.run(JOBS))) == len(JOBS)
    assert held == set()


def test_a_stop_while_waiting_for_a_device_cancels_the_jobs():
    waiting = threading.Event()

    @contextmanager
    def claim(device):
        waiting.set()
        while not executor.stopping():
            time.sleep(0.01)
        raise DeviceRefused("stopped while waiting")
        yield

    executor = DevicePool(slots(1), result, lambda job: result(job, "cancelled"), lambda: None, claim=claim)
    threading.Thread(target=lambda: (waiting.wait(10), executor.stop())).start()
    assert [r.status for r in executor.run(JOBS)] == ["cancelled"] * len(JOBS)


@pytest.mark.parametrize("devices", [1, 2])
def test_what_no_device_refused_gets_no_result_when_a_worker_breaks(devices):
    """Such a job runs when the run goes on; `unsupported` would be for ever."""
    refused = []

    def breaks(job, device):
        raise ValueError("ours")

    pool = DevicePool(
        slots(devices),
        breaks,
        lambda job: result(job, "cancelled"),
        lambda: None,
        refused=lambda job, reason: refused.append(job) or result(job, "unsupported"),
    )
    with pytest.raises(ValueError, match="ours"):
        list(pool.run(JOBS))
    assert refused == []
