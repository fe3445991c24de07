"""Runs a plan until its cells are known well enough, or the budget ends: plan, execute, look, plan again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import msgspec

from orchestrator import merge, records, until, wiring
from orchestrator.catalog import Catalog
from orchestrator.model import Plan, to_json
from orchestrator.progress import Progress
from orchestrator.repeats import by_cell, repeats_of, steady_epochs

Say = Callable[[str], None]


def execute_until(
    ready: wiring.Prepared,
    catalog: Catalog,
    folder: records.RunFolder,
    progress: Progress,
    say: Say,
    bound: float,
    budget_s: int,
) -> tuple[bool, list[str]]:
    """Executes `ready`, then round after round of further repeats. Gives whether
    the user stopped it, and in words how it ended; until.json says the same.

    Jobs join the plan on disk before they start, so that each is one row whatever happens. The budget bounds the
    start of rounds, counted from the call; a job that runs is not cut short.
    """
    deadline = time.monotonic() + budget_s
    planned = len(ready.plan.jobs)
    plan, interrupted = ready.plan, wiring.execute(ready, catalog, folder, progress, say)
    while True:
        found = look(plan, folder, bound)
        added = until.next_jobs(plan, found)
        if interrupted or not added or time.monotonic() >= deadline:
            break
        plan = msgspec.structs.replace(plan, jobs=[*plan.jobs, *added])
        folder.write_plan(plan)
        progress.expect(len(added))
        batch = msgspec.structs.replace(ready, plan=plan, pending=added)
        interrupted = wiring.execute(batch, catalog, folder, progress, say)
    reason = "interrupt" if interrupted else "budget" if added else until.ended_by(found)
    ending = until.Ending(
        bound=bound, budget_s=budget_s, ended_by=reason, added_jobs=len(plan.jobs) - planned, cells=found
    )
    records.write_atomic(folder.path / "until.json", to_json(ending))
    return interrupted, until.closing(ending)


def look(plan: Plan, folder: records.RunFolder, bound: float) -> list[until.CellState]:
    """How well each cell is known by what is on record."""
    results = folder.results()
    steady = steady_epochs(merge.epoch_rows(results.values()))
    rows = by_cell(merge.merge_run(plan, results, {}))
    failures = Counter(result.job.cell for result in results.values() if result.status != "ok")
    known = {cell: repeats_of(members, steady) for cell, members in rows.items()}
    return until.states(plan, known, failures, bound)
