"""From a configuration and a host to a plan: decides what the configuration leaves open and makes the jobs."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Mapping, Sequence

import msgspec

from orchestrator.errors import HostError
from orchestrator.host import fitness
from orchestrator.host.probe import default_threads, usable_cores
from orchestrator.model import DeviceKind, Host, Plan, Skip, Stack, Unavailable
from orchestrator.plan.axes import settled, split_unvaried
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.config import Config, parse_duration
from orchestrator.plan.jobs import PlanInput, make_jobs, select_backends, select_stacks, split_excluded, split_unable
from orchestrator.plan.request import RunRequest


def decide(config: Config, host: Host, stacks: Sequence[Stack] = ()) -> PlanInput:
    """Fills in what the configuration leaves to the host. Raises HostError where the host cannot serve it.

    `stacks`: those of the catalog; a GPU that none of the wanted ones can use takes no threads from the others.
    """
    device: DeviceKind = "gpu" if config.device == "gpu" or (config.device == "auto" and host.gpus) else "cpu"
    if device == "gpu" and not host.gpus:
        raise HostError(
            f"this configuration runs on a GPU, and this host has none that can be used ({host.no_gpu}). "
            "Nothing was started. The same stacks and workloads run here on the CPU, on less data.",
            "; or ".join(filter(None, [host.gpu_mend, "add `--device cpu --scale quick` to the command"])),
        )
    return PlanInput(
        stacks=config.stacks,
        backends=config.backends,
        workloads=config.workloads,
        variants=list(config.variants),
        exclude=config.exclude,
        device=device,
        mode=config.mode,
        predict_batch=config.predict_batch,
        scale=config.scale or ("article" if device == "gpu" else "quick"),
        repeats=config.repeats,
        epochs=config.epochs,
        steps=config.steps,
        arguments=config.arguments,
        vary=settled(config.vary),
        timeout_s=parse_duration(config.timeout) if config.timeout else None,
        seed=config.seed,
        deterministic=config.deterministic,
        threads=config.threads
        or default_threads(
            usable_cores(host), _gpus_used(config, host, stacks) if device == "gpu" else config.parallel
        ),
    )


def _gpus_used(config: Config, host: Host, stacks: Sequence[Stack]) -> int:
    """How many GPUs run jobs of this configuration. Raises UserError for a name that does not exist."""
    names = select_stacks(config.stacks, stacks) if stacks else []
    backends = select_backends(config.backends, stacks) if stacks else []
    wanted = [(s, b.name) for s in stacks for b in (*s.backends, *s.plain) if s.name in names and b.name in backends]
    return len(fitness.serving(host.gpus, wanted))


def draft(request: RunRequest, catalog: Catalog, host: Host) -> Plan:
    """What a run would do, before anything was made ready for it. No side effects.

    Raises UserError for a name that does not exist, HostError where this host cannot serve the request.
    """
    planned = make_plan(request.config, catalog, host)  # also for a replay: it checks the names and the device
    return request.seed_plan or planned


def make_plan(config: Config, catalog: Catalog, host: Host) -> Plan:
    """The jobs of a configuration on this host."""
    jobs = make_jobs(decide(config, host, catalog.stacks), catalog.stacks, catalog.workloads)
    pairs = sorted({(job.stack, job.backend) for job in jobs})
    kept, skipped = split_excluded(jobs, config.exclude)
    kept, unable = split_unable(kept, catalog.stacks, catalog.workloads)
    kept, unvaried = split_unvaried(kept, catalog.stacks, catalog.workloads)
    now = datetime.datetime.now(datetime.timezone.utc)
    plan = Plan(
        run_id=new_run_id(now),
        created=now.isoformat(timespec="seconds"),
        config=msgspec.to_builtins(config),
        seed=config.seed,
        jobs=kept,
        skipped=[*skipped, *unable, *unvaried],
        workloads=[workload for workload in catalog.workloads if workload.own is not None],
        stacks=[stack for stack in catalog.stacks if stack.own is not None or stack.found is not None],
        released={f"{stack}/{backend}": catalog.stack(stack).released_with(backend) for stack, backend in pairs},
    )
    return drop_unready(plan, declared(catalog))


def declared(catalog: Catalog) -> list[Unavailable]:
    """The workloads that are known not to run on a stack."""
    return [
        Unavailable(stack=stack.name, workload=each.workload, status="unsupported", reason=each.why)
        for stack in catalog.stacks
        for each in stack.declared
        if not each.runs
    ]


def chosen_stacks(plan: Plan, catalog: Catalog) -> list[Stack]:
    """The stacks that have a job to run."""
    names = {job.stack for job in plan.jobs}
    return [stack for stack in catalog.stacks if stack.name in names]


def no_gpu_for(reasons: Mapping[tuple[str, str], str]) -> list[Unavailable]:
    """The (stack, backend) pairs that no GPU here can run, each with its reason."""
    return [
        Unavailable(status="unsupported", reason=reason, stack=stack, backend=backend)
        for (stack, backend), reason in reasons.items()
    ]


def drop_unready(plan: Plan, missing: Sequence[Unavailable]) -> Plan:
    """The plan in which jobs that lack something are skipped, with the reason. The first of `missing` counts."""
    jobs, skipped = [], list(plan.skipped)
    for job in plan.jobs:
        why = next((each for each in missing if each.concerns(job)), None)
        if why is None:
            jobs.append(job)
        else:
            skipped.append(Skip(job=job, status=why.status, reason=why.reason))
    return msgspec.structs.replace(plan, jobs=jobs, skipped=skipped)


def new_run_id(now: datetime.datetime) -> str:
    """Sortable to 1/256 s, unique on any host, fit for folder and container names."""
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond * 256 // 1_000_000:02x}{secrets.token_hex(2)}"
