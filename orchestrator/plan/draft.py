"""From a configuration and a host to a plan: decides what the configuration leaves open and makes the jobs."""

from __future__ import annotations

import datetime
import secrets

import msgspec

from orchestrator.errors import HostError
from orchestrator.host.probe import default_threads, probe_host
from orchestrator.model import DeviceKind, Host, Plan, Skip, Stack
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.config import Config, parse_duration
from orchestrator.plan.jobs import PlanInput, make_jobs, split_excluded
from orchestrator.stacks.provisioner import Trouble


def decide(config: Config, host: Host) -> PlanInput:
    """Fills in what the configuration leaves to the host. Raises HostError where the host cannot serve it."""
    device: DeviceKind = "gpu" if config.device == "gpu" or (config.device == "auto" and host.gpus) else "cpu"
    if device == "gpu" and not host.gpus:
        raise HostError(
            f"this configuration runs on a GPU, and this host has none that can be used ({host.no_gpu}). "
            "Nothing was started. The same stacks and workloads run here on the CPU, on less data.",
            "add `--device cpu --scale quick` to the command",
        )
    return PlanInput(
        stacks=config.stacks,
        backends=config.backends,
        workloads=config.workloads,
        variants=list(config.variants),
        exclude=config.exclude,
        device=device,
        scale=config.scale or ("article" if device == "gpu" else "quick"),
        repeats=config.repeats,
        epochs=config.epochs,
        timeout_s=parse_duration(config.timeout) if config.timeout else None,
        seed=config.seed,
        threads=config.threads
        or default_threads(len(host.cores), len(host.gpus) if device == "gpu" else config.parallel),
    )


def check_names(config: Config, catalog: Catalog) -> None:
    """Raises UserError for a name that does not exist, before anything is asked of an engine."""
    make_plan(config, catalog, probe_host())


def make_plan(config: Config, catalog: Catalog, host: Host) -> Plan:
    """The jobs of a run, before anything was made ready for them. No side effects."""
    jobs = make_jobs(decide(config, host), catalog.stacks, catalog.workloads)
    kept, skipped = split_excluded(jobs, config.exclude)
    now = datetime.datetime.now(datetime.timezone.utc)
    return Plan(
        run_id=new_run_id(now),
        created=now.isoformat(timespec="seconds"),
        config=msgspec.to_builtins(config),
        seed=config.seed,
        jobs=kept,
        skipped=skipped,
    )


def chosen_stacks(draft: Plan, catalog: Catalog) -> list[Stack]:
    names = {job.stack for job in draft.jobs}
    return [stack for stack in catalog.stacks if stack.name in names]


def no_gpu_for(unfit: dict[tuple[str, str], str]) -> dict[str, Trouble]:
    """The (stack, backend) pairs that no GPU of this host can run, as troubles."""
    return {f"{stack}/{backend}": Trouble(status="unsupported", reason=why) for (stack, backend), why in unfit.items()}


def drop_unready(draft: Plan, troubles: dict[str, Trouble]) -> Plan:
    """Jobs whose image or data is missing become rows at once, with the reason."""
    jobs, skipped = [], list(draft.skipped)
    for job in draft.jobs:
        trouble = troubles.get(job.stack) or troubles.get(f"{job.stack}/{job.backend}") or troubles.get(job.dataset)
        if trouble is None:
            jobs.append(job)
        else:
            skipped.append(Skip(job=job, status=trouble.status, reason=trouble.reason))  # type: ignore[arg-type]
    return msgspec.structs.replace(draft, jobs=jobs, skipped=skipped)


def new_run_id(now: datetime.datetime) -> str:
    """Sortable, unique on any host, fit for folder and container names."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
