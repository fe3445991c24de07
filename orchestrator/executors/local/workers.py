"""Runs jobs on this machine's devices, one at a time on each."""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext

from orchestrator.errors import DeviceRefused
from orchestrator.model import Device, Job, Result

#: Runs and measures one job on one device, for whatever end it comes to.
Measure = Callable[[Job, Device], Result]
#: Holds a device for one job; gives the device as it was found. Raises DeviceRefused.
Claim = Callable[[Device], AbstractContextManager[Device]]
#: About how many seconds a job takes; None where nobody knows.
Expected = Callable[[Job], float | None]
#: So many jobs for each device are the last of a run, of which long ones start first: simulated, more of them gain no
#: more, and all others keep the order that was drawn.
LAST = 2


class Waiting:
    """The jobs that nobody has taken yet, in order.

    Of the last ones, several devices take the longest first, so that no device is left with a long one while the
    others have nothing to do. One that nobody knows counts as long.
    """

    def __init__(
        self, jobs: Iterable[Job], fits: Callable[[Job, Device], bool], expected: Expected, devices: int
    ) -> None:
        self._jobs = list(jobs)
        self._fits = fits
        self._expected = expected
        self._last = LAST * devices if devices > 1 else 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._jobs)

    def has(self, device: Device) -> bool:
        with self._lock:
            return any(self._fits(job, device) for job in self._jobs)

    def take(self, device: Device) -> Job | None:
        """The job for this device; None where it can run none."""
        with self._lock:
            fitting = (job for job in self._jobs if self._fits(job, device))
            job = max(fitting, key=self._length, default=None) if self._ending else next(fitting, None)
            if job is not None:
                self._jobs.remove(job)
            return job

    @property
    def _ending(self) -> bool:
        return len(self._jobs) <= self._last

    def _length(self, job: Job) -> float:
        seconds = self._expected(job)
        return math.inf if seconds is None else seconds

    def rest(self) -> list[Job]:
        with self._lock:
            jobs, self._jobs = self._jobs, []
            return jobs


class DevicePool:
    """One worker thread per device slot; jobs are taken in the order given (see `Waiting`), by a device that they fit.

    `cancelled(job)` makes the result of a job that was never started; `refused(job, reason)` that of one whose
    devices must not be used. `stop()` ends the running ones.
    """

    def __init__(
        self,
        devices: list[Device],
        measure: Measure,
        cancelled: Callable[[Job], Result],
        stop: Callable[[], None],
        *,
        claim: Claim = nullcontext,
        fits: Callable[[Job, Device], bool] = lambda job, device: True,
        refused: Callable[[Job, str], Result] | None = None,
        expected: Expected = lambda job: None,
    ) -> None:
        self._devices = devices
        self._measure = measure
        self._cancelled = cancelled
        self._stop = stop
        self._claim = claim
        self._fits = fits
        self._refused = refused or (lambda job, reason: cancelled(job))
        self._expected = expected
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._working = 0
        self._broken = False
        self._reasons: list[str] = []

    def stop(self) -> None:
        """From any thread, a signal handler included: running jobs end, waiting ones are cancelled."""
        self._stopping.set()
        self._stop()

    def stopping(self) -> bool:
        return self._stopping.is_set()

    def run(self, jobs: Iterable[Job]) -> Iterator[Result]:
        waiting = Waiting(jobs, self._fits, self._expected, len(self._devices))
        done: queue.SimpleQueue[Result | BaseException] = queue.SimpleQueue()
        planned, self._working = len(waiting), len(self._devices)
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

    def _work(self, device: Device, waiting: Waiting, done: queue.SimpleQueue[Result | BaseException]) -> None:
        try:
            while waiting.has(device) and not self._stopping.is_set():
                with self._claim(device) as claimed:
                    job = waiting.take(device)
                    if job is not None:
                        done.put(self._cancelled(job) if self._stopping.is_set() else self._measure(job, claimed))
        except DeviceRefused as refusal:  # this device is out; the others go on
            with self._lock:
                self._reasons.append(refusal.message)
        except BaseException as bug:  # ours, not the job's: it must surface in the caller's thread
            with self._lock:
                self._broken = True
            done.put(bug)
        finally:
            self._leave(waiting, done)

    def _leave(self, waiting: Waiting, done: queue.SimpleQueue[Result | BaseException]) -> None:
        """The last worker to go answers for the jobs that nobody could take.

        Not where a worker broke: no device refused these jobs, so they stay without a result, and run when it resumes.
        """
        with self._lock:
            self._working -= 1
            last, reason = self._working == 0, "; ".join(self._reasons) or "no device here can run it"
            broken = self._broken
        if not last or broken:
            return
        try:
            for job in waiting.rest():
                done.put(self._cancelled(job) if self._stopping.is_set() else self._refused(job, reason))
        except BaseException as bug:
            done.put(bug)


def _unwrap(item: Result | BaseException) -> Result:
    if isinstance(item, BaseException):
        raise item
    return item
