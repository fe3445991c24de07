"""Says what a job was run with: image, data, host, device, command, and the commit of the code."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import msgspec

from orchestrator import __version__
from orchestrator.host.words import WORDS
from orchestrator.model import DataFile, Device, Fingerprint, Host, Job, Launch, Noun, OwnFile
from orchestrator.text import printable

#: Seconds that git gets to compare files, on the slowest of file systems.
GIT_S = 60


class Origin(Noun, frozen=True, kw_only=True):
    """What every job of a run on this host is made with, for its fingerprint."""

    host: Host
    #: sha256 of the workload scripts, and the checkout's commit.
    scripts: str
    commit: str | None
    #: How a GPU reaches its job's container, in words; None or "" for a process.
    gpu_route: str | None = None
    #: The cluster whose node this host is.
    cluster: str | None = None


def fingerprint(
    job: Job,
    device: Device,
    launch: Launch,
    data: DataFile,
    origin: Origin,
    own: OwnFile | None = None,
    packages_sha256: str | None = None,
) -> Fingerprint:
    """What makes the result of `job`, which reads `data` or is a file of one's own, comparable to others.

    `packages_sha256`: of what a file of one's own has beside its stack.
    """
    host = origin.host
    gpu = device if device.kind == "gpu" else None
    return Fingerprint(
        **msgspec.structs.asdict(launch),
        packages_sha256=packages_sha256,
        workloads_sha256=scripts_sha256(origin.scripts, own),
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
        gpu_state=gpu.state if gpu else {},
        gpu_route=_route(origin, gpu) if gpu else None,
        gpu_busy=gpu.busy or None if gpu else None,
        gpu_trouble=None if gpu else host.gpu_trouble or None,
        orchestrator=__version__,
        commit=origin.commit,
    )


def _route(origin: Origin, gpu: Device) -> str:
    words = WORDS[gpu.maker]
    return (words.files or origin.gpu_route) if origin.gpu_route else words.route


def scripts_sha256(scripts: str, own: OwnFile | None) -> str:
    """Hash over all code that a job runs beside its stack: the workload scripts, and the file of one's own."""
    return hashlib.sha256(f"{scripts}\0{own.sha256}".encode()).hexdigest() if own else scripts


def git_commit(root: Path) -> str | None:
    """The commit of the checkout at `root`, with "+changes" when files differ from it; None outside a checkout.

    Where git does not tell, the answer is a word why not. The commit is read from this checkout whatever repository the
    caller's variables mean, and whoever owns it; git compares files only for an owner that it trusts.
    """
    repository = root / ".git"
    if not repository.exists():
        return None
    try:
        commit = _git(f"--git-dir={repository}", "rev-parse", "--verify", "HEAD^{commit}")
    except GitFailed as failed:
        return f"unknown: {failed}"
    try:
        return commit + ("+changes" if _git("-C", str(root), "status", "--porcelain") else "")
    except GitFailed as failed:
        return f"{commit}, changes unknown: {failed}"


class GitFailed(Exception):
    """Why git gave no answer, on one line."""


def _git(*argv: str) -> str:
    """What git says. Raises GitFailed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    setup = {name: value for name, value in os.environ.items() if name.startswith("GIT_CONFIG_")}
    environment = {**kept, **setup, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}  # nothing is written to the checkout
    try:
        answer = subprocess.run(["git", *argv], capture_output=True, env=environment, check=False, timeout=GIT_S)
    except OSError as error:
        raise GitFailed(f"git does not start: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise GitFailed(f"git gave no answer in {GIT_S} s") from error
    if answer.returncode:
        first = answer.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise GitFailed(printable(first.removeprefix("fatal: "), 200) or f"git exited with {answer.returncode}")
    return answer.stdout.decode("utf-8", "replace").strip()
