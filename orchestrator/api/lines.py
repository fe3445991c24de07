"""Tells how a run goes on in plain lines, to whatever function a program gives for it."""

from __future__ import annotations

import threading

from orchestrator.executors.executor import Outlook
from orchestrator.model import Job, RawEvent, Result, Say
from orchestrator.plan.names import Names
from orchestrator.text import message


class Lines:
    """A `Listener` that says a line when a job starts and when it has ended, fit for terminals, too."""

    def __init__(self, say: Say) -> None:
        self._say, self._names = say, Names()
        self._planned, self._begun = 0, 0
        self._lock = threading.Lock()

    def planned(self, outlook: Outlook) -> None:
        self._names = outlook.names

    def expect(self, more: int) -> None:
        with self._lock:
            self._planned += more

    def started(self, job: Job, where: str = "") -> None:
        with self._lock:
            self._begun += 1
            self.say(f"[{self._begun}/{self._planned}] {self._names.job(job)} starts{f' on {where}' if where else ''}")

    def event(self, job: Job, event: RawEvent) -> None:
        pass

    def finished(self, result: Result) -> None:
        why = f": {result.reason}" if result.reason else ""
        self.say(f"{self._names.job(result.job)}: {result.status}{why}")

    def say(self, line: str) -> None:
        self._say(message(line))
