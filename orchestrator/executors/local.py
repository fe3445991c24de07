"""Runs jobs on this machine's devices, one at a time on each."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator

from orchestrator.model import Device, Job, Result

#: Runs and measures one job on one device, for whatever end it comes to.
Measure = Callable[[Job, Device], Result]


class LocalExecutor:
    """One worker thread per device slot; jobs are taken in the order given.

    `cancelled(job)` makes the result of a job that was never started. `stop()` ends the running ones.
    """

    def __init__(
        self,
        devices: list[Device],
        measure: Measure,
        cancelled: Callable[[Job], Result],
        stop: Callable[[], None],
    ) -> None:
        self._devices = devices
        self._measure = measure
        self._cancelled = cancelled
        self._stop = stop
        self._stopping = threading.Event()

    def stop(self) -> None:
        """From any thread, a signal handler included: running jobs end, waiting ones are cancelled."""
        self._stopping.set()
        self._stop()

    def run(self, jobs: Iterable[Job]) -> Iterator[Result]:
        waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
        done: queue.SimpleQueue[Result | BaseException] = queue.SimpleQueue()
        planned = 0
        for job in jobs:
            waiting.put(job)
            planned += 1
        workers = [
            threading.Thread(target=self._work, args=(device, waiting, done), daemon=True) for device in self._devices
        ]
        for worker in workers:
            worker.start()
        try:
            for _ in range(planned):
                yield _unwrap(done.get())
        finally:
            if any(worker.is_alive() for worker in workers):
                self.stop()
            for worker in workers:
                worker.join()

    def _work(
        self, device: Device, waiting: queue.SimpleQueue[Job], done: queue.SimpleQueue[Result | BaseException]
    ) -> None:
        while True:
            try:
                job = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put(self._cancelled(job) if self._stopping.is_set() else self._measure(job, device))
            except BaseException as bug:  # ours, not the job's: it must surface in the caller's thread
                done.put(bug)


def _unwrap(item: Result | BaseException) -> Result:
    if isinstance(item, BaseException):
        raise item
    return item
