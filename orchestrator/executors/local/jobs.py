"""Measures one job at a time on a device of this host, for a local run as on the node of a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from orchestrator.host import fitness
from orchestrator.launchers.launcher import Launcher, RunContext
from orchestrator.measure.fingerprint import Origin, fingerprint
from orchestrator.measure.gpu_claims import GpuClaims
from orchestrator.measure.job import OnEvent, measure
from orchestrator.model import Device, Fingerprint, Job, Launch, Result
from orchestrator.plan.own import changed


class JobRunner:
    """Runs jobs under one launcher. Any number of threads may use it."""

    def __init__(self, launcher: Launcher, context: RunContext, origin: Origin) -> None:
        self._launcher = launcher
        self._context = context
        self._origin = origin

    def stop(self) -> None:
        """Ends the running jobs, and all that would be started from now on."""
        self._launcher.stop()

    def measure(self, job: Job, device: Device, folder: Path, claims: GpuClaims, on_event: OnEvent) -> Result:
        """Runs `job` on a claimed device to whatever end; `folder` gets its raw figures. Raises OSError of the disk."""
        own, attempt = self._context.own.get(job.workload), self._context.attempts.get(job.id, 1)
        why = changed(own) if own else ""
        if why:  # its repeats would be of two programs
            return Result(run_id=self._context.run_id, job=job, status="failed", reason=why, attempt=attempt)
        result = measure(
            job,
            device,
            launcher=self._launcher,
            folder=folder,
            run_id=self._context.run_id,
            identify=self._fingerprint,
            on_event=on_event,
        )
        return msgspec.structs.replace(claims.judge(result, device), attempt=attempt)

    def identity(self, job: Job, device: Device) -> dict[str, Any]:
        """The fields of the fingerprint that the job would have now."""
        launch = self._launcher.describe(job, device, Path("/nowhere"))
        found = msgspec.structs.asdict(self._fingerprint(job, device, launch))
        if launch.launcher == "docker":
            del found["cpu_quota"]  # known once it runs
        return found

    def _fingerprint(self, job: Job, device: Device, launch: Launch) -> Fingerprint:
        own = self._context.own.get(job.workload)
        laid = self._context.laid_for(job)
        packages = laid.layer.sha256 if laid else None
        needs = self._context.stacks[job.stack].needs(job.backend)
        if device.kind == "gpu" and fitness.translated(needs, device):  # which needs a warm cache to be quick
            device = msgspec.structs.replace(device, state={**device.state, "code": fitness.translated(needs, device)})
        return fingerprint(job, device, launch, self._context.data_of(job), self._origin, own, packages)
