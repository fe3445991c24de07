"""The `Launcher` protocol: how one job starts on this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from orchestrator.launchers.gpu_routes import RouteName
from orchestrator.launchers.runtimes import Weakenable
from orchestrator.model import DataFile, Device, Exit, Job, Launch, Noun, Stack, Usage

#: Reads what the running job has used so far; None once it is gone.
Probe = Callable[[], Usage | None]


class RunContext(Noun, frozen=True, kw_only=True):
    """What the jobs of one run share; a launcher gets it together with its images or its interpreters.

    `owner` names this process (see sweep.owner), `memory_mb` is the memory limit of one container.
    """

    run_id: str
    owner: str
    workloads_dir: str
    stacks: dict[str, Stack]
    data: dict[str, DataFile]
    memory_mb: int = 0
    gpu_route: RouteName = "devices"
    #: By job id, for jobs that are not run for the first time.
    attempts: dict[str, int] = {}
    #: Points of the confinement of containers that the user has given up.
    weakened: list[Weakenable] = []


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
