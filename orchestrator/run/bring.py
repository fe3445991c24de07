"""What a run has beside the catalog: files and environments of one's own, from the command line or on record."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from orchestrator.errors import UserError
from orchestrator.files import is_python
from orchestrator.model import Plan, Say, Stack
from orchestrator.plan.catalog import Catalog, load_catalog
from orchestrator.plan.config import everything
from orchestrator.plan.own import as_now, own_workloads
from orchestrator.plan.request import RunRequest
from orchestrator.stacks.found.find import found_stacks
from orchestrator.text import silent


def brought(request: RunRequest, say: Say = silent) -> tuple[RunRequest, Catalog]:
    """The catalog with what the request brings, and the request in which that stands by its name.

    A file is only read; an environment is started once, to look into it. Raises UserError for a file or an environment
    that is none, HostError for an environment that no job could run in.
    """
    catalog = load_catalog(request.root)
    config = request.config
    files = [workload for workload in config.workloads if is_python(workload)]
    own = own_workloads(files, [workload.name for workload in catalog.workloads])
    names = [workload for workload in config.workloads if not is_python(workload)]
    config = msgspec.structs.replace(config, workloads=[*names, *(workload.name for workload in own)])
    found = _found(request, catalog, say)
    if found:
        beside = [] if config.stacks == everything() else config.stacks
        config = msgspec.structs.replace(config, stacks=[*beside, *(stack.name for stack in found)])
    return msgspec.structs.replace(request, config=config), catalog.extended(own, found)


def _found(request: RunRequest, catalog: Catalog, say: Say) -> list[Stack]:
    """The environments that were there before. Raises UserError for options that cannot mean them, and see above."""
    config = request.config
    named = config.pythons or config.images
    if named and request.keras_spec:
        raise UserError("--keras-spec makes environments, and what is found is used as it is", "leave one of them out")
    return found_stacks(config, catalog, say)


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
