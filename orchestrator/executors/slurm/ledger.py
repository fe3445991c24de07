"""The ledger of a run on a cluster: begins attempts, collects what nodes measured, and records results."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from orchestrator import __version__, doors
from orchestrator.errors import UserError
from orchestrator.executors.executor import Listener
from orchestrator.executors.prepared import Ready, on_record
from orchestrator.executors.slurm.attempts import KEPT, Attempt, Outcome, Spec, Started, new_token
from orchestrator.executors.slurm.commands import Ticket
from orchestrator.executors.slurm.placement import Placement
from orchestrator.files import remove_tree, storage_error
from orchestrator.measure.fingerprint import git_commit
from orchestrator.model import Job, Noun, RawEvent, Result, Status, image_name
from orchestrator.plan.catalog import workloads_sha256
from orchestrator.plan.config import Config
from orchestrator.results.folder import RunFolder


class Origin(Noun, frozen=True, kw_only=True):
    """What the order of every attempt says of its run."""

    config: Config
    #: The folder that holds docker/ and workloads/.
    root: str
    launcher: str
    keras_spec: str | None
    cluster: str
    may_build: bool = True
    #: By image name, the id of each image in the archive.
    archived: dict[str, str] = {}


class RunLedger:
    """Keeps the records of one run while its jobs are away; every `Result` is on disk when it is returned."""

    def __init__(
        self, placement: Placement, origin: Origin, ready: Ready, folder: RunFolder, listener: Listener
    ) -> None:
        self.run_id = ready.plan.run_id
        self._placement = placement
        self._origin = origin
        self._ready = ready
        self._folder = folder
        self._listener = listener
        self._stop = folder.path / "jobs" / f".stop-{new_token()}"
        root = Path(origin.root)
        self._scripts, self._commit = workloads_sha256(root), git_commit(root)

    def unfinished(self, job: Job) -> Attempt | None:
        """An attempt that an earlier session submitted, and nobody collected."""
        found = [each for each in Attempt.unfinished(self._folder.job_folder(job)) if self._concerns(each, job)]
        with contextlib.suppress(UserError):
            done = self._folder.result(job)
            found = [attempt for attempt in found if done is None or attempt.spec.ticket.attempt > done.attempt]
        for attempt in filter(self.is_own, found):
            self._placement.unfit.setdefault((job.stack, job.backend), set()).update(attempt.spec.exclude)
        return found[-1] if found else None

    def begin(self, job: Job) -> Attempt:
        number = self._ready.attempt(job)
        own = self._folder.begin(job, number)
        try:
            return Attempt.create(own.absolute(), self._spec(job, self._ticket(job, number)))
        except OSError as error:
            raise storage_error(own, error) from error

    def _ticket(self, job: Job, number: int) -> Ticket:
        return Ticket(run_id=self.run_id, job_id=job.id, attempt=number, token=new_token())

    def _concerns(self, attempt: Attempt, job: Job) -> bool:
        """Whether an attempt in a job's folder is about that job of this run."""
        ticket = attempt.spec.ticket
        own = msgspec.structs.replace(ticket, run_id=self.run_id, job_id=job.id)
        return (attempt.spec.job, ticket, attempt.folder.name) == (job, own, f"{ticket.attempt}-{ticket.token}")

    def is_own(self, attempt: Attempt) -> bool:
        """Whether this session would give the same order. Else it may be anybody's: no seal is over it."""
        there = attempt.spec
        ours = self._spec(there.job, there.ticket)
        return there == msgspec.structs.replace(ours, exclude=there.exclude, stop=there.stop, commit=there.commit)

    def _spec(self, job: Job, ticket: Ticket) -> Spec:
        origin = self._origin
        config = origin.config
        image = image_name(job.stack, job.device, __version__)
        return Spec(
            ticket=ticket,
            job=job,
            device=job.device,
            launcher=origin.launcher,
            root=str(Path(origin.root).absolute()),
            workloads_sha256=self._scripts,
            orchestrator=__version__,
            commit=self._commit,
            cluster=origin.cluster,
            data=self._ready.plan.data_of(job),
            own=self._ready.plan.own.get(job.workload),
            layer=on_record(self._ready.plan, job.stack, job.workload),
            more_data=config.data,
            stack=next((stack for stack in self._ready.plan.stacks if stack.name == job.stack), None),
            network=config.network,
            keras_spec=origin.keras_spec,
            memory=config.memory,
            gpu_route=config.gpu_route,
            allow_busy=config.allow_busy,
            sample_hz=config.sample_hz,
            weakened=config.weaken,
            images=config.slurm.images,
            may_build=origin.may_build,
            archived=origin.archived.get(image),
            exclude=sorted(self._placement.unfit.get((job.stack, job.backend), ())),
            stop=str(self._stop.absolute()),
        )

    def argv(self, attempt: Attempt) -> list[str]:
        """What submits it."""
        return self._placement.argv(attempt.spec.ticket, attempt.spec.job, attempt.folder, attempt.order)

    def time_limit(self, job: Job) -> str:
        return self._placement.time_limit_in_words(job)

    def started(self, attempt: Attempt, started: Started) -> None:
        again = f", attempt {attempt.spec.ticket.attempt}" if attempt.spec.ticket.attempt > 1 else ""
        self._listener.started(attempt.spec.job, f" on {started.node} (Slurm job {started.number}{again})")

    def event(self, job: Job, event: RawEvent) -> None:
        self._listener.event(job, event)

    def collect(self, attempt: Attempt, outcome: Outcome, instead: tuple[Status, str] | None) -> Result:
        """The reported result; `instead`: the status and reason that Slurm knows better.

        Moves what the node measured into the job's folder and writes its manifest, as a local run does.
        """
        result = outcome.result
        if instead is not None:
            result = msgspec.structs.replace(result, status=instead[0], reason=instead[1])
        own = self._folder.job_folder(result.job)
        try:
            for name in KEPT:
                with contextlib.suppress(FileNotFoundError):
                    doors.move(attempt.folder / name, own / name)
        except OSError as error:
            raise storage_error(own, error) from error
        self._record(result)
        with contextlib.suppress(OSError):
            remove_tree(attempt.folder)
        return result

    def retry_elsewhere(self, attempt: Attempt, outcome: Outcome) -> Attempt | None:
        """Create a new attempt that excludes this node; None if no other node qualifies."""
        started, job = attempt.started(), attempt.spec.job
        if started is None or started.node in attempt.spec.exclude:
            return None  # it would come back from there for ever
        unfit = self._placement.unfit.setdefault((job.stack, job.backend), set())
        unfit.update(attempt.spec.exclude)
        known = started.node in unfit
        ticket = msgspec.structs.replace(attempt.spec.ticket, token=new_token())
        others = self._placement.learn_unfit(job, started.node)
        if not others or not self._placement.has_place(ticket, job, attempt.folder):
            unfit.clear()  # jobs that Slurm has no node for would be refused, instead of hearing the reason from one
            return None
        if not known:
            self._listener.say(f"{job.stack} ({job.backend}) goes to other nodes: {outcome.result.reason}")
        again = Attempt.create(self._folder.job_folder(job).absolute(), self._spec(job, ticket))
        with contextlib.suppress(OSError):
            remove_tree(attempt.folder)
        return again

    def close(self, job: Job, attempt: Attempt | None, verdict: tuple[Status, str]) -> Result:
        """The result of a job that reported none."""
        number = attempt.spec.ticket.attempt if attempt else self._ready.attempt(job)
        status, reason = verdict
        result = Result(run_id=self.run_id, job=job, status=status, reason=reason, attempt=number)
        return self._record(result)

    def stop(self, attempts: Iterable[Attempt]) -> None:
        """Tells the nodes to end these attempts, and all others of this session.

        One marker file ends all attempts of this session at once; older ones are given up one by one.
        """
        with contextlib.suppress(OSError):
            doors.create_once(self._stop)
        for attempt in attempts:
            if attempt.spec.stop != str(self._stop.absolute()):
                attempt.give_up()

    def _record(self, result: Result) -> Result:
        self._folder.write_result(result)
        self._listener.finished(result)
        return result
