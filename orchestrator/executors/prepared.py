"""What an executor has made ready for the jobs of a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchestrator.data.declared import load_datasets
from orchestrator.data.find import resolve
from orchestrator.errors import OrchestrateError
from orchestrator.host.probe import RESERVE_MB
from orchestrator.launchers import sweep
from orchestrator.launchers.gpu_routes import RouteName
from orchestrator.launchers.launcher import RunContext
from orchestrator.model import DataFile, Device, Host, Job, Noun, Plan, Say
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.config import Config, parse_memory
from orchestrator.stacks.provisioner import Trouble


class Prepared(Noun, frozen=True, kw_only=True):
    """A plan and everything its jobs need on this host."""

    plan: Plan
    launcher: Any
    slots: list[Device]
    host: Host
    #: What is run of the plan; all of its jobs unless the run is resumed.
    pending: list[Job]
    #: By job id, where it is not the first.
    attempts: dict[str, int] = {}
    #: How containers get their GPU, in words for the record.
    gpu_route: str | None = None
    allow_busy: bool = False
    #: Runs the jobs elsewhere instead of on this host's `slots` (cluster_desk.Away).
    away: Any = None


def context_of(
    config: Config,
    catalog: Catalog,
    run_id: str,
    files: dict[str, DataFile],
    memory_mb: int,
    route: RouteName,
    attempts: dict[str, int] | None = None,
) -> RunContext:
    """What a launcher is made from. `memory_mb` is the limit of one job where the configuration names none."""
    return RunContext(
        run_id=run_id,
        owner=sweep.owner(),
        workloads_dir=str(catalog.workloads_dir),
        stacks={stack.name: stack for stack in catalog.stacks},
        data=files,
        memory_mb=parse_memory(config.memory) if config.memory else memory_mb,
        gpu_route=route,
        attempts=attempts or {},
        weakened=config.weaken,
    )


def equal_share_mb(host: Host, slots: list[Device]) -> int:
    """Each device's equal share of the host's memory, MiB."""
    return max(1024, (host.memory_mb - RESERVE_MB) // len(slots))


def ready_data(
    draft: Plan, data_dir: Path | None, fetch: bool, say: Say
) -> tuple[dict[str, DataFile], dict[str, Trouble]]:
    """Data files by data set, and for each data set that is unusable the reason."""
    found: dict[str, DataFile] = {}
    troubles: dict[str, Trouble] = {}
    datasets = load_datasets()
    for name in sorted({job.dataset for job in draft.jobs}):
        try:
            found |= resolve(datasets, [name], data_dir, allow_fetch=fetch, allow_synthetic=True, say=say)
        except OrchestrateError as error:
            say(f"data set {name}: {error.message}")
            troubles[name] = Trouble(status="failed", reason=f"data: {error.message}")
    return found, troubles
