"""Describes the hardened container of one job; the same for every launcher that uses containers."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from orchestrator.launchers.launcher import RunContext
from orchestrator.launchers.spec import ContainerSpec
from orchestrator.launchers.sweep import LABEL
from orchestrator.launchers.workload import job_environment, script_arguments
from orchestrator.model import Device, Job, Launch, Noun

#: User and group of the jobs of root: the conventional nobody.
NOBODY = (65534, 65534)


class Image(Noun, frozen=True, kw_only=True):
    """The image of one stack as it is on the engine (or with the runtime) now."""

    name: str
    digest: str
    dockerfile_sha256: str | None = None
    #: Where it lies, for runtimes whose images are files.
    file: str | None = None

    def launch(self, launcher: str, command: list[str], unconfined: list[str]) -> Launch:
        """What is started for a job in this image."""
        return Launch(
            launcher=launcher,
            command=command,
            image=self.name,
            image_digest=self.digest,
            dockerfile_sha256=self.dockerfile_sha256,
            unconfined=unconfined,
        )


def job_user(uid: int, gid: int) -> tuple[int, int]:
    """User and group that a job runs as: the caller's own, but never root."""
    return NOBODY if uid == 0 else (uid, gid)


def cache_name(stack: str, cache: str) -> str:
    """The name of the volume that keeps what a stack compiles."""
    return f"{LABEL}-{stack}-{cache}"


def container_spec(
    context: RunContext, images: Mapping[str, Image], job: Job, device: Device, out: Path
) -> ContainerSpec:
    """The container of one job; `out` is the one folder that it may write."""
    stack, data = context.stacks[job.stack], context.data[job.dataset]
    inside = f"/data/{data.name}"
    caches = [(cache_name(stack.name, c.name), c.path, "rw") for c in stack.caches_for(job.device)]
    attempt = context.attempts.get(job.id, 1)
    environment = {**job_environment(job, stack.backend(job.backend)), "HOME": "/tmp"}
    if caches:
        environment["KERAS_ORCHESTRATE_CACHES"] = os.pathsep.join(inside for _, inside, _ in caches)
    return ContainerSpec(
        name=f"{LABEL}-{context.run_id}-{job.id}",
        image=images[job.stack].digest,
        command=["python", *script_arguments(job, data, "/workloads/run.py", inside, "/out", attempt)],
        environment=environment,
        binds=[
            (context.workloads_dir, "/workloads", "ro"),
            (data.path, inside, "ro"),
            (str(out.absolute()), "/out", "rw"),
            *caches,
        ],
        labels={LABEL: "job", f"{LABEL}.run": context.run_id, f"{LABEL}.owner": context.owner},
        user="{}:{}".format(*job_user(os.getuid(), os.getgid())),
        cores=device.cores,
        memory_mb=context.memory_mb,
        gpu_uuid=device.uuid,
        gpu_route=context.gpu_route,
        gpu_minor=device.minor,
        driver=device.driver,
        weakened=context.weakened,
    )


@contextlib.contextmanager
def owned_by_job(out: Path) -> Iterator[None]:
    """Gives `out` to the job's user, and back to the caller when the job has ended."""
    uid, gid = os.getuid(), os.getgid()
    if job_user(uid, gid) != (uid, gid):
        os.chown(out, *job_user(uid, gid), follow_symlinks=False)
    try:
        yield
    finally:
        if job_user(uid, gid) != (uid, gid):
            os.chown(out, uid, gid, follow_symlinks=False)
