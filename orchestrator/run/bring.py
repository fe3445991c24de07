"""What a run has beside the catalog: files and environments of one's own, from the command line or on record."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from orchestrator.files import is_python
from orchestrator.model import Plan
from orchestrator.plan.catalog import Catalog, load_catalog
from orchestrator.plan.own import as_now, own_workloads
from orchestrator.plan.request import RunRequest


def brought(request: RunRequest) -> tuple[RunRequest, Catalog]:
    """The catalog with what the request brings, and the request in which that stands by its name.

    Nothing that is brought is run. Raises UserError for a file that is none.
    """
    catalog = load_catalog(request.root)
    config = request.config
    files = [workload for workload in config.workloads if is_python(workload)]
    own = own_workloads(files, [workload.name for workload in catalog.workloads])
    names = [workload for workload in config.workloads if not is_python(workload)]
    config = msgspec.structs.replace(config, workloads=[*names, *(workload.name for workload in own)])
    return msgspec.structs.replace(request, config=config), catalog.extended(own, [])


def reopened(plan: Plan) -> Plan:
    """A recorded plan whose files of one's own are as they are now: what changed since is told as other changes are.

    Raises UserError for a file that is gone.
    """
    return msgspec.structs.replace(plan, workloads=[as_now(workload) for workload in plan.workloads])


def recorded(catalog: Catalog, plans: Iterable[Plan]) -> Catalog:
    """The catalog with what the plans of recorded runs had beside it."""
    for plan in plans:
        catalog = catalog.extended(plan.workloads, plan.stacks)
    return catalog
