"""Runs a plan on a Slurm cluster: the other half of `wiring`, for jobs that are measured on its nodes."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from orchestrator import __version__, devices, image_archives, images, records, resuming, wiring
from orchestrator.catalog import Catalog, workloads_sha256
from orchestrator.config import Config, override, parse_duration
from orchestrator.errors import HostError, UserError
from orchestrator.executors.slurm import SlurmExecutor
from orchestrator.model import DataFile, Device, Job, Plan, Result, Status
from orchestrator.progress import Progress
from orchestrator.records import RunFolder
from orchestrator.slurm import commands
from orchestrator.slurm.attempts import KEPT, Attempt, Outcome, Spec, Started, new_token
from orchestrator.slurm.cluster import Cluster, Refused
from orchestrator.slurm.commands import Node, Request, Ticket
from orchestrator.storage import remove_tree
from orchestrator.troubles import Trouble
from orchestrator.wiring import Prepared, Say

#: What a node may need before a job's own time begins: loading or building its image.
READY_S = 600
SCRIPT = Path(__file__).parent / "slurm" / "job.sh"


class Away:
    """A run's cluster: what its jobs are asked with, and how they are run there."""

    def __init__(self, config: Config, catalog: Catalog, cluster: Cluster, nodes: list[Node], say: Say) -> None:
        self.config = config
        self.catalog = catalog
        self.cluster = cluster
        self.nodes = nodes
        self.say = say
        self.keras_spec: str | None = None
        #: (stack, backend) -> nodes that have told that their GPUs cannot run it.
        self.unfit: dict[tuple[str, str], set[str]] = {}
        #: By image name, what the archive holds.
        self.archived: dict[str, str] = {}

    @property
    def launcher(self) -> str:
        """Never left to each node: a run is one experiment."""
        if self.config.launcher != "auto":
            return self.config.launcher
        return "process" if self.keras_spec else "docker"

    def execute(self, prepared: Prepared, folder: RunFolder, progress: Progress) -> bool:
        """Runs every pending job to its end. True when the user stopped it."""
        executor = self.executor(prepared, folder, progress)
        with wiring.stop_on_signals(executor.stop) as stopped:
            ended = sum(1 for _ in executor.run(prepared.pending))
        assert ended == len(prepared.pending), "every planned job gives exactly one result"
        return stopped.is_set()

    def executor(self, prepared: Prepared, folder: RunFolder, progress: Progress) -> SlurmExecutor:
        wish = self.config.slurm
        return SlurmExecutor(
            self.cluster,
            RunDesk(self, prepared, folder, progress),
            bound=wish.queue,
            grace_s=parse_duration(wish.grace),
            patience_s=parse_duration(wish.patience),
            say=self.say,
        )

    def learn_misfit(self, job: Job, node: str) -> bool:
        """That no node like this one runs the job's backend. Whether others are left that may."""
        kinds = {each.name: each.kind for each in self.nodes}
        alike = {name for name, kind in kinds.items() if kind == kinds.get(node)} | {node}
        self.unfit.setdefault((job.stack, job.backend), set()).update(alike)
        wanted = self.config.slurm.gpu_type
        able = {each.name for each in self.nodes if any(wanted in (None, kind) for kind in each.gpus)}
        return bool(able - self.unfit[job.stack, job.backend])

    def request(self, job: Job) -> Request:
        wish = self.config.slurm
        return Request(
            gpus=1 if job.device == "gpu" else 0,
            gpu_type=wish.gpu_type,
            partition=wish.partition,
            account=wish.account,
            constraint=wish.constraint,
            nodes=wish.nodes,
            exclude=sorted(self.unfit.get((job.stack, job.backend), ())),
            options=wish.options,
        )

    def time_limit(self, job: Job) -> str:
        """Of the Slurm job, as Slurm writes it: minutes."""
        return self.config.slurm.time or str(math.ceil((job.timeout_s + READY_S) / 60))

    def argv(self, ticket: Ticket, job: Job, folder: Path) -> list[str]:
        python = self.config.slurm.python or sys.executable
        command = [python, "-m", "orchestrator.node", str(folder / "spec.json")]
        limit = self.time_limit(job)
        return commands.sbatch(self.request(job), ticket, job.threads, limit, str(folder), str(SCRIPT), command)

    def refuse_impossible(self, jobs: Iterable[Job], out: Path) -> None:
        """Raises HostError where no node could ever run any of these jobs."""
        refusals = {}
        kinds = {(job.threads, self.time_limit(job)): job for job in jobs}
        for kind, job in kinds.items():
            ticket = Ticket(run_id="test", job_id=job.id, attempt=1, token="none")
            try:
                self.cluster.could_run(self.argv(ticket, job, out.absolute()))
            except Refused as refusal:
                refusals[kind] = f"{' '.join(commands.asked(self.request(job)))}, {job.threads} CPUs: {refusal}"
        if kinds and len(refusals) == len(kinds):
            raise HostError(
                f"Slurm can never run this ({'; '.join(dict.fromkeys(refusals.values()))}). Nothing was started.",
                "`sinfo -o '%P %N %c %G %l'` shows what there is; see --partition, --gpu-type, --threads, slurm.time",
            )


class RunDesk:
    """`Desk` of a run: attempts, records, progress."""

    def __init__(self, away: Away, prepared: Prepared, folder: RunFolder, progress: Progress) -> None:
        self.run_id = prepared.plan.run_id
        self._away = away
        self._prepared = prepared
        self._folder = folder
        self._progress = progress
        self._stop = folder.path / "jobs" / f".stop-{new_token()}"
        root = Path(away.catalog.root)
        self._scripts, self._commit = workloads_sha256(root), wiring.git_commit(root)

    def unfinished(self, job: Job) -> Attempt | None:
        found = Attempt.unfinished(self._folder.job_folder(job))
        with contextlib.suppress(UserError):
            done = self._folder.result(job)
            found = [attempt for attempt in found if done is None or attempt.spec.ticket.attempt > done.attempt]
        for attempt in found:
            self._away.unfit.setdefault((job.stack, job.backend), set()).update(attempt.spec.exclude)
        return found[-1] if found else None

    def begin(self, job: Job) -> Attempt:
        number = self._prepared.attempts.get(job.id, 1)
        own = self._folder.begin(job, number)
        try:
            return Attempt.create(own.absolute(), self._spec(job, number))
        except OSError as error:
            raise records.storage_error(own, error) from error

    def _spec(self, job: Job, number: int) -> Spec:
        config = self._away.config
        image = images.image_name(job.stack, job.device, __version__)
        return Spec(
            ticket=Ticket(run_id=self.run_id, job_id=job.id, attempt=number, token=new_token()),
            job=job,
            device=job.device,
            launcher=self._away.launcher,
            root=str(Path(self._away.catalog.root).absolute()),
            workloads_sha256=self._scripts,
            orchestrator=__version__,
            commit=self._commit,
            cluster=self._prepared.host.name,
            data=self._prepared.plan.data[job.dataset],
            keras_spec=self._away.keras_spec,
            memory=config.memory,
            gpu_route=config.gpu_route,
            allow_busy=config.allow_busy,
            weakened=config.weaken,
            images=config.slurm.images,
            archived=self._away.archived.get(image),
            stop=str(self._stop.absolute()),
        )

    def argv(self, attempt: Attempt) -> list[str]:
        return self._away.argv(attempt.spec.ticket, attempt.spec.job, attempt.folder)

    def time_limit(self, job: Job) -> str:
        return self._away.time_limit(job) + ("" if self._away.config.slurm.time else " min")

    def started(self, attempt: Attempt, started: Started) -> None:
        again = f", attempt {attempt.spec.ticket.attempt}" if attempt.spec.ticket.attempt > 1 else ""
        self._progress.started(attempt.spec.job, f" on {started.node} (Slurm job {started.number}{again})")

    def event(self, job: Job, event: dict[str, Any]) -> None:
        self._progress.event(job, event)

    def collect(self, attempt: Attempt, outcome: Outcome, instead: tuple[Status, str] | None) -> Result:
        """Moves what the node measured into the job's folder, and seals it there as a local run does."""
        result = outcome.result
        if instead is not None:
            result = msgspec.structs.replace(result, status=instead[0], reason=instead[1])
        own = self._folder.job_folder(result.job)
        try:
            for name in KEPT:
                with contextlib.suppress(FileNotFoundError):
                    (attempt.folder / name).replace(own / name)
        except OSError as error:
            raise records.storage_error(own, error) from error
        self._record(result)
        with contextlib.suppress(OSError):
            remove_tree(attempt.folder)
        return result

    def elsewhere(self, attempt: Attempt, outcome: Outcome) -> Attempt | None:
        started, job = attempt.started(), attempt.spec.job
        before = self._away.unfit.get((job.stack, job.backend), set()).copy()
        if started is None or not self._away.learn_misfit(job, started.node):
            return None
        if started.node not in before:
            self._away.say(f"{job.stack} ({job.backend}) goes to other nodes: {outcome.result.reason}")
        ticket = msgspec.structs.replace(attempt.spec.ticket, token=new_token())
        exclude = sorted(self._away.unfit[job.stack, job.backend])
        spec = msgspec.structs.replace(attempt.spec, ticket=ticket, exclude=exclude, stop=str(self._stop.absolute()))
        again = Attempt.create(self._folder.job_folder(job).absolute(), spec)
        with contextlib.suppress(OSError):
            remove_tree(attempt.folder)
        return again

    def close(self, job: Job, attempt: Attempt | None, verdict: tuple[Status, str]) -> Result:
        number = attempt.spec.ticket.attempt if attempt else self._prepared.attempts.get(job.id, 1)
        status, reason = verdict
        result = Result(run_id=self.run_id, job=job, status=status, reason=reason, attempt=number)
        return self._record(result)

    def stop(self, attempts: Iterable[Attempt]) -> None:
        """One file ends all that this session began, at once; the rest is told one by one."""
        with contextlib.suppress(OSError):
            self._stop.touch()
        for attempt in attempts:
            if attempt.spec.stop != str(self._stop.absolute()):
                attempt.give_up()

    def _record(self, result: Result) -> Result:
        self._folder.write_result(result)
        self._progress.finished(result)
        return result


def find(config: Config, catalog: Catalog, say: Say, keras_spec: str | None) -> Away:
    """The cluster that a configuration means. Raises HostError where there is none, or no such partition."""
    for bound in (config.slurm.grace, config.slurm.patience):
        parse_duration(bound)
    if config.slurm.gpu_type and config.device == "auto":
        config = override(config, device="gpu")
    cluster = Cluster()
    nodes = cluster.nodes(config.slurm.partition)
    away = Away(config, catalog, cluster, nodes, say)
    away.keras_spec = keras_spec
    return away


def as_host(away: Away) -> devices.Host:
    """The cluster as plans see a host: with the cores and GPUs that every node has of those that may be meant."""
    wanted = away.config.slurm.gpu_type
    gpus = {node.name: {k: n for k, n in node.gpus.items() if wanted in (None, k)} for node in away.nodes}
    with_gpu = [node for node in away.nodes if sum(gpus[node.name].values())]
    candidates = with_gpu if with_gpu and away.config.device != "cpu" else away.nodes
    node = min(candidates, key=lambda node: node.cpus / max(1, sum(gpus[node.name].values())))
    partition = node.partition
    return devices.Host(
        name=f"Slurm partition {partition}",
        cpu="",
        cores=list(range(node.cpus)),
        memory_mb=0,
        os="",
        gpus=[Device(kind="gpu", name=kind or "gpu") for kind, n in gpus[node.name].items() for _ in range(n)],
        no_gpu=f"no node of partition {partition} has a gpu{f' of type {wanted}' if wanted else ''}",
    )


def describe_nodes(nodes: list[Node]) -> str:
    """The nodes of each kind, with how many of them can be used now."""
    kinds: dict[Any, list[Node]] = {}
    for node in nodes:
        kinds.setdefault(node.kind, []).append(node)
    parts = []
    for members in kinds.values():
        gpus = ", ".join(f"{n} GPU{'s' * (n > 1)}{f' {kind}' if kind else ''}" for kind, n in members[0].gpus.items())
        up = sum(node.up for node in members)
        few = "" if up == len(members) else f" ({up} of them up)"
        names = ", ".join(node.name for node in members[:4]) + (", ..." if len(members) > 4 else "")
        parts.append(f"{len(members)} × {members[0].cpus} CPUs{', ' if gpus else ''}{gpus}: {names}{few}")
    return "; ".join(parts)


def draft_of(away: Away) -> tuple[Plan, devices.Host]:
    host = as_host(away)
    return wiring.make_plan(away.config, away.catalog, host), host


def prepare(away: Away, data_dir: Path | None, out: Path, fetch: bool) -> Prepared:
    """Everything that the jobs need before they are submitted; the nodes do their own part."""
    draft, host = draft_of(away)
    away.say(f"{host.name}: {describe_nodes(away.nodes)}; launcher: {away.launcher}")
    records.check_writable(out)
    away.refuse_impossible(draft.jobs, out)
    draft = wiring.drop_unready(draft, without_image(away, draft))
    files, no_data = wiring.ready_data(draft, data_dir, fetch, away.say)
    whole = wiring.drop_unready(msgspec.structs.replace(draft, data=absolute(files)), no_data)
    read_archive(away)
    return Prepared(plan=whole, launcher=None, slots=[], host=host, pending=whole.jobs, away=away)


def describe(away: Away, results: Path) -> tuple[Plan, dict[str, list[str]]]:
    """The plan, and what would submit each job; its own token is drawn when it is."""
    draft, _ = draft_of(away)
    draft = wiring.drop_unready(draft, without_image(away, draft))
    argv = {}
    for job in draft.jobs:
        ticket = Ticket(run_id=draft.run_id, job_id=job.id, attempt=1, token="TOKEN")
        folder = results.absolute() / draft.run_id / "jobs" / job.id / "slurm" / "1-TOKEN"
        argv[job.id] = away.argv(ticket, job, folder)
    return draft, argv


def hand_in(ready: Prepared, folder: RunFolder, console: Console) -> dict[str, int]:
    """Submits what Slurm's queue may hold and leaves: how many jobs stand where. They need nobody until they end."""
    with Progress(console, len(ready.pending)) as progress:
        executor = ready.away.executor(ready, folder, progress)
        with wiring.stop_on_signals(executor.stop):
            return standing(executor.hand_in(ready.pending), ready)


def look(ready: Prepared, folder: RunFolder, console: Console) -> dict[str, int]:
    """Collects what has ended and leaves the rest as it is: how many jobs stand where."""
    with Progress(console, len(ready.pending)) as progress:
        return standing(ready.away.executor(ready, folder, progress).look(ready.pending), ready)


def standing(rest: dict[str, int], ready: Prepared) -> dict[str, int]:
    return {"on record": len(ready.plan.planned) - sum(rest.values()), **rest}


def resume(
    folder: RunFolder, plan: Plan, away: Away, choice: resuming.Choice, data_dir: Path | None, fetch: bool
) -> Prepared:
    """What is left of a run. Raises UserError where it is not the same run any more."""
    host = as_host(away)
    pending, kept = resuming.sort_out(folder, plan, choice.retry_failed, away.say)
    files = {**resuming.present_data(plan), **absolute(resuming.missing_data(plan, pending, data_dir, fetch, away.say))}
    changed = resuming.changes_of(kept, _identities(away, kept, files))
    pending = resuming.add_changed(pending, plan, changed, choice.rerun_changed, away.say)
    pending = [job for job in pending if job.dataset in files]
    read_archive(away)
    return Prepared(
        plan=msgspec.structs.replace(plan, data=files),
        launcher=None,
        slots=[],
        host=host,
        pending=pending,
        attempts={job.id: folder.attempts(job) + 1 for job in pending},
        away=away,
    )


def _identities(away: Away, kept: dict[str, Result], files: dict[str, DataFile]) -> dict[str, dict[str, Any]]:
    """What must not change in mid-run, as it is now, by job id. Nodes may differ, and tell of their images."""
    scripts = workloads_sha256(Path(away.catalog.root))
    eras = {stack.name: stack.era for stack in away.catalog.stacks}
    return {
        job_id: {
            "workloads_sha256": scripts,
            "data_sha256": files[result.job.dataset].sha256,
            "keras_spec": away.keras_spec if eras.get(result.job.stack) == "today" else None,
            "launcher": away.launcher,
            "orchestrator": __version__,
        }
        for job_id, result in kept.items()
        if result.job.dataset in files
    }


def config_of(plan: Plan) -> Config:
    """The configuration of a recorded run, with the kind of device that was decided on then."""
    return override(resuming.config_of(plan), device=plan.planned[0].device)


def without_image(away: Away, draft: Plan) -> dict[str, Trouble]:
    """Stacks that have no image for this kind of device, as troubles."""
    kind = draft.planned[0].device
    return {
        stack.name: Trouble(status="unsupported", reason=f"{stack.name} has no image for a {kind.upper()}")
        for stack in away.catalog.stacks
        if kind not in stack.images
    }


def absolute(files: dict[str, DataFile]) -> dict[str, DataFile]:
    """Nodes start in folders of their own."""
    return {name: msgspec.structs.replace(f, path=str(Path(f.path).absolute())) for name, f in files.items()}


def read_archive(away: Away) -> None:
    """Checks the archive once, here, and not on every node. Raises UserError."""
    path = away.config.slurm.images.archive
    if path is None or away.launcher != "docker":
        return
    if not Path(path).is_file():
        raise UserError(f"$.slurm.images.archive: there is no file {path}", "`orchestrate images save` writes it")
    away.say(f"checking {path}")
    index = image_archives.contents(Path(path), lambda done, total: None)
    away.archived = {image.name: image.info.id for image in index.images}
