"""How long threads waited for a core: the kernel's own count for each (schedstat), added up over a job.

A thread's count ends with it, so the last reading of each is kept. A reading costs some microseconds for each thread,
so a job of many threads is read less often (`Pace`).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

#: The most of one core that a reading may take.
SHARE = 0.01


class Pace:
    """Lets something be done only as often as it takes no more than SHARE of the time."""

    def __init__(self) -> None:
        self._due = 0.0

    def due(self) -> bool:
        return time.monotonic() >= self._due

    @contextlib.contextmanager
    def spending(self) -> Iterator[None]:
        """Counts what the block costs this thread."""
        begin = time.thread_time()
        yield
        self._due = time.monotonic() + (time.thread_time() - begin) / SHARE


class RunQueue:
    """Adds up the waiting of the threads that it is shown. Not thread-safe."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._last: dict[int, int] = {}
        self._ended = 0
        self._counted = False
        self.pace = Pace()

    def read(self, threads: Iterable[int]) -> float | None:
        """Seconds that all threads shown so far waited; None where this kernel does not count it.

        `threads` are the numbers of those that live now.
        """
        with self.pace.spending():
            for thread in threads:
                with contextlib.suppress(OSError, ValueError):  # it has ended
                    self._take(thread)
        return (self._ended + sum(self._last.values())) / 1e9 if self._counted else None

    def _take(self, thread: int) -> None:
        with open(f"{self._proc}/{thread}/schedstat", "rb") as file:  # noqa: PTH123 (pathlib costs as much again)
            _, waited, slices = map(int, file.read().split())
        self._counted = self._counted or slices > 0  # a kernel that does not count says 0 0 0
        if waited < self._last.get(thread, 0):  # the number was given to another thread
            self._ended += self._last[thread]
        self._last[thread] = waited


def threads_of(processes: Iterable[int]) -> list[int]:
    """The threads of these processes that live now."""
    found: list[int] = []
    for process in processes:
        with contextlib.suppress(OSError):
            found += map(int, os.listdir(f"/proc/{process}/task"))  # noqa: PTH208
    return found
