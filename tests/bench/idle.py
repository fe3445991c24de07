"""How long a job was idle: no thread of it ran, and none waited for a core. The kernel counts both for each thread.

Load beside the job makes its threads wait, which is not idle; so this tells a job that sleeps from one that is kept
from its core.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from pathlib import Path
from types import TracebackType

PROC = Path("/proc")
INTERVAL_S, SEARCH_S = 0.05, 0.5


class Watch:
    """Reads the threads of the job `job_id` while the block runs, in a process or in a container of this host."""

    def __init__(self, job_id: str) -> None:
        self._words = f"\0--job\0{job_id}\0".encode()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._busy: dict[Path, int] = {}
        #: Time, and nanoseconds that all threads so far ran or waited.
        self._readings: list[tuple[float, int]] = []

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._done.set()
        self._thread.join()

    def idle(self, begin: float, end: float) -> float:
        """Idle seconds between two moments of the monotonic clock."""
        seconds = 0.0
        for (t, busy), (next_t, next_busy) in itertools.pairwise(self._readings):
            share = max(0.0, 1 - (next_busy - busy) / 1e9 / (next_t - t))
            seconds += share * max(0.0, min(end, next_t) - max(begin, t))
        return seconds

    def _loop(self) -> None:
        searched, processes = 0.0, list[Path]()
        while not self._done.wait(INTERVAL_S):
            if time.monotonic() - searched > SEARCH_S:
                searched, processes = time.monotonic(), list(self._processes())
            for process in processes:
                self._read(process)
            self._readings.append((time.monotonic(), sum(self._busy.values())))

    def _processes(self) -> list[Path]:
        """The job, and whoever started it with the same words: they only wait for it."""
        found = []
        for process in PROC.glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if self._words in (process / "cmdline").read_bytes():
                    found.append(process)
        return found

    def _read(self, process: Path) -> None:
        with contextlib.suppress(OSError):
            for thread in (process / "task").iterdir():
                with contextlib.suppress(OSError, ValueError):  # it has ended
                    ran, waited, _ = map(int, (thread / "schedstat").read_text().split())
                    self._busy[thread] = ran + waited


def steady_share(watch: Watch, events: list[dict]) -> float:
    """The idle share of the epochs after the first, of their training; `events` are a job's."""
    begins = {event["epoch"]: event["t"] for event in events if event["event"] == "epoch_begin"}
    ends = [event for event in events if event["event"] == "epoch_end" and event["epoch"] > 1]
    spans = [(begins[event["epoch"]], begins[event["epoch"]] + event["train_s"]) for event in ends]
    return sum(watch.idle(*span) for span in spans) / sum(end - begin for begin, end in spans)
