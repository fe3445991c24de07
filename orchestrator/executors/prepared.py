"""What an executor has made ready for the jobs of a plan, and the parts of it that all executors share."""

from __future__ import annotations

from orchestrator.data.declared import known, load_datasets
from orchestrator.data.find import resolve
from orchestrator.errors import OrchestrateError
from orchestrator.host.probe import RESERVE_MB
from orchestrator.model import DataFile, Device, Host, Job, Noun, Plan, Say, Unavailable
from orchestrator.plan.request import Request
from orchestrator.text import one_line


class Ready(Noun, frozen=True, kw_only=True):
    """A plan whose data, stacks and devices are ready, and which of its jobs are to be run."""

    plan: Plan
    #: How jobs are started, as a resumed run must start them: a launcher's name or a runtime's file.
    launcher: str
    #: What is run of the plan: all of its jobs, unless the run is resumed.
    pending: list[Job]
    #: By job id, where it is not the first.
    attempts: dict[str, int] = {}

    def attempt(self, job: Job) -> int:
        return self.attempts.get(job.id, 1)


def equal_share_mb(host: Host, slots: list[Device]) -> int:
    """Each device's equal share of the host's memory, MiB."""
    return max(1024, (host.memory_mb - RESERVE_MB) // len(slots))


def ready_data(plan: Plan, request: Request, say: Say) -> tuple[dict[str, DataFile], list[Unavailable]]:
    """The data files of the plan's jobs, by data set, and the data sets that cannot be had.

    Raises UserError for a data set that is not known: no host has it.
    """
    found: dict[str, DataFile] = {}
    missing: list[Unavailable] = []
    datasets = load_datasets()
    wanted = sorted({job.dataset for job in plan.jobs if job.dataset} - set(plan.data))
    for name in wanted:
        known(datasets, name)
    for name in wanted:
        try:
            found |= resolve(
                datasets, [name], request.data_dir, allow_fetch=request.may_fetch, allow_synthetic=True, say=say
            )
        except OrchestrateError as error:
            say(f"data set {name}: {error.message}")
            missing.append(Unavailable(dataset=name, status="failed", reason=one_line(f"data: {error.message}", 1000)))
    return {**plan.data, **found}, missing
