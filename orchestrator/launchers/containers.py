"""What every launcher of containers shares: the images and data of a run, and the container of one job."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from orchestrator.gpu_routes import RouteName
from orchestrator.launchers.arguments import job_environment, script_arguments
from orchestrator.launchers.leftovers import LABEL
from orchestrator.launchers.spec import ContainerSpec
from orchestrator.model import DataFile, Device, Job, Noun, Stack
from orchestrator.runtimes import Weakenable

#: Whoever the caller is, jobs are not root: this one is the conventional nobody.
NOBODY = (65534, 65534)


class Image(Noun, frozen=True, kw_only=True):
    """The image of one stack as it is on the engine (or with the runtime) now."""

    name: str
    digest: str
    dockerfile_sha256: str | None = None
    #: Where it lies, for runtimes whose images are files.
    file: str | None = None


class Suite(Noun, frozen=True, kw_only=True):
    """What the jobs of one run share."""

    run_id: str
    owner: str
    workloads_dir: str
    stacks: dict[str, Stack]
    images: dict[str, Image]
    data: dict[str, DataFile]
    memory_mb: int
    gpu_route: RouteName = "devices"
    #: By job id, for jobs that are not run for the first time.
    attempts: dict[str, int] = {}
    #: Points of the confinement that the user has given up.
    weakened: list[Weakenable] = []


def job_user(uid: int, gid: int) -> tuple[int, int]:
    """The identity a job runs under: the caller's own, but never root's."""
    return NOBODY if uid == 0 else (uid, gid)


def cache_name(stack: str, cache: str) -> str:
    """The volume that keeps what a stack compiles."""
    return f"{LABEL}-{stack}-{cache}"


def container_spec(suite: Suite, job: Job, device: Device, out: Path) -> ContainerSpec:
    """The hardened container of one job."""
    stack, data = suite.stacks[job.stack], suite.data[job.dataset]
    inside = f"/data/{data.name}"
    caches = [(cache_name(stack.name, c.name), c.path, "rw") for c in stack.caches_for(job.device)]
    attempt = suite.attempts.get(job.id, 1)
    environment = {**job_environment(job, stack.backend(job.backend)), "HOME": "/tmp"}
    if caches:
        environment["KERAS_ORCHESTRATE_CACHES"] = os.pathsep.join(inside for _, inside, _ in caches)
    return ContainerSpec(
        name=f"{LABEL}-{suite.run_id}-{job.id}",
        image=suite.images[job.stack].digest,
        command=["python", *script_arguments(job, data, "/workloads/run.py", inside, "/out", attempt)],
        environment=environment,
        binds=[
            (suite.workloads_dir, "/workloads", "ro"),
            (data.path, inside, "ro"),
            (str(out.absolute()), "/out", "rw"),
            *caches,
        ],
        labels={LABEL: "job", f"{LABEL}.run": suite.run_id, f"{LABEL}.owner": suite.owner},
        user="{}:{}".format(*job_user(os.getuid(), os.getgid())),
        cores=device.cores,
        memory_mb=suite.memory_mb,
        gpu_uuid=device.uuid,
        gpu_route=suite.gpu_route,
        gpu_minor=device.minor,
        driver=device.driver,
        weakened=suite.weakened,
    )


@contextlib.contextmanager
def owned_by_job(out: Path) -> Iterator[None]:
    """Lets the job's identity write to `out`, and only for as long as the job runs."""
    uid, gid = os.getuid(), os.getgid()
    if job_user(uid, gid) != (uid, gid):
        os.chown(out, *job_user(uid, gid), follow_symlinks=False)
    try:
        yield
    finally:
        if job_user(uid, gid) != (uid, gid):
            os.chown(out, uid, gid, follow_symlinks=False)
