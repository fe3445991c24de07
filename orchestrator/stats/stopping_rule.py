"""How often is enough? Further repeats for the cells whose time is not yet known as well as wished. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import msgspec

from orchestrator.model import Job, Noun, Plan
from orchestrator.stats.inference import Repeats, half_width

Cell = tuple[str, str, str, str, str]
#: An interval from fewer repeats says little about itself (docs/PROTOCOL.md).
LEAST = 5
#: A cell that failed this often is not run again.
MOST_FAILURES = 2


class CellState(Noun, frozen=True, kw_only=True):
    """Where one cell stands. `half_width` is relative: 0.02 is 2 %; None with fewer than two good repeats."""

    cell: str
    repeats: int
    failures: int
    half_width: float | None
    state: str  # settled, open, given up


class Ending(Noun, frozen=True, kw_only=True):
    """until.json: what ended a run with a bound, and where each cell stood."""

    bound: float
    budget_s: int
    ended_by: str  # bound, budget, failures, interrupt
    added_jobs: int
    cells: list[CellState]


def states(plan: Plan, repeats: Mapping[Cell, Repeats], failures: Mapping[Cell, int], bound: float) -> list[CellState]:
    """One per cell that was to run, in plan order."""
    found = []
    for cell in dict.fromkeys(job.cell for job in plan.jobs):
        known = repeats.get(cell, [])
        width, failed = half_width(known), failures.get(cell, 0)
        settled = len(known) >= LEAST and width is not None and width <= bound
        state = "settled" if settled else "given up" if failed >= MOST_FAILURES else "open"
        found.append(CellState(cell=".".join(cell), repeats=len(known), failures=failed, half_width=width, state=state))
    return found


def next_jobs(plan: Plan, found: Sequence[CellState]) -> list[Job]:
    """One further repeat of every cell of a task in which one is open, in a seeded order, planned like those before.

    Contenders end together: a cell that ended by itself would do so where its own repeats happened to agree, and their
    spread, which every verdict rests on, would look too small.
    """
    latest = {".".join(job.cell): job for job in sorted(plan.jobs, key=lambda job: job.repeat)}
    open_tasks = {_task(latest[state.cell]) for state in found if state.state == "open"}
    given_up = {state.cell for state in found if state.state == "given up"}
    added = [
        msgspec.structs.replace(job, repeat=job.repeat + 1, seed=(job.seed + 1) % 2**31)
        for cell, job in latest.items()
        if _task(job) in open_tasks and cell not in given_up
    ]
    random.Random(f"{plan.seed} {len(plan.jobs)}").shuffle(added)
    return added


def _task(job: Job) -> tuple[str, str, str]:
    """What contenders have in common: a row of a report."""
    return job.workload, job.variant, job.device


def ended_by(found: Sequence[CellState]) -> str:
    """What ended it where neither the budget nor the user did."""
    return "failures" if any(state.state == "given up" for state in found) else "bound"


def closing(ending: Ending) -> list[str]:
    words = {
        "bound": "every cell is known that well",
        "budget": "the budget is spent",
        "failures": "all cells are known that well but those that kept failing",
        "interrupt": "stopped by the user",
    }
    lines = [f"until ±{100 * ending.bound:g} %: {words[ending.ended_by]}; {ending.added_jobs} jobs were added"]
    for state in ending.cells:
        width = "unknown" if state.half_width is None else f"±{100 * state.half_width:.1f} %"
        lines.append(f"  {state.cell}: {width} after {state.repeats} repeats, {state.state}")
    return lines
