"""Says what a job was run with: image, data, host, device, command, and the commit of the code."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import msgspec

from orchestrator import __version__
from orchestrator.model import DataFile, Device, Fingerprint, Host, Job, Launch, Noun


class Origin(Noun, frozen=True, kw_only=True):
    """What every job of a run on this host is made with, for its fingerprint."""

    host: Host
    #: sha256 of the workload scripts, and the checkout's commit.
    scripts: str
    commit: str | None
    #: How a GPU reaches its job, in words.
    gpu_route: str | None = None
    #: The cluster whose node this host is.
    cluster: str | None = None


def fingerprint(job: Job, device: Device, launch: Launch, data: DataFile, origin: Origin) -> Fingerprint:
    """What makes the result of `job`, which reads `data`, comparable to others."""
    host = origin.host
    gpu = device if device.kind == "gpu" else None
    return Fingerprint(
        **msgspec.structs.asdict(launch),
        workloads_sha256=origin.scripts,
        data_sha256=data.sha256,
        data_kind=data.kind,
        host=host.name,
        cluster=origin.cluster,
        cpu=host.cpu,
        cores=len(host.cores),
        memory_mb=host.memory_mb,
        os=host.os,
        machine=host.machine,
        virtualization=host.virtualization,
        # An engine's containers are no children of this process; what binds them is read while they run.
        cpu_quota=None if launch.launcher == "docker" else host.cpu_quota,
        threads=job.threads,
        # An engine without control groups runs a job on any core.
        pinned_cores=[] if any(point.startswith("cores:") for point in launch.unconfined) else device.cores,
        gpu_name=gpu.name if gpu else None,
        gpu_uuid=gpu.uuid if gpu else None,
        driver=gpu.driver if gpu else None,
        compute_capability=gpu.compute_capability if gpu else None,
        gpu_route=origin.gpu_route if gpu else None,
        gpu_busy=gpu.busy or None if gpu else None,
        gpu_trouble=None if gpu else host.gpu_trouble or None,
        orchestrator=__version__,
        commit=origin.commit,
    )


def git_commit(root: Path) -> str | None:
    """The commit of the checkout at `root`, with "+changes" when files differ from it; None outside a checkout."""
    if not (root / ".git").exists():
        return None

    def git(*argv: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *argv],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=True,
            env={**os.environ, "LC_ALL": "C"},
        ).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None
