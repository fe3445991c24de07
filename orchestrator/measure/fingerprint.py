"""Says what a job was run with: image, data, host, device, command, and the commit of the code."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from orchestrator import __version__
from orchestrator.model import DataFile, Device, Fingerprint, Host, Job, Launch


def fingerprint(
    job: Job,
    device: Device,
    launch: Launch,
    *,
    host: Host,
    files: dict[str, DataFile],
    scripts: str,
    commit: str | None,
    gpu_route: str | None = None,
    cluster: str | None = None,
) -> Fingerprint:
    """What makes the result of `job` comparable to others. `scripts` is the SHA-256 of the workload scripts."""
    gpu = device if device.kind == "gpu" else None
    return Fingerprint(
        launcher=launch.launcher,
        image=launch.image,
        image_digest=launch.image_digest,
        dockerfile_sha256=launch.dockerfile_sha256,
        keras_spec=launch.keras_spec,
        workloads_sha256=scripts,
        data_sha256=files[job.dataset].sha256,
        data_kind=files[job.dataset].kind,
        host=host.name,
        cluster=cluster,
        cpu=host.cpu,
        cores=len(host.cores),
        memory_mb=host.memory_mb,
        os=host.os,
        threads=job.threads,
        pinned_cores=device.cores,
        gpu_name=gpu.name if gpu else None,
        gpu_uuid=gpu.uuid if gpu else None,
        driver=gpu.driver if gpu else None,
        compute_capability=gpu.compute_capability if gpu else None,
        gpu_route=gpu_route if gpu else None,
        gpu_busy=gpu.busy or None if gpu else None,
        orchestrator=__version__,
        commit=commit,
        command=launch.command,
        unconfined=launch.unconfined,
    )


def git_commit(root: Path) -> str | None:
    """The commit of the checkout at `root`, with "+changes" when files differ from it; None outside a checkout."""
    if not (root / ".git").exists():
        return None

    def git(*argv: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *argv],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "LC_ALL": "C"},
        ).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None
