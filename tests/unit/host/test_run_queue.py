"""The waiting of threads is added up whatever becomes of them, and reading it costs little."""

from __future__ import annotations

import os
import shutil
import threading
import time

import pytest

from orchestrator.host import run_queue
from orchestrator.host.run_queue import Pace, RunQueue, threads_of


def waited(proc, **nanoseconds):
    for thread, value in nanoseconds.items():
        folder = proc / thread.removeprefix("t")
        folder.mkdir(exist_ok=True)
        (folder / "schedstat").write_text(f"5 {value} 7\n")


def test_threads_that_end_between_two_readings_keep_what_they_waited(tmp_path):
    queue = RunQueue(tmp_path)
    waited(tmp_path, t1=1_000_000_000, t2=2_000_000_000)
    assert queue.read([1, 2]) == 3.0
    shutil.rmtree(tmp_path / "2")
    waited(tmp_path, t1=1_500_000_000, t3=250_000_000)
    assert queue.read([1, 3]) == 3.75
    assert queue.read([]) == 3.75


def test_a_number_that_is_given_to_another_thread_starts_anew(tmp_path):
    queue = RunQueue(tmp_path)
    waited(tmp_path, t1=2_000_000_000)
    queue.read([1])
    waited(tmp_path, t1=500_000_000)
    assert queue.read([1]) == 2.5


def test_a_kernel_that_does_not_count_is_unknown_and_not_zero(tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "schedstat").write_text("0 0 0\n")
    assert RunQueue(tmp_path).read([1]) is None
    assert RunQueue(tmp_path).read([2]) is None
    (tmp_path / "1" / "schedstat").write_text("nonsense\n")
    assert RunQueue(tmp_path).read([1]) is None


def test_all_threads_of_a_process_are_found():
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    try:
        assert {os.getpid(), thread.native_id} <= {*threads_of([os.getpid(), 2**22 + 1])}
    finally:
        end.set()
        thread.join()


@pytest.mark.parametrize(("cost_s", "wait_s"), [(0.001, 0.1), (0.5, 50.0)])
def test_what_is_dear_is_done_less_often(monkeypatch, cost_s, wait_s):
    now = {"monotonic": 10.0, "thread_time": 0.0}
    monkeypatch.setattr(run_queue, "time", type("Clock", (), {k: staticmethod(lambda k=k: now[k]) for k in now}))
    pace = Pace()
    assert pace.due()
    with pace.spending():
        now["thread_time"] += cost_s
    now["monotonic"] = 10.0 + 0.9 * wait_s
    assert not pace.due()
    now["monotonic"] = 10.0 + 1.1 * wait_s
    assert pace.due()


def test_a_real_kernel_counts_or_says_that_it_does_not():
    time.sleep(0)
    found = RunQueue().read(threads_of([os.getpid()]))
    assert found is None or found >= 0
