"""The executor of this host: makes its stacks ready and runs the jobs of a plan on its cores or GPUs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.data.declared import load_datasets
from orchestrator.data.find import cache_dir, keras_datasets, listing
from orchestrator.errors import HostError
from orchestrator.executors.executor import Listener
from orchestrator.executors.local import preflight
from orchestrator.executors.local.examine import examine_host
from orchestrator.executors.local.jobs import JobRunner
from orchestrator.executors.local.tryout import try_out
from orchestrator.executors.local.workers import DevicePool
from orchestrator.executors.prepared import (
    Ready,
    assumed_layers,
    equal_share_mb,
    ready_data,
    ready_layers,
    refuse_unshowable,
    with_layers,
)
from orchestrator.files import check_writable, storage_error
from orchestrator.host import checks, fitness, folders, probe
from orchestrator.host.checks import Check
from orchestrator.host.folders import Folder
from orchestrator.host.leases import Leases, lock_folder
from orchestrator.launchers import sweep
from orchestrator.launchers.gpu_routes import RouteName
from orchestrator.launchers.launcher import Laid, RunContext
from orchestrator.launchers.runtimes import Point
from orchestrator.measure import gpu_claims
from orchestrator.measure.fingerprint import Origin, git_commit
from orchestrator.measure.gpu_claims import GpuClaims
from orchestrator.model import DataFile, Device, DeviceKind, Host, Job, Plan, Result, Say, Stack
from orchestrator.plan.catalog import Catalog, workloads_sha256
from orchestrator.plan.config import parse_memory
from orchestrator.plan.draft import chosen_stacks, draft, drop_unready, no_gpu_for
from orchestrator.plan.request import RunRequest
from orchestrator.results.folder import OUT, RunFolder
from orchestrator.stacks.choose import choose_provisioner, planning_provisioner, way_of
from orchestrator.stacks.ground import Ground, cannot_run
from orchestrator.stacks.images.engine import Engine
from orchestrator.stacks.process import without_python
from orchestrator.stacks.provisioner import Provisioner


class LocalExecutor:
    """The `Executor` that runs jobs on the devices of this host."""

    def __init__(self, request: RunRequest, catalog: Catalog, say: Say) -> None:
        self.request = request
        self._config = request.config
        self._catalog = catalog
        self._say = say
        self._engine = Engine()
        self._cleared = preflight.Cleared()
        self._lacks: dict[Point, str] = {}
        self._laid: list[Laid] = []
        self._pool: DevicePool | None = None
        self._stopped = False

    @cached_property
    def _host(self) -> Host:
        return probe.probe_host(os.environ, self._config.gpus)

    @cached_property
    def _provisioner(self) -> Provisioner:
        return choose_provisioner(self._config.launcher, self.request, self._catalog, self._engine, self._say)

    def host(self) -> Host:
        return self._host

    def prepare(self, plan: Plan, fresh: bool = True) -> Ready:
        cache = self._refuse_folders(fresh)
        provisioner = self._provisioner
        device = plan.planned[0].device
        self._slots(plan)
        self._cleared = preflight.before_run(
            self._config, self._catalog, plan, self._host, provisioner.name, self.request.out, self._engine, self._say
        )
        check_writable(self.request.out)
        plan = drop_unready(plan, no_gpu_for(self._cleared.unfit))
        plan = drop_unready(plan, cannot_run(plan, self._catalog.stacks, self._ground(provisioner, device)))
        files, no_data = ready_data(plan, self.request, self._say)
        if no_data:
            folders.refuse(cache)
        mounted = [self._catalog.workloads_dir, self.request.out.absolute(), *(Path(f.path) for f in files.values())]
        mounted += [Path(own.path).parent for own in plan.own.values()] + list(map(Path, self._config.data.values()))
        preflight.refuse_unmountable(provisioner.name, mounted)
        refuse_unshowable(provisioner.name, plan, self._config.data)
        tried = self._try_out(msgspec.structs.replace(plan, data=files))  # before images are built, where one is there
        no_stack = provisioner.prepare(chosen_stacks(plan, self._catalog), device)
        if not tried:
            self._try_out(msgspec.structs.replace(plan, data=files))
        plan = drop_unready(msgspec.structs.replace(plan, data=files), [*no_stack, *no_data])
        plan = self._with_packages(plan)
        return Ready(plan=plan, launcher=provisioner.name, pending=plan.jobs)

    def _with_packages(self, plan: Plan) -> Plan:
        """The plan with the packages of files of one's own, which are made where they can be."""
        ground = self._ground(self._provisioner, plan.planned[0].device)
        stacks = chosen_stacks(plan, self._catalog)
        self._laid, missing = ready_layers(plan, stacks, ground, way_of(self.request), self._say)
        return drop_unready(with_layers(plan, [each.layer for each in self._laid]), missing)

    def _ground(self, provisioner: Provisioner, device: DeviceKind) -> Callable[[Stack], Ground]:
        return lambda stack: provisioner.ground(stack, device)

    def _try_out(self, plan: Plan) -> bool:
        """Whether there was an image for a trial container. Raises HostError for what no job could run with."""
        slots = self._slots(plan)
        tried = try_out(self._provisioner, self._context(plan, slots, "devices", {}), slots[0], self.request.out)
        if tried is None:
            return False
        context, trial = tried
        self._lacks = context.lacks
        for check in checks.trial_checks(trial):
            if check.level != "ok":
                self._say(checks.check_text(check))
        return True

    def _refuse_folders(self, fresh: bool) -> Folder:
        """The cache, which only the Docker launcher can do without. Raises HostError for a folder of no use."""
        if fresh:
            folders.refuse(folders.results_folder(self.request.out))
        cache = folders.user_cache()
        if not cache.path or self._provisioner.name != "docker":
            folders.refuse(cache)
        return cache

    def describe(self, plan: Plan) -> tuple[Plan, dict[str, list[str]]]:
        """Commands show images by name (a run uses ids), and for missing data the path that it would get."""
        device = plan.planned[0].device
        if device == "gpu":
            plan = drop_unready(plan, no_gpu_for(fitness.unsupported(self._catalog.stacks, self._host.gpus)))
        slots = self._slots(plan)
        files = {
            name: planned_data(name, self.request.data_dir) for name in {j.dataset for j in plan.planned if j.dataset}
        }
        route = self._config.gpu_route
        # `plan` asks no engine, so it assumes the commonest way to pass a GPU.
        context = self._context(
            msgspec.structs.replace(plan, data=files), slots, "devices" if route == "auto" else route, {}
        )
        provisioner = planning_provisioner(self._config.launcher, self.request, self._catalog)
        if provisioner.name == "process":
            stacks = chosen_stacks(plan, self._catalog)
            plan = drop_unready(plan, without_python(stacks, device, self._catalog.docker_dir))
        provisioner.assume([stack for stack in self._catalog.stacks if device in stack.images], device)
        ground = self._ground(provisioner, device)
        plan = drop_unready(plan, cannot_run(plan, self._catalog.stacks, ground))
        laid = assumed_layers(plan, chosen_stacks(plan, self._catalog), ground)
        context = msgspec.structs.replace(context, laid=laid)
        launcher, folder = provisioner.launcher(context), self.request.out.absolute() / plan.run_id / "jobs"
        return plan, {j.id: launcher.describe(j, slots[0], folder / j.id / OUT).command for j in plan.jobs}

    def identities(self, ready: Ready, jobs: Iterable[Job]) -> dict[str, Mapping[str, Any]]:
        runner, device = self._runner(ready), self._slots(ready.plan)[0]
        return {job.id: runner.identity(job, device) for job in jobs}

    def run(self, ready: Ready, folder: RunFolder, listener: Listener) -> Iterator[Result]:
        leases, slots = Leases(lock_folder(), f"run {ready.plan.run_id}"), self._slots(ready.plan)
        with gpu_claims.watched(
            slots, leases, folder.path, self._config.allow_busy, listener.say, sample_hz=self._config.sample_hz
        ) as claims:
            self._pool = self._device_pool(ready, slots, folder, listener, claims)
            claims.stopping = self._pool.stopping
            if self._stopped:
                self._pool.stop()
            yield from self._pool.run(ready.pending)

    def stop(self) -> None:
        self._stopped = True
        if self._pool is not None:
            self._pool.stop()

    def examine(self) -> list[Check]:
        request = self.request
        found = examine_host(self._config, self._catalog, self._host, request.out, request.data_dir, self._engine)
        if checks.worst(found) == "bad":
            return found
        try:  # what a run would refuse before its first job
            self._slots(draft(request, self._catalog, self._host))
        except HostError as error:
            found.append(Check(level="bad", what="what is asked for", seen=error.message, mend=error.hint))
        return found

    def _slots(self, plan: Plan) -> list[Device]:
        first, host = plan.planned[0], self._host
        if first.device == "gpu":  # one that nothing of the plan fits takes no cores from the others
            stacks = {stack.name: stack for stack in self._catalog.stacks}
            pairs = {(job.stack, job.backend) for job in plan.planned}
            fit = fitness.serving(host.gpus, [(stacks[stack], backend) for stack, backend in pairs])
            host = msgspec.structs.replace(host, gpus=fit)
        return probe.slots(host, first.device, first.threads, self._config.parallel)

    def _context(self, plan: Plan, slots: list[Device], route: RouteName, attempts: dict[str, int]) -> RunContext:
        memory = self._config.memory
        return RunContext(
            run_id=plan.run_id,
            owner=sweep.owner(),
            workloads_dir=str(self._catalog.workloads_dir),
            stacks={stack.name: stack for stack in self._catalog.stacks},
            data=plan.data,
            memory_mb=parse_memory(memory) if memory else equal_share_mb(self._host, slots),
            gpu_route=route,
            cdi=self._cleared.cdi,
            attempts=attempts,
            weakened=self._config.weaken,
            workloads_sha256=workloads_sha256(Path(self._catalog.root)),
            lacks=self._lacks,
            own=plan.own,
            more_data=self._config.data,
            network=self._config.network,
            keras_datasets=keras_datasets(),
            laid=self._laid,
        )

    def _runner(self, ready: Ready) -> JobRunner:
        root, plan = Path(self._catalog.root), ready.plan
        context = self._context(plan, self._slots(plan), self._cleared.route_name, ready.attempts)
        origin = Origin(
            host=self._host,
            scripts=workloads_sha256(root),
            commit=git_commit(root),
            gpu_route=self._cleared.route_words if plan.planned[0].device == "gpu" else None,
        )
        return JobRunner(self._provisioner.launcher(context), context, origin)

    def _device_pool(
        self, ready: Ready, slots: list[Device], folder: RunFolder, listener: Listener, claims: GpuClaims
    ) -> DevicePool:
        runner = self._runner(ready)
        stacks = {stack.name: stack for stack in self._catalog.stacks}
        #: Seconds of the repeats that ended, by cell.
        took: dict[tuple[str, ...], float] = {}

        def record(result: Result) -> Result:
            """Writes the result to disk before the next job starts on this device."""
            folder.write_result(result)
            if result.status == "ok" and result.launched_t is not None and result.exited_t is not None:
                took[result.job.cell] = result.exited_t - result.launched_t
            listener.finished(result)
            return result

        def run_one(job: Job, device: Device) -> Result:
            listener.started(job)
            own = folder.begin(job, ready.attempt(job))
            try:
                return record(runner.measure(job, device, own, claims, listener.event))
            except OSError as error:
                raise storage_error(own, error) from error

        def never_started(job: Job) -> Result:
            reason = "stopped by the user before it started"
            return record(Result(run_id=ready.plan.run_id, job=job, status="cancelled", reason=reason))

        def refused(job: Job, reason: str) -> Result:
            return record(Result(run_id=ready.plan.run_id, job=job, status="unsupported", reason=reason))

        def fits(job: Job, device: Device) -> bool:
            return job.device == "cpu" or fitness.fits(stacks[job.stack], job.backend, device)

        def expected(job: Job) -> float | None:
            return took.get(job.cell, ready.seconds.get(job.id))

        return DevicePool(
            slots,
            run_one,
            never_started,
            runner.stop,
            claim=claims.claim,
            fits=fits,
            refused=refused,
            expected=expected,
        )


def planned_data(name: str, data_dir: Path | None) -> DataFile:
    """The file that a run would use, or where it would be put; a file that is not here has a sha256 of 64 zeros."""
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
