"""What an executor has made ready for the jobs of a plan, and the parts of it that all executors share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from orchestrator.data.declared import known, load_datasets
from orchestrator.data.find import resolve
from orchestrator.errors import OrchestrateError, UserError
from orchestrator.files import holds_home
from orchestrator.host.probe import RESERVE_MB
from orchestrator.launchers.launcher import Laid
from orchestrator.model import DataFile, Device, Host, Job, Layer, Noun, OwnFile, Plan, Say, Stack, Unavailable
from orchestrator.plan.request import Request
from orchestrator.stacks import layers
from orchestrator.stacks.ground import Ground, Unfit
from orchestrator.stacks.provisioner import format_error
from orchestrator.stacks.venvs import Way
from orchestrator.text import one_line

T = TypeVar("T")


class Ready(Noun, frozen=True, kw_only=True):
    """A plan whose data, stacks and devices are ready, and which of its jobs are to be run."""

    plan: Plan
    #: How jobs are started, as a resumed run must start them: a launcher's name or a runtime's file.
    launcher: str
    #: What is run of the plan: all of its jobs, unless the run is resumed.
    pending: list[Job]
    #: By job id, where it is not the first.
    attempts: dict[str, int] = {}
    #: By job id, about how many seconds a job takes, where an earlier run tells.
    seconds: dict[str, float] = {}

    def attempt(self, job: Job) -> int:
        return self.attempts.get(job.id, 1)


def equal_share_mb(host: Host, slots: list[Device]) -> int:
    """Each device's equal share of the host's memory, MiB."""
    return max(1024, (host.memory_mb - RESERVE_MB) // len(slots))


def refuse_unshowable(launcher: str, plan: Plan, data: Mapping[str, str]) -> None:
    """Raises UserError for what no container may see: a folder that has all of the caller's home in it, with his keys;
    and for data that are neither a file nor a folder, such as the socket of the engine."""
    if launcher == "process":
        return
    folders = [Path(own.path).parent for own in plan.own.values() if not own.alone]
    for path in (*folders, *map(Path, data.values())):
        if not (path.is_file() or path.is_dir()):
            raise UserError(f"{path} is neither a file nor a folder", "name one")
        if holds_home(path):
            raise UserError(
                f"{path} holds your home folder, and a container would see all of it: keys, other runs",
                "move the script, or the data, into a folder of its own; `--launcher process` hides nothing anyway",
            )


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


def ready_layers(
    plan: Plan, stacks: Sequence[Stack], ground: Callable[[Stack], Ground], way: Way, say: Say
) -> tuple[list[Laid], list[Unavailable]]:
    """The packages of the plan's files of one's own, made for each stack that runs them; and what cannot be had."""
    return _each_layer(plan, stacks, ground, way, say, layers.ready)


def locked_layers(
    plan: Plan, stacks: Sequence[Stack], ground: Callable[[Stack], Ground], way: Way, say: Say
) -> tuple[list[Layer], list[Unavailable]]:
    """The same, only locked: they are made elsewhere."""
    return _each_layer(plan, stacks, ground, way, say, layers.locked)


def _each_layer(
    plan: Plan,
    stacks: Sequence[Stack],
    ground: Callable[[Stack], Ground],
    way: Way,
    say: Say,
    do: Callable[[Ground, str, OwnFile, Layer | None, Way, Say], T],
) -> tuple[list[T], list[Unavailable]]:
    found: list[T] = []
    missing: list[Unavailable] = []
    for stack, name, own in with_packages(plan, stacks):
        try:
            found.append(do(ground(stack), name, own, on_record(plan, stack.name, name), way, say))
        except OrchestrateError as error:
            say(format_error(stack, error))
            missing.append(without_packages(stack, name, error))
    return found, missing


def assumed_layers(plan: Plan, stacks: Sequence[Stack], ground: Callable[[Stack], Ground]) -> list[Laid]:
    """The same for a plan that is only shown: nothing is made."""
    return [
        layers.assumed(ground(stack), name, own, on_record(plan, stack.name, name))
        for stack, name, own in with_packages(plan, stacks)
    ]


def with_packages(plan: Plan, stacks: Sequence[Stack]) -> list[tuple[Stack, str, OwnFile]]:
    """Each file of one's own that asks for packages, and its workload's name, with each stack that runs it."""
    pairs = {(job.stack, job.workload) for job in plan.jobs}
    return [
        (stack, name, own)
        for stack in stacks
        for name, own in plan.own.items()
        if own.packages and (stack.name, name) in pairs
    ]


def without_packages(stack: Stack, workload: str, error: OrchestrateError) -> Unavailable:
    """A file of one's own that a stack cannot run, because of its packages."""
    reason = one_line("; ".join(filter(None, [error.message, error.hint])), 1000)
    status: Literal["unsupported", "failed"] = "unsupported" if isinstance(error, Unfit) else "failed"
    return Unavailable(stack=stack.name, workload=workload, status=status, reason=reason)


def on_record(plan: Plan, stack: str, workload: str) -> Layer | None:
    """The packages of a file as a recorded run had them."""
    return next((layer for layer in plan.layers if (layer.stack, layer.workload) == (stack, workload)), None)


def with_layers(plan: Plan, found: Iterable[Layer]) -> Plan:
    """The plan with what was found in place of what it had on record for the same."""
    known = {(layer.stack, layer.workload): layer for layer in (*plan.layers, *found)}
    return msgspec.structs.replace(plan, layers=list(known.values()))
