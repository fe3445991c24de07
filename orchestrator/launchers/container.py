"""Describes the hardened container of one job; the same for every launcher that uses containers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.host import makers
from orchestrator.launchers import job_user
from orchestrator.launchers.caches import cache_name
from orchestrator.launchers.job_user import JobUser
from orchestrator.launchers.launcher import RunContext
from orchestrator.launchers.spec import ContainerSpec
from orchestrator.launchers.sweep import LABEL
from orchestrator.launchers.workload import KERAS_DATASETS, PACKAGES, Places, job_environment, script_arguments
from orchestrator.model import MODELS, Device, Job, Launch, Noun

#: Where a container sees what Keras has downloaded before.
INSIDE_KERAS = "/data/.keras-datasets"
#: Where it sees the packages that a file of one's own has beside those of the image.
INSIDE_PACKAGES = "/packages"


#: Where it sees the packages that were put beside those of an image that was found.
BESIDE = "/beside"


class Image(Noun, frozen=True, kw_only=True):
    """The image of one stack as it is on the engine (or with the runtime) now."""

    name: str
    digest: str
    dockerfile_sha256: str | None = None
    #: Where it lies, for runtimes whose images are files.
    file: str | None = None
    #: The interpreter that takes the place of the entry point; None for our own images, which have none.
    program: str | None = None
    #: A folder of packages that it gets beside its own, and the hash of their lock.
    beside: str = ""
    beside_sha256: str = ""

    def paths(self, env: Mapping[str, str]) -> dict[str, str]:
        """`env` with that folder in front of all that Python finds."""
        path = os.pathsep.join(filter(None, [BESIDE, env.get("PYTHONPATH", "")]))
        return {**env, "PYTHONPATH": path} if self.beside else dict(env)

    def command(self, arguments: list[str]) -> dict[str, Any]:
        """The fields of a container that runs Python with these arguments."""
        if self.program is None:
            return {"command": ["python", *arguments]}
        return {"entrypoint": self.program, "command": arguments}

    def launch(self, launcher: str, command: list[str], unconfined: list[str]) -> Launch:
        """What is started for a job in this image."""
        return Launch(
            launcher=launcher,
            command=command,
            image=self.name,
            image_digest=f"{self.digest}+with:sha256:{self.beside_sha256}" if self.beside else self.digest,
            dockerfile_sha256=self.dockerfile_sha256,
            unconfined=unconfined,
        )


def user_of(context: RunContext) -> JobUser:
    """Who the jobs of a run are: what the engine asks for, else the caller."""
    return context.user or job_user.plain(os.getuid(), os.getgid())


def caches_of(context: RunContext, image: Image, job: Job) -> dict[str, str]:
    """The caches of a job, which are the caller's own: the volume's name, by the path inside."""
    stack = context.stacks[job.stack]
    content = (image.digest, context.workloads_sha256)
    return {c.path: cache_name(stack.name, c.name, os.getuid(), *content) for c in stack.caches_for(job.device)}


def container_spec(
    context: RunContext, images: Mapping[str, Image], job: Job, device: Device, out: Path
) -> ContainerSpec:
    """The container of one job; `out` is the one folder that it may write."""
    stack, own = context.stacks[job.stack], context.own.get(job.workload)
    files, places = _seen(context, job)
    if images[job.stack].beside:
        files[BESIDE] = images[job.stack].beside
    caches = caches_of(context, images[job.stack], job)
    environment = {**job_environment(job, stack.backend(job.backend)), "HOME": "/tmp"}
    if stack.found:  # which has not what our images have in them
        environment = {**stack.images[job.device].env, **environment, **images[job.stack].paths(stack.found.env)}
    if caches:
        environment["KERAS_ORCHESTRATE_CACHES"] = os.pathsep.join(caches)
    if own and context.keras_datasets:
        environment[KERAS_DATASETS] = INSIDE_KERAS
    if INSIDE_PACKAGES in files:
        environment[PACKAGES] = INSIDE_PACKAGES
    container = confined(context, images[job.stack], device)
    return msgspec.structs.replace(
        container,
        name=f"{LABEL}-{context.run_id}-{job.id}",
        **images[job.stack].command(script_arguments(job, context, places)),
        environment=environment,
        binds=[
            (context.workloads_dir, "/workloads", "ro"),
            *((here, inside, "ro") for inside, here in files.items()),
            (str(out.absolute()), "/out", "rw"),
            *((volume, path, "rw") for path, volume in caches.items()),
        ],
        weakened=sorted({*container.weakened, "network"}) if own and context.network else container.weakened,
    )


def _seen(context: RunContext, job: Job) -> tuple[dict[str, str], Places]:
    """What a job's container shows beside the scripts, by the path inside; and how the job is told of it."""
    own = context.own.get(job.workload)
    if own is None:
        data = context.data_of(job)
        inside = f"/data/{data.name}"
        return {inside: data.path}, Places(scripts="/workloads", out="/out", data=inside)
    script = Path(own.path)
    more = {name: f"/data/{name}" for name in context.more_data}
    shown = {f"/own/{name}": str(script.parent / name) for name in own.alone} or {"/own": str(script.parent)}
    place, read = f"/own/{script.name}", ""
    if own.shipped:  # it lies with the scripts
        shown, place = {}, f"/workloads/{MODELS}/{script.name}"
    if job.dataset:
        read = f"/data/{context.data_of(job).name}"
        shown[read] = context.data_of(job).path
    files = {**shown, **{more[name]: path for name, path in context.more_data.items()}}
    if context.keras_datasets:
        files[INSIDE_KERAS] = context.keras_datasets
    laid = context.laid_for(job)
    if laid:
        files[INSIDE_PACKAGES] = laid.path
    return files, Places(scripts="/workloads", out="/out", data=read, own=place, more=more)


def confined(context: RunContext, image: Image, device: Device) -> ContainerSpec:
    """What every container of a run has in common, that of a trial too; nothing is bound, and nothing is run."""
    user = user_of(context)
    return ContainerSpec(
        name=f"{LABEL}-{context.run_id}",
        image=image.digest,
        command=[],
        environment={"HOME": "/tmp"},
        binds=[],
        labels={LABEL: "job", f"{LABEL}.run": context.run_id, f"{LABEL}.owner": context.owner},
        user=user.words,
        userns=user.userns,
        cores=device.cores,
        memory_mb=context.memory_mb,
        gpu_uuid=device.uuid,
        gpu_route=context.gpu_route,
        gpu_cdi=context.cdi.get(device.uuid or "") if context.gpu_route == "cdi" else None,
        gpu_minor=device.minor,
        gpu_files=makers.of(device.uuid).handed(device) if device.uuid else None,
        driver=device.driver,
        weakened=context.weakened,
    )
