"""What all jobs of one run share, whatever starts them: what a site makes a launcher from."""

from __future__ import annotations

from orchestrator.catalog import Catalog
from orchestrator.gpu_routes import RouteName
from orchestrator.launchers import leftovers
from orchestrator.launchers.containers import Image, Suite
from orchestrator.model import DataFile, Noun
from orchestrator.runtimes import Weakenable


class Order(Noun, frozen=True, kw_only=True):
    """`attempts`: by job id, for jobs that are not run for the first time; `weakened`: points of the confinement of
    containers that the user has given up."""

    run_id: str
    data: dict[str, DataFile]
    memory_mb: int = 0
    gpu_route: RouteName = "devices"
    attempts: dict[str, int] = {}
    weakened: list[Weakenable] = []


def container_suite(order: Order, catalog: Catalog, images: dict[str, Image]) -> Suite:
    """The same for containers, with the images of the stacks by name."""
    return Suite(
        run_id=order.run_id,
        owner=leftovers.owner(),
        workloads_dir=str(catalog.workloads_dir),
        stacks={stack.name: stack for stack in catalog.stacks},
        images=images,
        data=order.data,
        memory_mb=order.memory_mb,
        gpu_route=order.gpu_route,
        attempts=order.attempts,
        weakened=[*order.weakened],
    )
