"""The `Executor` protocol: where the jobs of a run are measured, on this host or on a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

from orchestrator.executors.prepared import Ready
from orchestrator.host.checks import Check
from orchestrator.model import Host, Job, Noun, Plan, RawEvent, Result
from orchestrator.plan.names import Names
from orchestrator.plan.request import RunRequest
from orchestrator.results.folder import RunFolder


class Outlook(Noun, frozen=True, kw_only=True):
    """What is known of a run before its first job starts: what people call things, and what earlier jobs took."""

    names: Names = Names()
    #: Those that are to be run, and the results that are there already.
    jobs: list[Job] = []
    done: list[Result] = []
    #: Seconds that the same job took in earlier runs, by job id; a job that never ran here is not there.
    seconds: dict[str, float] = {}


class Listener(Protocol):
    """Hears what happens in a run: the progress display, or a test's list. Any number of threads may call it."""

    def planned(self, outlook: Outlook) -> None:
        """What is known before the first job. Without it, things go by their plain names."""

    def expect(self, more: int) -> None:
        """`more` further jobs will be run."""

    def started(self, job: Job, where: str = "") -> None:
        """A job starts; `where` names the node, for jobs that run elsewhere."""

    def event(self, job: Job, event: RawEvent) -> None:
        """A running job has reported something."""

    def finished(self, result: Result) -> None:
        """A job has its result, which is on disk by now."""

    def say(self, line: str) -> None:
        """One line for the person who watches."""


class Executor(Protocol):
    """Where the jobs of one run are measured. Made for one request; keeps what it has learned about the host."""

    #: The request as this executor carries it out: with what its own settings imply, such as a GPU.
    request: RunRequest

    def host(self) -> Host:
        """The machine that the plan is made for: cores, GPUs. Examined once, then kept."""

    def prepare(self, plan: Plan, fresh: bool = True) -> Ready:
        """Makes stacks, data and devices ready for the plan; what is missing removes only the jobs that need it.

        Data files that the plan names are used as they are. `fresh` is False for a run that is resumed: a job that can
        never run is then no reason to refuse the others. Raises HostError where no job of the plan can run.
        """

    def describe(self, plan: Plan) -> tuple[Plan, dict[str, list[str]]]:
        """The plan without what cannot run here, and the command of each job by its id. No side effects."""

    def identities(self, ready: Ready, jobs: Iterable[Job]) -> dict[str, Mapping[str, Any]]:
        """By job id, those fields of the `Fingerprint` it would get if it ran now that are known before it runs."""

    def run(self, ready: Ready, folder: RunFolder, listener: Listener) -> Iterator[Result]:
        """Runs the pending jobs; yields one result per job, each already on disk. Closing the iterator stops it."""

    def stop(self) -> None:
        """From any thread: running jobs end, waiting ones become `cancelled` results."""

    def examine(self) -> list[Check]:
        """The checks that `orchestrate doctor` prints for this request. Reads only."""


@runtime_checkable
class Detachable(Protocol):
    """An executor whose jobs continue without the orchestrator.

    Both calls give the number of jobs by state: on record, running, in the queue, not submitted.
    """

    def hand_in(self, ready: Ready, folder: RunFolder, listener: Listener) -> dict[str, int]:
        """Submits as many pending jobs as `slurm.queue` allows, and returns without waiting for them."""

    def collect(self, ready: Ready, folder: RunFolder, listener: Listener) -> dict[str, int]:
        """Records the jobs that have ended; submits and stops nothing."""
