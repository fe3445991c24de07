"""Looks into an image that was found: its interpreter runs the probe in a container that is confined as jobs are."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from orchestrator.errors import HostError
from orchestrator.files import cache_folder
from orchestrator.launchers import job_user, runtimes, sweep
from orchestrator.launchers.container import BESIDE, Image, confined
from orchestrator.launchers.job_user import JobUser
from orchestrator.launchers.launcher import RunContext
from orchestrator.launchers.runtimes import Runtime
from orchestrator.launchers.spec import ContainerSpec
from orchestrator.launchers.sweep import LABEL
from orchestrator.launchers.trial import start
from orchestrator.launchers.trial.judge import Ran
from orchestrator.model import Device, Found
from orchestrator.stacks import runtime_images
from orchestrator.stacks.found import probe
from orchestrator.stacks.found.probe import Seen
from orchestrator.stacks.images import engine
from orchestrator.text import one_line

#: What an interpreter may be called in an image, the likeliest first.
PROGRAMS = ("python3", "python")
#: Of the container of a probe: memory, MiB, and the most cores.
MEMORY_MB, CORES = 8192, 4

Try = Callable[[ContainerSpec], Ran]


def look(name: str, launcher: str, beside: str = "", env: Mapping[str, str] | None = None) -> tuple[Found, Seen]:
    """An image of an engine, or of another container runtime, and what it tells. It is not pulled.

    `beside`: a folder of packages that it gets, and `env` the variables that it has of its own.

    Raises HostError where it is not there, or has no Python that a job could start.
    """
    if launcher in ("auto", "docker"):
        image, user, run = _on_engine(name)
    else:
        image, user, run = _with_runtime(name, runtimes.adapted(runtimes.load(launcher), root=os.getuid() == 0))
    return _look(name, msgspec.structs.replace(image, beside=beside), user, run, env or {})


def _look(name: str, image: Image, user: JobUser | None, run: Try, env: Mapping[str, str]) -> tuple[Found, Seen]:
    said: list[str] = []
    for program in PROGRAMS:
        ran = run(_container(msgspec.structs.replace(image, program=program), user, env))
        output = ran.output.decode("utf-8", "replace").splitlines()
        if probe.answered(output):
            seen = probe.read(output, name)
            digest = image.digest.removeprefix("sha256:")
            return Found(kind="image", place=name, sha256=digest, packages=sorted(seen.packages), program=program), seen
        last = next((line for line in reversed(output) if line.strip()), "nothing was said")
        said.append(f"{program}: {one_line(ran.refusal or last, 200)}")
    raise HostError(f"no Python in {name} answers ({'; '.join(said)})", "jobs need one that every user may start")


def _container(image: Image, user: JobUser | None, env: Mapping[str, str]) -> ContainerSpec:
    context = RunContext(
        run_id=f"found-{secrets.token_hex(4)}",
        owner=sweep.owner(),
        workloads_dir="",
        stacks={},
        data={},
        memory_mb=MEMORY_MB,
        user=user,
    )
    device = Device(kind="cpu", name="cpu", cores=sorted(os.sched_getaffinity(0))[:CORES])
    spec = confined(context, image, device)
    return msgspec.structs.replace(
        spec,
        image=image.file or image.digest,
        labels={**spec.labels, LABEL: "trial"},
        environment={**spec.environment, **image.paths(env), "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"},
        binds=[(image.beside, BESIDE, "ro")] if image.beside else [],
        **image.command(probe.argv("", "all")[1:]),
    )


def _on_engine(name: str) -> tuple[Image, JobUser | None, Try]:
    client = engine.connect()
    info = engine.inspect(client, name)
    if info is None:
        raise HostError(f"the engine has no image {name}", f"`docker pull {name}` fetches it")
    user = job_user.on_engine(client.info(), os.getuid(), os.getgid())
    return Image(name=name, digest=info.id), user, _tried(client)


def _tried(client: Any) -> Try:
    return lambda spec: start.on_engine(client, spec, probe.ALL_S)


def _with_runtime(name: str, runtime: Runtime) -> tuple[Image, JobUser | None, Try]:
    runtimes.check_usable(runtime)
    there = runtime_images.find(runtime, name, cache_folder() / "images" / runtime.name)
    if there is None:
        raise HostError(f"{runtime.name} has no image {name}", f"fetch it with {runtime.name} itself")
    image = Image(name=name, digest=there.info.id, file=there.file)
    return image, None, lambda spec: start.by_command(runtime, spec, probe.ALL_S)
