"""Repeats the cells of a plan until their times are known well enough, or the budget ends."""

from __future__ import annotations

import time
from collections import Counter

import msgspec

from orchestrator.executors.executor import Executor, Listener
from orchestrator.executors.prepared import Ready
from orchestrator.files import write_atomic
from orchestrator.model import Plan, to_json
from orchestrator.results.folder import RunFolder
from orchestrator.results.rows import epoch_rows, merge_run
from orchestrator.run import owner
from orchestrator.run.execute import execute
from orchestrator.stats import stopping_rule
from orchestrator.stats.disturbance import disturbed
from orchestrator.stats.repeats import by_cell, repeats_of, steady_epochs
from orchestrator.text import silent


def execute_until(
    executor: Executor, ready: Ready, folder: RunFolder, listener: Listener, bound: float, budget_s: int
) -> tuple[bool, list[str]]:
    """Executes `ready`, then round after round of further repeats.

    Gives whether the user stopped it, and in words how it ended; until.json says the same. Jobs join the plan on disk
    before they start, so that each is one row whatever happens. The budget bounds the start of rounds, counted from
    the call; a job that runs is not cut short.
    """
    deadline = time.monotonic() + budget_s
    planned = len(ready.plan.jobs)
    plan, interrupted = ready.plan, execute(executor, ready, folder, listener)
    while True:
        found = known_so_far(plan, folder, bound)
        added = stopping_rule.next_jobs(plan, found)
        if interrupted or not added or time.monotonic() >= deadline:
            break
        plan = msgspec.structs.replace(plan, jobs=[*plan.jobs, *added])
        folder.write_plan(owner.sealed(plan, silent))
        batch = msgspec.structs.replace(ready, plan=plan, pending=added)
        interrupted = execute(executor, batch, folder, listener)
    reason = "interrupt" if interrupted else "budget" if added else stopping_rule.ended_by(found)
    ending = stopping_rule.Ending(
        bound=bound, budget_s=budget_s, ended_by=reason, added_jobs=len(plan.jobs) - planned, cells=found
    )
    write_atomic(folder.path / "until.json", to_json(ending))
    return interrupted, stopping_rule.closing(ending)


def known_so_far(plan: Plan, folder: RunFolder, bound: float) -> list[stopping_rule.CellState]:
    """How well the time of each cell is known by what is on record."""
    results = folder.results()
    steady = steady_epochs(epoch_rows(results.values()))
    samples = {result.job.id: folder.samples(result.job) for result in results.values()}
    readings = {job_id: folder.gpu_samples(result) for job_id, result in results.items()}
    rows = by_cell(merge_run(plan, results, samples, readings))
    failures = Counter(result.job.cell for result in results.values() if result.status != "ok")
    known = {cell: repeats_of(members, steady) for cell, members in rows.items()}
    noisy = {cell: len(disturbed(members)) for cell, members in rows.items()}
    return stopping_rule.states(plan, known, failures, bound, noisy)
