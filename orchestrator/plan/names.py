"""What people call a job: one name for it in progress, plans, tables and failures. Programs get its id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import NamedTuple, Protocol

from orchestrator.model import Noun, Row, Stack, Workload
from orchestrator.stats.sweeps import axes_of
from orchestrator.text import printable

#: Letters of a name that somebody else has chosen: a file's, a stack's.
MOST_LETTERS = 100


class Called(Protocol):
    """What a job's name is made of."""

    @property
    def workload(self) -> str: ...
    @property
    def variant(self) -> str: ...
    @property
    def stack(self) -> str: ...
    @property
    def backend(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def axes_text(self) -> str: ...
    @property
    def repeat(self) -> int: ...


class Recorded(NamedTuple):
    """The same of a result row."""

    workload: str
    variant: str
    stack: str
    backend: str
    device: str
    repeat: int
    axes_text: str = ""


def recorded(row: Row) -> Recorded:
    workload, variant, stack, backend, device = (str(row.get(name) or "") for name in Recorded._fields[:5])
    return Recorded(
        workload, variant, stack, backend, device, row.get("repeat") or 1, axes_text=str(row.get("axes") or "")
    )


def axis_in_words(name: str, value: str) -> str:
    """`batch 32`, `mixed_float16`, `jit off`, `2 threads`."""
    if name == "threads":
        return f"{value} thread{'' if value == '1' else 's'}"
    if name in ("precision", "optimizer"):
        return value
    return f"{'batch' if name == 'batch_size' else name} {value}"


def axes_in_words(text: str) -> list[str]:
    """What is varied, in words: `batch_size=32 jit=off` is batch 32, jit off."""
    return [axis_in_words(name, value) for name, value in axes_of(text).items()]


class Names(Noun, frozen=True, kw_only=True):
    """The names of one run's jobs: `MNIST CNN on PyTorch 2.13.0 (cpu), repeat 2`.

    `workloads`: what a workload is called, by its name. `contenders`: what a backend in a stack is called, by
    `stack/backend`. `repeats`: whether any job of the run is a repeat of another. What is not known here keeps the
    name that it has in the plan.
    """

    workloads: dict[str, str] = {}
    contenders: dict[str, str] = {}
    repeats: bool = False

    def workload(self, job: Called) -> str:
        """Its model, and what of the run's settings it has."""
        title = printable(self.workloads.get(job.workload, job.workload), MOST_LETTERS)
        return ", ".join([title, *map(printable, axes_in_words(job.axes_text))])

    def contender(self, job: Called) -> str:
        """`PyTorch 2.13.0 (cpu)`: the framework, the kind of device, and today's settings where it has those."""
        name = printable(self.contenders.get(f"{job.stack}/{job.backend}", job.backend), MOST_LETTERS)
        return f"{name} ({job.device}{', modern' if job.variant == 'modern' else ''})"

    def cell(self, job: Called) -> str:
        """What all repeats of a job are called."""
        return f"{self.workload(job)} on {self.contender(job)}"

    def job(self, job: Called) -> str:
        return self.cell(job) + (f", repeat {job.repeat}" if self.repeats or job.repeat > 1 else "")


def names(jobs: Iterable[Called], workloads: Sequence[Workload], stacks: Sequence[Stack]) -> Names:
    """The names of the jobs of one run. No two cells of it have the same."""
    planned = list(jobs)
    used = {(job.stack, job.backend) for job in planned}
    contenders = {
        (stack.name, backend.name): backend.title
        for stack in stacks
        for backend in (*stack.backends, *stack.plain)
        if (stack.name, backend.name) in used
    }
    called = {workload.name: _title(workload) for workload in workloads}
    asked = {job.workload for job in planned}
    twice = {title for title, n in Counter(called[name] for name in asked & called.keys()).items() if n > 1}
    return Names(
        workloads={name: f"{title}, {name}" if title in twice else title for name, title in called.items()},
        contenders={
            f"{stack}/{backend}": f"{title} in {stack}" if _is_twice(title, contenders.values()) else title
            for (stack, backend), title in contenders.items()
        },
        repeats=any(job.repeat > 1 for job in planned),
    )


def _title(workload: Workload) -> str:
    return PurePath(workload.brought.path).name if workload.brought else workload.title


def _is_twice(title: str, titles: Iterable[str]) -> bool:
    return list(titles).count(title) > 1
