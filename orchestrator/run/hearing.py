"""Lets a run be heard without waiting for whoever listens.

A terminal may be halted (Ctrl-S), a pager may not read on, and a display may have a fault. None of this may hold up a
job, its samples or its record.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from types import TracebackType

from orchestrator.executors.executor import Listener, Outlook
from orchestrator.model import Job, RawEvent, Result

#: Seconds that the end of a run waits for a listener to catch up.
PATIENCE_S = 5.0


class Hearing:
    """A `Listener` that passes everything on, in order, in a thread of its own. No call of it waits or raises.

    `fault` is what the listener raised; it hears nothing more then.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._told: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._pass_on, name="hearing", daemon=True)
        self.fault: Exception | None = None

    def __enter__(self) -> Hearing:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Waits for the listener to catch up, but not for one that is held up."""
        self._told.put(None)
        self._thread.join(PATIENCE_S)

    def planned(self, outlook: Outlook) -> None:
        self._told.put(lambda: self._listener.planned(outlook))

    def expect(self, more: int) -> None:
        self._told.put(lambda: self._listener.expect(more))

    def started(self, job: Job, where: str = "") -> None:
        self._told.put(lambda: self._listener.started(job, where))

    def event(self, job: Job, event: RawEvent) -> None:
        self._told.put(lambda: self._listener.event(job, event))

    def finished(self, result: Result) -> None:
        self._told.put(lambda: self._listener.finished(result))

    def say(self, line: str) -> None:
        self._told.put(lambda: self._listener.say(line))

    def _pass_on(self) -> None:
        while (tell := self._told.get()) is not None:
            if self.fault is None:
                try:
                    tell()
                except Exception as fault:
                    self.fault = fault
