"""Follows a run from its folder alone: what a second terminal sees of a run of this host, of a cluster, of anybody.

Reads only. What it finds is told as a run itself tells its listener: jobs that began, what they report, their results.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from orchestrator import doors
from orchestrator.doors import Refused
from orchestrator.errors import UserError
from orchestrator.executors.executor import Outlook
from orchestrator.executors.slurm.attempts import STARTED, Started
from orchestrator.measure.events import EventTail
from orchestrator.model import NOT_RUN, Job, Noun, Plan, RawEvent, Result
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.names import names
from orchestrator.results import records
from orchestrator.results.folder import OUT, RunFolder
from orchestrator.results.manifest import MANIFEST
from orchestrator.results.records import NewerRecord
from orchestrator.run.bring import recorded
from orchestrator.stats import sweeps

#: `away`: on a cluster, until it is collected; `elsewhere`: it says that it goes on, on a host that is not this one.
State = Literal["goes on", "away", "elsewhere", "killed", "ended"]
GOING_ON: frozenset[State] = frozenset({"goes on", "away", "elsewhere"})


class Seen(Noun, frozen=True, kw_only=True):
    """What is new since the last look: jobs that began (where, and how many seconds ago), events, results, jobs."""

    added: list[Job] = []
    started: list[tuple[Job, str, float]] = []
    events: list[tuple[Job, RawEvent]] = []
    results: list[Result] = []


class Follower:
    """Looks at a run again and again. Raises UserError for a plan that cannot be read, doors.Refused."""

    def __init__(self, folder: RunFolder, catalog: Catalog) -> None:
        self.folder = folder
        self.plan = folder.plan()
        self._catalog = recorded(catalog, [self.plan])
        self._away = self.plan.config.get("executor", "local") != "local"
        self._done: dict[str, Result] = {}
        self._tails: dict[str, EventTail] = {}
        self._plan_at = _stamp(folder.path / "plan.json")

    @property
    def results(self) -> dict[str, Result]:
        """By job id, as far as they were seen."""
        return self._done

    def state(self) -> tuple[State, str]:
        """How the run stands; and the host that it says it runs on, "" where it says nothing."""
        session = self.folder.session()
        host = session[0].host if session else ""
        if self.folder.goes_on():
            return ("goes on" if session or not self._away else "away"), host
        if session is not None:
            return ("killed" if host == platform.node() else "elsewhere"), host
        return ("ended" if doors.kind_of(self.folder.path / MANIFEST) else "killed"), host

    def outlook(self) -> Outlook:
        """What was known when it was looked at for the first time."""
        results = self._results()
        session = self.folder.session()
        self._done = {result.job.id: result for result in results}
        return Outlook(
            names=names(self.plan.planned, self._catalog.workloads, self._catalog.stacks),
            jobs=[job for job in self.plan.jobs if job.id not in self._done],
            done=[result for result in results if result.status not in NOT_RUN],
            seconds=session[0].seconds if session else {},
        )

    def age(self) -> float:
        """Seconds since the session began, 0.0 where that is not known."""
        session = self.folder.session()
        return max(time.time() - session[1], 0.0) if session else 0.0

    def look(self) -> Seen:
        added = self._added()
        running = self.folder.running() or set()
        results = self._results()
        started = [(job, *self._start(job)) for job in self.plan.jobs if job.id in running - set(self._tails)]
        for job, _, _ in started:
            self._tails[job.id] = EventTail(self._out(job) / "events.jsonl")
        events = [
            (job, event)
            for job in self.plan.jobs
            if job.id in self._tails and job.id not in self._done
            for event in self._tails[job.id].read()
        ]
        self._done |= {result.job.id: result for result in results}
        for result in results:
            self._tails.pop(result.job.id, None)
        return Seen(added=added, started=started, events=events, results=results)

    def _added(self) -> list[Job]:
        """Jobs that joined the plan (`--until`)."""
        stamp = _stamp(self.folder.path / "plan.json")
        if stamp == self._plan_at:
            return []
        known = {job.id for job in self.plan.planned}
        self.plan, self._plan_at = self.folder.plan(), stamp
        return [job for job in self.plan.jobs if job.id not in known]

    def _results(self) -> list[Result]:
        """The results that were not seen yet. One that cannot be read is a failed one, as in every table."""
        return [result for job in self.plan.jobs if job.id not in self._done for result in self._result(job)]

    def _result(self, job: Job) -> Iterator[Result]:
        try:
            found = self.folder.result(job)
        except Refused:
            raise
        except OSError:  # another user's, closed while the job runs
            return
        except UserError as error:
            status: Literal["unsupported", "failed"] = "unsupported" if isinstance(error, NewerRecord) else "failed"
            found = Result(run_id=self.plan.run_id, job=job, status=status, reason=records.reason(error))
        if found is not None:
            yield found

    def _start(self, job: Job) -> tuple[str, float]:
        """The node that it runs on, and how many seconds ago it began."""
        folder, where = self.folder.job_folder(job), ""
        begun = _stamp(folder / "job.json")
        for attempt in self._attempts(job):
            record = doors.read_record(attempt / STARTED, Started)
            if record is not None:
                begun, where = _stamp(attempt / STARTED), f" on {record.node} (Slurm job {record.number})"
        return where, max(time.time() - begun, 0.0) if begun else 0.0

    def _out(self, job: Job) -> Path:
        return [self.folder.job_folder(job), *self._attempts(job)][-1] / OUT

    def _attempts(self, job: Job) -> list[Path]:
        """The folders of its Slurm jobs, the newest last."""
        if not self._away:
            return []
        kept = self.folder.job_folder(job) / "slurm"
        found = [kept / name for name in doors.names(kept) if "-" in name]
        return sorted(
            (path for path in found if doors.kind_of(path / STARTED)), key=lambda path: _stamp(path / STARTED)
        )


def ending(plan: Plan, results: Sequence[Result], state: State) -> tuple[list[str], bool]:
    """The statuses of all planned jobs of a run that is over, but for those that a sweep found not to fit into memory,
    and whether its user stopped it.
    """
    done = {result.job.id: result for result in results}
    ends = [(job, done[job.id].status if job.id in done else "cancelled") for job in plan.jobs]
    statuses = sweeps.judged(sweeps.of_jobs(ends))
    stopped = any(result.status == "cancelled" and "by the user" in result.reason for result in done.values())
    return [*statuses, *(skip.status for skip in plan.skipped)], stopped and state == "ended"


def _stamp(path: Path) -> float:
    """When it was written last, 0.0 where that cannot be seen."""
    try:
        descriptor = doors.open_file(path)
    except OSError:
        return 0.0
    try:
        return os.fstat(descriptor).st_mtime
    finally:
        os.close(descriptor)
