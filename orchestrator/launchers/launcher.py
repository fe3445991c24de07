"""The `Launcher` protocol: how one job starts on this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from orchestrator.launchers.gpu_routes import RouteName
from orchestrator.launchers.job_user import JobUser
from orchestrator.launchers.runtimes import Point, Weakenable
from orchestrator.model import DataFile, Device, Exit, Job, Launch, Layer, Noun, OwnFile, Stack, Usage, data_of

#: Reads what the running job has used so far; None once it is gone.
Probe = Callable[[], Usage | None]


class Laid(Noun, frozen=True, kw_only=True):
    """The packages that a file of one's own has beside those of its stack, in a folder; "" where it needs none."""

    layer: Layer
    path: str = ""


class RunContext(Noun, frozen=True, kw_only=True):
    """Settings shared by all jobs of a run: a provisioner builds its launcher from them.

    `owner` is host, pid and start time of this process, so that what a dead one left can be told from others' jobs.
    `memory_mb` is the memory limit of one container, `gpu_route` the way a GPU reaches it (docs/GPU.md).
    """

    run_id: str
    owner: str
    workloads_dir: str
    stacks: dict[str, Stack]
    data: dict[str, DataFile]
    memory_mb: int = 0
    gpu_route: RouteName = "devices"
    #: What CDI calls the GPUs, by UUID, where it is known.
    cdi: dict[str, str] = {}
    #: Attempt number by job id; absent means 1.
    attempts: dict[str, int] = {}
    #: Restrictions of the containers that the user dropped with --weaken.
    weakened: list[Weakenable] = []
    #: sha256 of the workload scripts: what is compiled for other ones is not used.
    workloads_sha256: str = ""
    #: Who jobs run as, where an engine wants another user than the caller.
    user: JobUser | None = None
    #: Points of the confinement that a trial container did not get, and what it got instead (trial/).
    lacks: dict[Point, str] = {}
    #: The files of one's own, by workload; what they get: data by name, the network, what Keras has downloaded before.
    own: dict[str, OwnFile] = {}
    more_data: dict[str, str] = {}
    network: bool = False
    keras_datasets: str | None = None
    laid: list[Laid] = []

    def laid_for(self, job: Job) -> Laid | None:
        """The packages of its own that a job has, if any."""
        its = [each for each in self.laid if (each.layer.stack, each.layer.workload) == (job.stack, job.workload)]
        return its[0] if its and its[0].path else None

    def data_of(self, job: Job) -> DataFile:
        """The data set that a job reads; one of kind `own` or `generated` where its file brings what it needs."""
        return data_of(job, self.data, self.own)


class Launcher(Protocol):
    """Starts jobs on this machine. Any number of threads may use one launcher."""

    def describe(self, job: Job, device: Device, out: Path) -> Launch:
        """What would be started, without side effects."""

    def launch(self, job: Job, device: Device, out: Path, log: Path, watch: Callable[[Probe], None]) -> Exit:
        """Runs the job and returns when it has ended, for whatever reason; leaves nothing of it behind.

        `out` is the one folder the job may write, `log` gets its output; `watch` is given a probe of the
        running job. Never raises for what the job or the engine does: that is what `Exit` tells.
        """

    def stop(self) -> None:
        """Ends every job that runs, and refuses those to come. May be called from any thread."""
