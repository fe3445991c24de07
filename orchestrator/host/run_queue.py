"""How long threads waited for a core: the kernel's own count for each (schedstat), added up over a job.

A thread's count ends with it, so the last reading of each is kept. A reading costs some microseconds for each thread.
It is left out until its cost is below `SHARE` of the time since the last one, so many threads are read less often.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

#: The most of one core that reading may take.
SHARE = 0.01


class RunQueue:
    """Adds up the waiting of the threads that it is shown. Not thread-safe."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._last: dict[int, int] = {}
        self._ended = 0
        self._counted = False
        self._due = 0.0
        #: Seconds that the last reading took.
        self.cost_s = 0.0

    def due(self) -> bool:
        """Whether enough time has passed since the last reading."""
        return time.monotonic() >= self._due

    def read(self, threads: Iterable[int]) -> float | None:
        """Seconds that all threads shown so far waited; None where this kernel does not count it.

        `threads` are the numbers of those that live now.
        """
        begin = time.thread_time()
        for thread in threads:
            with contextlib.suppress(OSError, ValueError):  # it has ended
                with open(f"{self._proc}/{thread}/schedstat", "rb") as file:  # noqa: PTH123 (pathlib costs as much again)
                    _, waited, slices = map(int, file.read().split())
                self._counted = self._counted or slices > 0  # a kernel that does not count says 0 0 0
                if waited < self._last.get(thread, 0):  # the number was given to another thread
                    self._ended += self._last[thread]
                self._last[thread] = waited
        self.cost_s = time.thread_time() - begin
        self._due = time.monotonic() + self.cost_s / SHARE
        return (self._ended + sum(self._last.values())) / 1e9 if self._counted else None


def threads_of(processes: Iterable[int]) -> list[int]:
    """The threads of these processes that live now."""
    found: list[int] = []
    for process in processes:
        with contextlib.suppress(OSError):
            found += map(int, os.listdir(f"/proc/{process}/task"))  # noqa: PTH208
    return found
