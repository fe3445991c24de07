"""A run's cluster and the desk at which its attempts are begun, collected and put on record."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from orchestrator import __version__
from orchestrator.cli.progress import Progress
from orchestrator.errors import HostError, UserError
from orchestrator.executors.prepared import Prepared
from orchestrator.executors.signals import stop_on_signals
from orchestrator.executors.slurm import commands
from orchestrator.executors.slurm.attempts import KEPT, Attempt, Outcome, Spec, Started, new_token
from orchestrator.executors.slurm.commands import Node, Request, Ticket
from orchestrator.executors.slurm.controller import Controller, Refused, Silent
from orchestrator.executors.slurm.flights import Flights
from orchestrator.files import remove_tree, storage_error
from orchestrator.measure.fingerprint import git_commit
from orchestrator.model import Job, RawEvent, Result, Say, Status, image_name
from orchestrator.plan.catalog import Catalog, workloads_sha256
from orchestrator.plan.config import Config, parse_duration
from orchestrator.results.folder import RunFolder

#: What a node may need before a job's own time begins: loading or building its image.
READY_S = 600
SCRIPT = Path(__file__).with_name("job.sh")


class Away:
    """A run's cluster: what its jobs are asked with, and how they are run there."""

    def __init__(self, config: Config, catalog: Catalog, cluster: Controller, nodes: list[Node], say: Say) -> None:
        self.config = config
        self.catalog = catalog
        self.cluster = cluster
        self.nodes = nodes
        #: The nodes of the partition that the user has not named.
        self.others: set[str] = set()
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
        with stop_on_signals(executor.stop) as stopped:
            ended = sum(1 for _ in executor.run(prepared.pending))
        assert ended == len(prepared.pending), "every planned job gives exactly one result"
        return stopped.is_set()

    def executor(self, prepared: Prepared, folder: RunFolder, progress: Progress) -> Flights:
        wish = self.config.slurm
        return Flights(
            self.cluster,
            RunLedger(self, prepared, folder, progress),
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
            # By exclusion: a list of nodes to take would mean all of them for one job.
            exclude=sorted(self.others | self.unfit.get((job.stack, job.backend), set())),
            options=wish.options,
        )

    def time_limit(self, job: Job) -> str:
        """Of the Slurm job, as Slurm writes it: minutes."""
        return self.config.slurm.time or str(math.ceil((job.timeout_s + READY_S) / 60))

    def argv(self, ticket: Ticket, job: Job, folder: Path) -> list[str]:
        python = self.config.slurm.python or sys.executable
        command = [python, "-m", "orchestrator.executors.slurm.node", str(folder / "spec.json")]
        limit = self.time_limit(job)
        return commands.sbatch(self.request(job), ticket, job.threads, limit, str(folder), str(SCRIPT), command)

    def has_place(self, ticket: Ticket, job: Job, folder: Path) -> bool:
        """Whether Slurm knows a node for it, of those that were asked for and not excluded, or does not answer."""
        try:
            self.cluster.could_run(self.argv(ticket, job, folder))
        except Refused:
            return False
        except Silent:
            return True
        return True

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
            except Silent as error:
                raise HostError(f"Slurm does not answer: {error}", "does `sinfo` work here?") from error
        if kinds and len(refusals) == len(kinds):
            raise HostError(
                f"Slurm can never run this ({'; '.join(dict.fromkeys(refusals.values()))}). Nothing was started.",
                "`sinfo -o '%P %N %c %G %l'` shows what there is; see --partition, --gpu-type, --threads, slurm.time",
            )


class RunLedger:
    """`Desk` of a run: attempts, records, progress."""

    def __init__(self, away: Away, prepared: Prepared, folder: RunFolder, progress: Progress) -> None:
        self.run_id = prepared.plan.run_id
        self._away = away
        self._prepared = prepared
        self._folder = folder
        self._progress = progress
        self._stop = folder.path / "jobs" / f".stop-{new_token()}"
        root = Path(away.catalog.root)
        self._scripts, self._commit = workloads_sha256(root), git_commit(root)

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
            raise storage_error(own, error) from error

    def _spec(self, job: Job, number: int) -> Spec:
        config = self._away.config
        image = image_name(job.stack, job.device, __version__)
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
            exclude=sorted(self._away.unfit.get((job.stack, job.backend), ())),
            stop=str(self._stop.absolute()),
        )

    def argv(self, attempt: Attempt) -> list[str]:
        return self._away.argv(attempt.spec.ticket, attempt.spec.job, attempt.folder)

    def time_limit(self, job: Job) -> str:
        return self._away.time_limit(job) + ("" if self._away.config.slurm.time else " min")

    def started(self, attempt: Attempt, started: Started) -> None:
        again = f", attempt {attempt.spec.ticket.attempt}" if attempt.spec.ticket.attempt > 1 else ""
        self._progress.started(attempt.spec.job, f" on {started.node} (Slurm job {started.number}{again})")

    def event(self, job: Job, event: RawEvent) -> None:
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
            raise storage_error(own, error) from error
        self._record(result)
        with contextlib.suppress(OSError):
            remove_tree(attempt.folder)
        return result

    def elsewhere(self, attempt: Attempt, outcome: Outcome) -> Attempt | None:
        started, job = attempt.started(), attempt.spec.job
        if started is None or started.node in attempt.spec.exclude:
            return None  # it would come back from there for ever
        unfit = self._away.unfit.setdefault((job.stack, job.backend), set())
        unfit.update(attempt.spec.exclude)
        known = started.node in unfit
        ticket = msgspec.structs.replace(attempt.spec.ticket, token=new_token())
        if not self._away.learn_misfit(job, started.node) or not self._away.has_place(ticket, job, attempt.folder):
            unfit.clear()  # jobs that Slurm has no node for would be refused, instead of hearing the reason from one
            return None
        if not known:
            self._away.say(f"{job.stack} ({job.backend}) goes to other nodes: {outcome.result.reason}")
        spec = msgspec.structs.replace(
            attempt.spec, ticket=ticket, exclude=sorted(unfit), stop=str(self._stop.absolute())
        )
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
