"""The `Executor` protocol: where the jobs of a run are measured, on this host or on a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

from orchestrator.executors.prepared import Ready
from orchestrator.host.checks import Check
from orchestrator.model import Host, Job, Plan, RawEvent, Result
from orchestrator.results.folder import RunFolder


class Listener(Protocol):
    """Hears what happens in a run: the progress display, or a test's list. Any number of threads may call it."""

    def expect(self, more: int) -> None:
        """So many more jobs will be run."""

    def started(self, job: Job, where: str = "") -> None:
        """A job starts; `where` names the node, for jobs that run elsewhere."""

    def event(self, job: Job, event: RawEvent) -> None:
        """A running job has reported something."""

    def finished(self, result: Result) -> None:
        """A job has its result, which is on disk by now."""

    def say(self, line: str) -> None:
        """One line for the person who watches."""


class Executor(Protocol):
    """Where the jobs of one run are measured. Made for one request; holds what it has asked of the host."""

    def host(self) -> Host:
        """What a plan may count on: cores, GPUs. Asked once."""

    def prepare(self, plan: Plan, fresh: bool = True) -> Ready:
        """Makes stacks, data and devices ready for the jobs of `plan`; what cannot be had costs its own jobs only.

        Data files that the plan names are taken as they are. A plan that is not `fresh` has run before: a job that
        could never run is then no reason to refuse the others. Raises HostError where nothing of a plan can run.
        """

    def describe(self, plan: Plan) -> tuple[Plan, dict[str, list[str]]]:
        """The plan without what cannot run here, and the command of each job by its id. No side effects."""

    def identities(self, ready: Ready, jobs: Iterable[Job]) -> dict[str, Mapping[str, Any]]:
        """By job id, what it would be made with now: the fields of a `Fingerprint` that are known before it runs."""

    def run(self, ready: Ready, folder: RunFolder, listener: Listener) -> Iterator[Result]:
        """Runs the pending jobs. Yields exactly one result per job, each on disk by then; closing it stops the run."""

    def stop(self) -> None:
        """From any thread: running jobs end, waiting ones become `cancelled` results."""

    def examine(self) -> list[Check]:
        """What a run of this request would need, and what there is. Reads only."""


@runtime_checkable
class Detachable(Protocol):
    """An executor whose jobs go on without the orchestrator. Both calls give the number of jobs by where they stand."""

    def hand_in(self, ready: Ready, folder: RunFolder, listener: Listener) -> dict[str, int]:
        """Submits as many of the pending jobs as the queue may hold, and returns without waiting for them."""

    def collect(self, ready: Ready, folder: RunFolder, listener: Listener) -> dict[str, int]:
        """Records the jobs that have ended; submits and stops nothing."""
