"""The two seams: *how* a job runs on this machine, and *where* jobs run. Small enough that a fake is thirty lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from orchestrator.model import Device, Exit, Job, Launch, Result, Usage

#: Reads what the running job has used so far; None once it is gone.
Probe = Callable[[], Usage | None]


class Launcher(Protocol):
    """How a job runs. Any number of threads may use one launcher."""

    def describe(self, job: Job, device: Device, out: Path) -> Launch:
        """What would be started, without side effects."""
        ...

    def launch(self, job: Job, device: Device, out: Path, log: Path, watch: Callable[[Probe], None]) -> Exit:
        """Blocks until the job has ended, for whatever reason, and leaves nothing of it behind.

        `out` is the one folder the job may write, `log` gets its output; `watch` is given a probe of the
        running job. Never raises for what the job or the engine does: that is what `Exit` tells.
        """
        ...

    def stop(self) -> None:
        """From any thread: ends everything that was started, and everything that would be from now on."""
        ...


class Executor(Protocol):
    """Where jobs run: this machine's devices, or a cluster."""

    def run(self, jobs: Iterable[Job]) -> Iterator[Result]:
        """Yields exactly one result per job, as they end. Closing the iterator stops what runs."""
        ...

    def stop(self) -> None:
        """From any thread: running jobs end, waiting ones become `cancelled` results."""
        ...
