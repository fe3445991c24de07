"""The checks before a local run starts: what cannot run here, and how a GPU reaches its job."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from orchestrator.errors import HostError, UserError
from orchestrator.executors.local.examine import chosen, engine_route, gather, runtime_route
from orchestrator.host import checks, fitness
from orchestrator.launchers import gpu_routes, runtimes
from orchestrator.launchers.runtimes import BASIC
from orchestrator.model import Host, Noun, Plan, Say
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.config import Config
from orchestrator.stacks.images.engine import Engine
from orchestrator.text import room


class Cleared(Noun, frozen=True, kw_only=True):
    """What a run may go on with: the reasons for (stack, backend) pairs that cannot work, and the GPU's route."""

    unfit: dict[tuple[str, str], str] = {}
    route: gpu_routes.Route | None = None

    @property
    def route_name(self) -> gpu_routes.RouteName:
        return self.route.name if self.route else "devices"

    @property
    def cdi(self) -> dict[str, str]:
        """What CDI calls the GPUs, by UUID, where it is known."""
        return self.route.cdi if self.route else {}

    @property
    def route_words(self) -> str:
        """For the record; "" for a process, which needs no route but a variable of its GPU's maker."""
        return str(self.route) if self.route else ""


def before_run(
    config: Config, catalog: Catalog, plan: Plan, host: Host, launcher: str, out: Path, engine: Engine, say: Say
) -> Cleared:
    """The first step of a run: says what is not as it should be, and what cannot run here.

    Raises HostError where nothing of the plan can.
    """
    fixed = msgspec.structs.replace(config, launcher=launcher)
    stacks, _ = chosen(fixed, catalog)
    gpu = bool(plan.jobs) and plan.jobs[0].device == "gpu"
    facts = gather(msgspec.structs.replace(fixed, device="gpu" if gpu else "cpu"), host, stacks, out, engine)
    for check in checks.all_checks(facts, stacks, catalog.stacks):
        if check.level != "ok" and not check.what.startswith("image of "):  # those are built next
            say(checks.check_text(check))
    full = next((disk for disk in facts.disks if disk.free_mb < 1), None)
    if full:
        raise HostError(
            f"the disk at {full.path} is full ({room(full.free_mb)} free)", "free space, or name another place"
        )
    if host.gpu_choice and not host.gpu_trouble:
        say(host.gpu_choice)
    if not gpu:
        return Cleared()
    for text in fitness.placement(stacks, host.gpus):
        say(f"on {text}")
    reasons = fitness.unsupported(stacks, host.gpus)
    if all((job.stack, job.backend) in reasons for job in plan.jobs):
        why = "; ".join(f"{stack} ({backend}): {reason}" for (stack, backend), reason in reasons.items())
        able = fitness.instead(catalog.stacks, host.gpus)
        raise HostError(f"nothing of this configuration can run here. {why}", able)
    if facts.route_trouble and launcher == "docker":
        raise HostError(facts.route_trouble, facts.route_mend)
    return Cleared(unfit=reasons, route=route_of(config, launcher, engine, host))


def refuse_unmountable(launcher: str, paths: Iterable[Path]) -> None:
    """Raises UserError for a path that a runtime's command line would take for several: they are joined by `:` and `,`.

    The engine is given mounts as data, and takes any name.
    """
    if launcher in BASIC:
        return
    for path in map(str, paths):
        if set(path) & set(":,"):
            raise UserError(f"{launcher} cannot mount {path}: there is a colon or a comma in it", "use another folder")


def route_of(config: Config, launcher: str, engine: Engine, host: Host) -> gpu_routes.Route | None:
    if launcher not in BASIC:
        return runtime_route(runtimes.load(launcher), config.gpu_route, host)
    if launcher != "docker":
        return None
    return engine_route(engine.client(), config.gpu_route, host)
