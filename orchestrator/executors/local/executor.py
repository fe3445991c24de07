"""Runs the jobs of a plan on this host."""

from __future__ import annotations

import functools
from pathlib import Path

import msgspec

from orchestrator.cli.progress import Progress
from orchestrator.data.declared import load_datasets
from orchestrator.data.find import cache_dir, listing
from orchestrator.executors.local import preflight
from orchestrator.executors.local.workers import DevicePool
from orchestrator.executors.prepared import Prepared, context_of, equal_share_mb, ready_data
from orchestrator.executors.signals import stop_on_signals
from orchestrator.files import check_writable, storage_error
from orchestrator.host import checks, probe
from orchestrator.host.leases import Leases, lock_folder
from orchestrator.host.probe import probe_host
from orchestrator.launchers.gpu_routes import RouteName
from orchestrator.launchers.launcher import Launcher
from orchestrator.measure import gpu_claims
from orchestrator.measure.fingerprint import fingerprint, git_commit
from orchestrator.measure.job import OUT, measure
from orchestrator.model import DataFile, Device, Job, Plan, Result, Say
from orchestrator.plan.catalog import Catalog, workloads_sha256
from orchestrator.plan.config import Config
from orchestrator.plan.draft import chosen_stacks, drop_unready, make_plan, no_gpu_for
from orchestrator.results.folder import RunFolder
from orchestrator.stacks import choose
from orchestrator.stacks.provisioner import Provisioner


def prepare(
    config: Config,
    catalog: Catalog,
    site: Provisioner,
    data_dir: Path | None,
    out: Path,
    fetch: bool,
    say: Say,
    draft: Plan | None = None,
) -> Prepared:
    """Preflight, images, data and devices for a run; what cannot be had fails its own jobs, not the others.

    `draft` is a plan from elsewhere (a replay) instead of the configuration's own.
    """
    host = probe_host()
    draft = draft or make_plan(config, catalog, host)
    first = draft.planned[0]
    slots = probe.slots(host, first.device, first.threads, config.parallel)
    cleared = preflight.before_run(config, catalog, draft, host, site.name, out, say)
    check_writable(out)
    draft = drop_unready(draft, no_gpu_for(cleared.unfit))
    files, no_data = ready_data(draft, data_dir, fetch, say)
    troubles = {**no_data, **site.prepare(chosen_stacks(draft, catalog), first.device)}
    whole = drop_unready(msgspec.structs.replace(draft, data=files), troubles)
    context = context_of(config, catalog, whole.run_id, files, equal_share_mb(host, slots), cleared.route_name)
    return Prepared(
        plan=whole,
        launcher=site.launcher(context),
        slots=slots,
        host=host,
        pending=whole.jobs,
        gpu_route=cleared.route_words if first.device == "gpu" else None,
        allow_busy=config.allow_busy,
    )


def describe(
    config: Config, catalog: Catalog, data_dir: Path | None, results: Path
) -> tuple[Plan, dict[str, list[str]]]:
    """The plan and each job's exact command, as far as they can be known without touching anything.

    Images go by their names (a run uses their ids), data that is not here yet by where it would be.
    """
    host = probe_host()
    draft = make_plan(config, catalog, host)
    first = draft.planned[0]
    if first.device == "gpu":
        draft = drop_unready(draft, no_gpu_for(checks.unsupported(catalog.stacks, host.gpus)))
    slots = probe.slots(host, first.device, first.threads, config.parallel)
    files = {dataset: planned_data(dataset, data_dir) for dataset in {job.dataset for job in draft.planned}}
    context = context_of(config, catalog, draft.run_id, files, equal_share_mb(host, slots), planned_route(config))
    launcher = choose.planning_launcher(config.launcher, catalog, first.device, context)
    folder = results.absolute() / draft.run_id / "jobs"
    return draft, {j.id: launcher.describe(j, slots[0], folder / j.id / OUT).command for j in draft.jobs}


def planned_route(config: Config) -> RouteName:
    """A plan asks no engine: what most of them offer."""
    return "devices" if config.gpu_route == "auto" else config.gpu_route


def planned_data(name: str, data_dir: Path | None) -> DataFile:
    """The file that a run would use, or where it would be put; a file that is not here has hash 0."""
    datasets = load_datasets()
    row = listing(datasets, [name], data_dir)[0]
    path = str(Path(row.path or cache_dir() / datasets[name].file).absolute())
    return DataFile(
        dataset=name,
        path=path,
        sha256=row.sha256 or "0" * 64,
        kind=row.kind or "official",
        name=datasets[name].file,
    )


def execute(prepared: Prepared, catalog: Catalog, folder: RunFolder, progress: Progress, say: Say) -> bool:
    """Runs every job and records its result as it comes. True when the user stopped the run."""
    if prepared.away is not None:
        return bool(prepared.away.execute(prepared, folder, progress))
    mine = Leases(lock_folder(), f"run {prepared.plan.run_id}")
    with gpu_claims.watched(prepared.slots, mine, folder.path, prepared.allow_busy, say) as keeper:
        return run_jobs(prepared, catalog, folder, progress, keeper)


def run_jobs(
    prepared: Prepared, catalog: Catalog, folder: RunFolder, progress: Progress, keeper: gpu_claims.GpuClaims
) -> bool:
    launcher: Launcher = prepared.launcher
    identify = functools.partial(
        fingerprint,
        host=prepared.host,
        files=prepared.plan.data,
        scripts=workloads_sha256(Path(catalog.root)),
        commit=git_commit(Path(catalog.root)),
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
            result = measure(
                job,
                device,
                launcher=launcher,
                folder=own,
                run_id=prepared.plan.run_id,
                identify=identify,
                on_event=progress.event,
            )
        except OSError as error:
            raise storage_error(own, error) from error
        return record(keeper.judge(msgspec.structs.replace(result, attempt=attempt), device))

    def never_started(job: Job) -> Result:
        reason = "stopped by the user before it started"
        return record(Result(run_id=prepared.plan.run_id, job=job, status="cancelled", reason=reason))

    def refused(job: Job, reason: str) -> Result:
        return record(Result(run_id=prepared.plan.run_id, job=job, status="unsupported", reason=reason))

    def fits(job: Job, device: Device) -> bool:
        return job.device == "cpu" or checks.fits(stacks[job.stack], job.backend, device)

    executor = DevicePool(
        prepared.slots, run_one, never_started, launcher.stop, claim=keeper.claim, fits=fits, refused=refused
    )
    keeper.stopping = executor.stopping
    with stop_on_signals(executor.stop) as stopped:
        ended = sum(1 for _ in executor.run(prepared.pending))
    assert ended == len(prepared.pending), "every planned job gives exactly one result"
    return stopped.is_set()
