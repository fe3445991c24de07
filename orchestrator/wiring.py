"""Puts the steps together: config -> plan -> images -> executor(measure(launcher)) -> records -> merge -> report.

Only this module, `sites` and the CLI know more than one step.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from orchestrator import (
    data,
    devices,
    doctor,
    gpus,
    identity,
    leases,
    measure,
    plan,
    preflight,
    records,
    sites,
    stopping,
)
from orchestrator.catalog import Catalog, workloads_sha256
from orchestrator.config import Config, parse_duration, parse_memory
from orchestrator.errors import HostError, OrchestrateError
from orchestrator.executors.local import LocalExecutor
from orchestrator.gpu_routes import RouteName
from orchestrator.model import (
    NOT_RUN,
    DataFile,
    Device,
    DeviceKind,
    Job,
    Noun,
    Plan,
    Result,
    Skip,
    Stack,
)
from orchestrator.order import Order
from orchestrator.progress import Progress
from orchestrator.seams import Launcher
from orchestrator.sites import Site
from orchestrator.troubles import Trouble

Say = Callable[[str], None]


class Prepared(Noun, frozen=True, kw_only=True):
    """A plan and everything its jobs need on this host."""

    plan: Plan
    launcher: Any
    slots: list[Device]
    host: devices.Host
    #: What is run of the plan; all of its jobs unless the run is resumed.
    pending: list[Job]
    #: By job id, where it is not the first.
    attempts: dict[str, int] = {}
    #: How containers get their GPU, in words for the record.
    gpu_route: str | None = None
    allow_busy: bool = False
    #: Runs the jobs elsewhere instead of on this host's `slots` (cluster_desk.Away).
    away: Any = None


def decide(config: Config, host: devices.Host) -> plan.Wish:
    """Fills in what the configuration leaves to the host. Raises HostError where the host cannot serve it."""
    device: DeviceKind = "gpu" if config.device == "gpu" or (config.device == "auto" and host.gpus) else "cpu"
    if device == "gpu" and not host.gpus:
        raise HostError(
            f"this configuration runs on a GPU, and this host has none that can be used ({host.no_gpu}). "
            "Nothing was started. The same stacks and workloads run here on the CPU, on less data.",
            "add `--device cpu --scale quick` to the command",
        )
    return plan.Wish(
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
        or devices.default_threads(len(host.cores), len(host.gpus) if device == "gpu" else config.parallel),
    )


def check_names(config: Config, catalog: Catalog) -> None:
    """Raises UserError for a name that does not exist, before anything is asked of an engine."""
    make_plan(config, catalog, devices.probe_host())


def make_plan(config: Config, catalog: Catalog, host: devices.Host) -> Plan:
    """The jobs of a run, before anything was made ready for them. No side effects."""
    jobs = plan.make_jobs(decide(config, host), catalog.stacks, catalog.workloads)
    kept, skipped = plan.split_excluded(jobs, config.exclude)
    now = datetime.datetime.now(datetime.timezone.utc)
    return Plan(
        run_id=records.new_run_id(now),
        created=now.isoformat(timespec="seconds"),
        config=msgspec.to_builtins(config),
        seed=config.seed,
        jobs=kept,
        skipped=skipped,
    )


def prepare(
    config: Config,
    catalog: Catalog,
    site: Site,
    data_dir: Path | None,
    out: Path,
    fetch: bool,
    say: Say,
    draft: Plan | None = None,
) -> Prepared:
    """Preflight, images, data and devices for a run; what cannot be had fails its own jobs, not the others.

    `draft` is a plan from elsewhere (a replay) instead of the configuration's own.
    """
    host = devices.probe_host()
    draft = draft or make_plan(config, catalog, host)
    first = draft.planned[0]
    slots = devices.slots(host, first.device, first.threads, config.parallel)
    cleared = doctor.before_run(config, catalog, draft, host, site.name, out, say)
    records.check_writable(out)
    draft = drop_unready(draft, no_gpu_for(cleared.unfit))
    files, no_data = ready_data(draft, data_dir, fetch, say)
    troubles = {**no_data, **site.prepare(chosen_stacks(draft, catalog), first.device)}
    whole = drop_unready(msgspec.structs.replace(draft, data=files), troubles)
    order = order_of(config, whole.run_id, files, host, slots, cleared.route_name)
    return Prepared(
        plan=whole,
        launcher=site.launcher(order),
        slots=slots,
        host=host,
        pending=whole.jobs,
        gpu_route=cleared.route_words if first.device == "gpu" else None,
        allow_busy=config.allow_busy,
    )


def order_of(
    config: Config, run_id: str, files: dict[str, DataFile], host: devices.Host, slots: list[Device], route: RouteName
) -> Order:
    """What a launcher on this host is made from. Without a wish, a job's memory is an equal share of the host's."""
    shared_out = max(1024, (host.memory_mb - devices.RESERVE_MB) // len(slots))
    return Order(
        run_id=run_id,
        data=files,
        memory_mb=parse_memory(config.memory) if config.memory else shared_out,
        gpu_route=route,
        weakened=config.weaken,
    )


def ready_data(
    draft: Plan, data_dir: Path | None, fetch: bool, say: Say
) -> tuple[dict[str, DataFile], dict[str, Trouble]]:
    """Data files by data set, and for each data set that is unusable the reason."""
    found: dict[str, DataFile] = {}
    troubles: dict[str, Trouble] = {}
    datasets = data.load_datasets()
    for name in sorted({job.dataset for job in draft.jobs}):
        try:
            found |= data.resolve(datasets, [name], data_dir, allow_fetch=fetch, allow_synthetic=True, say=say)
        except OrchestrateError as error:
            say(f"data set {name}: {error.message}")
            troubles[name] = Trouble(status="failed", reason=f"data: {error.message}")
    return found, troubles


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


def describe(
    config: Config, catalog: Catalog, data_dir: Path | None, results: Path
) -> tuple[Plan, dict[str, list[str]]]:
    """The plan and each job's exact command, as far as they can be known without touching anything.

    Images go by their names (a run uses their ids), data that is not here yet by where it would be.
    """
    host = devices.probe_host()
    draft = make_plan(config, catalog, host)
    first = draft.planned[0]
    if first.device == "gpu":
        draft = drop_unready(draft, no_gpu_for(preflight.unfit(catalog.stacks, host.gpus)))
    slots = devices.slots(host, first.device, first.threads, config.parallel)
    files = {dataset: planned_data(dataset, data_dir) for dataset in {job.dataset for job in draft.planned}}
    order = order_of(config, draft.run_id, files, host, slots, planned_route(config))
    launcher = sites.planning_launcher(config.launcher, catalog, first.device, order)
    folder = results.absolute() / draft.run_id / "jobs"
    return draft, {j.id: launcher.describe(j, slots[0], folder / j.id / measure.OUT).command for j in draft.jobs}


def planned_route(config: Config) -> RouteName:
    """A plan asks no engine: what most of them offer."""
    return "devices" if config.gpu_route == "auto" else config.gpu_route


def planned_data(name: str, data_dir: Path | None) -> DataFile:
    """The file that a run would use, or where it would be put; a file that is not here has hash 0."""
    datasets = data.load_datasets()
    row = data.listing(datasets, [name], data_dir)[0]
    path = str(Path(row.path or data.cache_dir() / datasets[name].file).absolute())
    return DataFile(
        dataset=name,
        path=path,
        sha256=row.sha256 or "0" * 64,
        kind=row.kind or "official",
        name=datasets[name].file,
    )


def execute(prepared: Prepared, catalog: Catalog, folder: records.RunFolder, progress: Progress, say: Say) -> bool:
    """Runs every job and records its result as it comes. True when the user stopped the run."""
    if prepared.away is not None:
        return bool(prepared.away.execute(prepared, folder, progress))
    mine = leases.Leases(leases.lock_folder(), f"run {prepared.plan.run_id}")
    with gpus.watched(prepared.slots, mine, folder.path, prepared.allow_busy, say) as keeper:
        return run_jobs(prepared, catalog, folder, progress, keeper)


def run_jobs(
    prepared: Prepared, catalog: Catalog, folder: records.RunFolder, progress: Progress, keeper: gpus.Keeper
) -> bool:
    launcher: Launcher = prepared.launcher
    identify = functools.partial(
        identity.fingerprint,
        host=prepared.host,
        files=prepared.plan.data,
        scripts=workloads_sha256(Path(catalog.root)),
        commit=identity.git_commit(Path(catalog.root)),
        gpu_route=prepared.gpu_route,
    )
    stacks = {stack.name: stack for stack in catalog.stacks}

    def record(result: Result) -> Result:
        """On disk before the next job starts on this device."""
        folder.write_result(result)
        progress.finished(result)
        return result

    def run_one(job: Job, device: Device) -> Result:
        progress.started(job)
        attempt = prepared.attempts.get(job.id, 1)
        own = folder.begin(job, attempt)
        try:
            result = measure.measure(
                job,
                device,
                launcher=launcher,
                folder=own,
                run_id=prepared.plan.run_id,
                identify=identify,
                on_event=progress.event,
            )
        except OSError as error:
            raise records.storage_error(own, error) from error
        return record(keeper.judge(msgspec.structs.replace(result, attempt=attempt), device))

    def never_started(job: Job) -> Result:
        reason = "stopped by the user before it started"
        return record(Result(run_id=prepared.plan.run_id, job=job, status="cancelled", reason=reason))

    def refused(job: Job, reason: str) -> Result:
        return record(Result(run_id=prepared.plan.run_id, job=job, status="unsupported", reason=reason))

    def fits(job: Job, device: Device) -> bool:
        return job.device == "cpu" or preflight.fits(stacks[job.stack], job.backend, device)

    executor = LocalExecutor(
        prepared.slots, run_one, never_started, launcher.stop, claim=keeper.claim, fits=fits, refused=refused
    )
    keeper.stopping = executor.stopping
    with stopping.stop_on_signals(executor.stop) as stopped:
        ended = sum(1 for _ in executor.run(prepared.pending))
    assert ended == len(prepared.pending), "every planned job gives exactly one result"
    return stopped.is_set()


def exit_code(statuses: Sequence[str], interrupted: bool) -> int:
    """0 every job ok (or not meant to run here), 1 some job failed, 3 nothing can run here, 130 stopped by the user."""
    if interrupted:
        return 130
    if "unsupported" in statuses and set(statuses) <= NOT_RUN:
        return 3
    return 0 if set(statuses) <= {"ok", *NOT_RUN} else 1
