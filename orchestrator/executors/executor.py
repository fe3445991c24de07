"""The `Executor` protocol: where the jobs of a run are measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from orchestrator.model import Job, Result


class Executor(Protocol):
    """Where jobs run: this machine's devices, or a cluster."""

    def run(self, jobs: Iterable[Job]) -> Iterator[Result]:
        """Yields exactly one result per job, as they end. Closing the iterator stops what runs."""
        ...

    def stop(self) -> None:
        """From any thread: running jobs end, waiting ones become `cancelled` results."""
        ...
