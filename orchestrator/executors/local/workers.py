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

    Several devices take a job out of its turn, so that none is left with a long one while the others have nothing to
    do: the longest, as soon as it takes no less than what is left for each device; and of the last ones the longest
    first. Of the last ones, a job that nobody knows counts as long.
    """

    def __init__(
        self, jobs: Iterable[Job], fits: Callable[[Job, Device], bool], expected: Expected, devices: int
    ) -> None:
        self._jobs = dict(enumerate(jobs))
        self._fits = fits
        self._expected = expected
        self._devices = devices
        self._last = LAST * devices if devices > 1 else 0
        self._lock = threading.Lock()
        #: How many have been taken since lengths were last asked for: a run learns them from its own repeats.
        self._taken = 0
        self._estimate()

    def _estimate(self) -> None:
        asked = ((number, self._expected(job)) for number, job in self._jobs.items())
        known = {number: seconds for number, seconds in asked if seconds is not None}
        mean = sum(known.values()) / len(known) if known else 0.0
        self._taken = 0
        #: Those that are known, the longest at the end. One that was taken stays until it is met there.
        self._by_length = sorted(known, key=known.__getitem__)
        #: Seconds that each counts for in what is left, and their sum.
        self._counted = {number: known.get(number, mean) for number in self._jobs}
        self._left = sum(self._counted.values())

    def __len__(self) -> int:
        return len(self._jobs)

    def has(self, device: Device) -> bool:
        with self._lock:
            return any(self._fits(job, device) for job in self._jobs.values())

    def take(self, device: Device) -> Job | None:
        """The job for this device; None where it can run none."""
        with self._lock:
            fitting = (number for number, job in self._jobs.items() if self._fits(job, device))
            if len(self._jobs) <= self._last:
                number = max(fitting, key=self._length, default=None)
            else:
                number = self._pressing(device)
                number = next(fitting, None) if number is None else number
            if number is None:
                return None
            self._left -= self._counted[number]
            self._taken += 1
            return self._jobs.pop(number)

    def _pressing(self, device: Device) -> int | None:
        """The longest job, where all would wait for it if it began any later."""
        if self._devices < 2:
            return None
        if self._taken >= self._devices:
            self._estimate()
        while self._by_length and self._by_length[-1] not in self._jobs:
            self._by_length.pop()
        if not self._by_length:
            return None
        number = self._by_length[-1]
        pressing = self._counted[number] * self._devices >= self._left
        return number if pressing and self._fits(self._jobs[number], device) else None

    def _length(self, number: int) -> float:
        seconds = self._expected(self._jobs[number])
        return math.inf if seconds is None else seconds

    def rest(self) -> list[Job]:
        with self._lock:
            jobs, self._jobs = [*self._jobs.values()], {}
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
