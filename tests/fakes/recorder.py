"""A listener that only keeps what it hears."""

from __future__ import annotations

from typing import Any

from orchestrator.executors.executor import Outlook
from orchestrator.model import Job, Result


class Recorder:
    """`Listener` for tests: what was heard, in order, and about which job. Any number of threads may call it."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []

    def planned(self, outlook: Outlook) -> None:
        self.heard.append(("planned", outlook))

    def expect(self, more: int) -> None:
        self.heard.append(("expect", more))

    def started(self, job: Job, where: str = "") -> None:
        self.heard.append(("started", job.id))

    def event(self, job: Job, event: dict[str, Any]) -> None:
        self.heard.append(("event", (job.id, event["event"])))

    def finished(self, result: Result) -> None:
        self.heard.append(("finished", result.job.id))

    def say(self, line: str) -> None:
        self.heard.append(("say", line))

    def of(self, what: str) -> list[Any]:
        """What was heard by one method."""
        return [about for each, about in list(self.heard) if each == what]
