"""Where jobs run: this machine's devices, or a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from orchestrator.model import Job, Result


class Executor(Protocol):
    def run(self, jobs: Iterable[Job]) -> Iterator[Result]:
        """Yields exactly one result per job, as they end. Closing the iterator stops what runs."""
        ...
