"""Rewrites the report of a run while it goes on, where that costs no measurement anything.

A page takes a second or two of a core. So it is written between two jobs, while nothing is measured and nothing
starts; beside running jobs only on cores that no job has; and on the orchestrator's own host where jobs run on a
cluster. At most a fiftieth of the run's time goes into pages. A program of its own writes them, as whatever happens to
it must cost the run nothing. Charts are left to the report at the end.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Collection
from pathlib import Path
from types import TracebackType

from orchestrator.executors.executor import Executor, Listener, Outlook
from orchestrator.host import probe
from orchestrator.model import Job, Plan, RawEvent, Result
from orchestrator.results.folder import RunFolder
from orchestrator.text import printable

#: Seconds between two pages at least, and before the first; the share of the time that they may take; and the longest
#: that is waited for one.
EVERY_S, SHARE, LIMIT_S = 20.0, 0.02, 60.0
PROGRAM = "import sys; sys.path[:] = sys.argv[4:]; from orchestrator.run.page_now import main; main(*sys.argv[1:4])"


class Paged:
    """A `Listener` that passes everything on, and has the page rewritten when a job has ended and a page is due.

    `spare`: cores that no job has; `away`: jobs run on other hosts. `finished` and `started` may wait for a page.
    """

    def __init__(self, listener: Listener, folder: Path, root: str, spare: Collection[int], away: bool) -> None:
        self._listener = listener
        self._program = [sys.executable, "-I", "-X", "utf8", "-c", PROGRAM, str(folder), root]
        self._spare = frozenset(spare)
        self._away = away
        self._lock = threading.Lock()
        self._running: set[str] = set()
        #: By model: its cells that are still to be measured for a complete row.
        self._open: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
        self._row = False
        self._due = time.monotonic() + EVERY_S
        self._writer: threading.Thread | None = None
        self._failed = False

    def __enter__(self) -> Paged:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """No page is written over the report that follows."""
        if self._writer is not None:
            self._writer.join()

    def planned(self, outlook: Outlook) -> None:
        for job in outlook.jobs:
            self._open[job.workload][job.cell] += 1
        self._listener.planned(outlook)

    def expect(self, more: int) -> None:
        self._listener.expect(more)

    def started(self, job: Job, where: str = "") -> None:
        with self._lock:  # not while a page is written for which nothing ran
            self._running.add(job.id)
        self._listener.started(job, where)

    def event(self, job: Job, event: RawEvent) -> None:
        self._listener.event(job, event)

    def say(self, line: str) -> None:
        self._listener.say(line)

    def finished(self, result: Result) -> None:
        self._listener.finished(result)
        with self._lock:
            self._running.discard(result.job.id)
            self._open[result.job.workload].pop(result.job.cell, None)
            self._row = self._row or not self._open[result.job.workload]
            if not self._row or time.monotonic() < self._due or self._writing():
                return
            if self._away or (self._running and self._spare):
                self._writer = threading.Thread(target=self._write, name="page", daemon=True)
                self._writer.start()
            elif not self._running:
                self._write()

    def _writing(self) -> bool:
        return self._writer is not None and self._writer.is_alive()

    def _write(self) -> None:
        """Writes a page, and settles when the next one is due."""
        began = time.monotonic()
        said = self._written()
        if said and not self._failed:
            self._failed = True
            self._listener.say(f"the report could not be rewritten while the run goes on: {said}")
        now = time.monotonic()
        self._due = now + max(EVERY_S, (now - began) / SHARE)

    def _written(self) -> str:
        """Why there is no page, in words; "" where there is one."""
        cores = "" if self._away or not self._running else ",".join(map(str, sorted(self._spare)))
        argv = [*self._program, cores, *(str(Path(place).absolute()) for place in sys.path)]
        try:
            done = subprocess.run(
                argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S, start_new_session=True
            )
        except subprocess.TimeoutExpired:
            return f"it took longer than {LIMIT_S:g} s"
        except OSError as error:
            return error.strerror or str(error)
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return printable(lines[-1] if lines else f"exit code {done.returncode}", 200) if done.returncode else ""


def paged(listener: Listener, folder: RunFolder, root: str, executor: Executor, plan: Plan) -> Paged:
    """The pages of a run. Beside GPUs no core counts as spare: their jobs share out all that there are."""
    config, host, first = executor.request.config, executor.host(), plan.planned[0]
    away = config.executor != "local"
    taken = set(host.cores)
    if first.device == "cpu" and not away:
        slots = probe.slots(host, first.device, first.threads, config.parallel)
        taken = {core for slot in slots for core in slot.cores}
    return Paged(listener, folder.path, root, set(host.cores) - taken, away)
