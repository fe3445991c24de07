"""How a node comes by the image of a job: it is there, or is loaded, built or pulled, by one job at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from orchestrator import __version__
from orchestrator.errors import HostError
from orchestrator.executors.local import preflight
from orchestrator.executors.slurm.attempts import Spec
from orchestrator.host.docker_sdk import docker_sdk, explanation
from orchestrator.host.leases import Leases, lock_folder
from orchestrator.model import DeviceKind, Host, Say, Stack, image_name
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.config import Config
from orchestrator.plan.request import Request
from orchestrator.stacks.choose import choose_provisioner
from orchestrator.stacks.images import archive as image_archive
from orchestrator.stacks.images.engine import Engine, connect, inspect
from orchestrator.stacks.provisioner import Provisioner


def provisioner(spec: Spec, catalog: Catalog, engine: Engine, stopping: Callable[[], bool], say: Say) -> Provisioner:
    """The provisioner of this node, with the job's image in its place, fetched by one job at a time.

    Raises HostError where the image cannot be had.
    """
    building = spec.images.by == "build"
    making = building or (spec.launcher == "process" and spec.may_build)  # each node makes its own environments
    request = Request(out=Path(), may_build=making, keras_spec=spec.keras_spec)
    chosen = choose_provisioner(spec.launcher, request, catalog, engine, say)
    if chosen.name != "docker" or spec.images.by == "present" or spec.stack:
        return chosen
    client, name = engine.client(), image_name(spec.job.stack, spec.device, __version__)
    mine = Leases(lock_folder(), f"run {spec.ticket.run_id}")
    with mine.hold(f"image-{name}", stopping, lambda who: say(f"{name} is being fetched by {who}: waiting")):
        if building:
            chosen.prepare([catalog.stack(spec.job.stack)], spec.device)  # again below, when it is up to date
        elif spec.images.by == "archive":
            load(client, name, spec, say)
        else:
            pull(client, name, spec, say)
    return chosen


def there(launcher: str, stacks: Sequence[Stack], device: DeviceKind) -> dict[str, str]:
    """The ids of the images that this node's engine has, by stack; none where no engine answers."""
    if launcher != "docker":
        return {}
    try:
        client = connect()
        found = {stack.name: inspect(client, stack.image(device, __version__)) for stack in stacks}
    except HostError:
        return {}
    return {stack: info.id for stack, info in found.items() if info is not None}


def load(client: Any, name: str, spec: Spec, say: Say) -> None:
    """From the archive on the shared file system, where the node has not that very image."""
    there, path = inspect(client, name), Path(str(spec.images.archive))
    if there is not None and there.id == spec.archived:
        return
    say(f"loading {name} from {path}")
    with image_archive.unchanging(path) as still:
        index = image_archive.contents(still, lambda done, total: None)
        held = {image.name: image.info.id for image in index.images}
        if name not in held:
            raise HostError(f"{path} holds no {name}", "`orchestrate images save` writes one that does")
        if held[name] != spec.archived:
            raise HostError(f"{path} holds another {name} than when the job was handed in", "start a new run")
        image_archive.load(client, still, index, lambda done, total: None, force=True)


def pull(client: Any, name: str, spec: Spec, say: Say) -> None:
    """From the registry, under the name that the stacks have here."""
    remote, tag = f"{spec.images.registry}/{name}".rsplit(":", 1)
    say(f"pulling {remote}:{tag}")
    try:
        client.images.pull(remote, tag=tag).tag(*name.rsplit(":", 1))
    except docker_sdk().errors.DockerException as error:
        raise HostError(f"cannot pull {remote}:{tag}: {explanation(error)}") from error


def gpu_route(spec: Spec, engine: Engine, host: Host) -> preflight.Cleared | None:
    """How the job gets its GPU on this node; None for a job that has none."""
    if spec.device == "cpu":
        return None
    route = preflight.route_of(Config(gpu_route=spec.gpu_route), spec.launcher, engine, host)  # type: ignore[arg-type]
    return preflight.Cleared(route=route)
