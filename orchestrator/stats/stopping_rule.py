"""Stopping rule of `--until`: which cells need another repeat before their interval is narrow enough."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import msgspec

from orchestrator.model import Job, Noun, Plan
from orchestrator.stats.blocks import in_order
from orchestrator.stats.inference import Repeats, half_width

Cell = tuple[str, ...]
#: The fewest repeats of a settled cell: an interval from fewer is itself too uncertain (docs/PROTOCOL.md).
LEAST = 5
#: So many disturbed repeats of a cell are made up for by others; on a host that is never quiet, the rest must do.
MOST_DISTURBED = 5
#: A cell that has failed this often is given up.
MOST_FAILURES = 2


class CellState(Noun, frozen=True, kw_only=True):
    """Where one cell stands. `half_width` is relative: 0.02 is 2 %; None with fewer than two good repeats."""

    cell: str
    repeats: int
    failures: int
    half_width: float | None
    state: str  # settled, open, given up
    #: Those of the repeats that were disturbed.
    disturbed: int = 0


class Ending(Noun, frozen=True, kw_only=True):
    """until.json: the bound that `--until` set, what ended the run, and where each cell stood then."""

    bound: float
    budget_s: int
    ended_by: str  # bound, budget, failures, interrupt
    added_jobs: int
    cells: list[CellState]


def states(
    plan: Plan,
    repeats: Mapping[Cell, Repeats],
    failures: Mapping[Cell, int],
    bound: float,
    disturbed: Mapping[Cell, int] | None = None,
) -> list[CellState]:
    """The state of each cell that was to run, in plan order. `bound` is the relative half width that settles it.

    `disturbed` is how many repeats of a cell were disturbed: the interval holds them all, as the report's does, but
    LEAST repeats must have been quiet.
    """
    found = []
    for cell in dict.fromkeys(job.cell for job in plan.jobs):
        known = repeats.get(cell, [])
        width, failed = half_width(known), failures.get(cell, 0)
        noisy = (disturbed or {}).get(cell, 0)
        settled = len(known) - min(noisy, MOST_DISTURBED) >= LEAST and width is not None and width <= bound
        state = "settled" if settled else "given up" if failed >= MOST_FAILURES else "open"
        found.append(
            CellState(
                cell=".".join(cell),
                repeats=len(known),
                failures=failed,
                half_width=width,
                state=state,
                disturbed=noisy,
            )
        )
    return found


def next_jobs(plan: Plan, found: Sequence[CellState]) -> list[Job]:
    """One further repeat of every cell of each task in which a cell is open, in a seeded order.

    All contenders of a task end together. A cell that ended on its own would do so where its repeats happened to
    agree, and their spread, which every verdict rests on, would look too small.
    """
    latest = {".".join(job.cell): job for job in sorted(plan.jobs, key=lambda job: job.repeat)}
    open_tasks = {_task(latest[state.cell]) for state in found if state.state == "open"}
    given_up = {state.cell for state in found if state.state == "given up"}
    added = [
        msgspec.structs.replace(job, repeat=job.repeat + 1, seed=(job.seed + 1) % 2**31)
        for cell, job in latest.items()
        if _task(job) in open_tasks and cell not in given_up
    ]
    return in_order(added, random.Random(f"{plan.seed} {len(plan.jobs)}"))


def _task(job: Job) -> tuple[str, str, str]:
    """What contenders share: the workload, its variant and the kind of device."""
    return job.workload, job.variant, job.device


def ended_by(found: Sequence[CellState]) -> str:
    """What ended a run that neither the budget nor the user ended."""
    return "failures" if any(state.state == "given up" for state in found) else "bound"


def closing(ending: Ending) -> list[str]:
    """The lines about `--until` at the end of a run."""
    words = {
        "bound": "every cell is known that well",
        "budget": "the budget is spent",
        "failures": "all cells are known that well but those that kept failing",
        "interrupt": "stopped by the user",
    }
    lines = [f"until ±{100 * ending.bound:g} %: {words[ending.ended_by]}; {ending.added_jobs} jobs were added"]
    for state in ending.cells:
        width = "unknown" if state.half_width is None else f"±{100 * state.half_width:.1f} %"
        noisy = f" ({state.disturbed} of them disturbed)" if state.disturbed else ""
        lines.append(f"  {state.cell}: {width} after {state.repeats} repeats{noisy}, {state.state}")
    return lines
