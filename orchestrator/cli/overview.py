"""The overview that `plan` prints: which models on which contenders, and what that takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from orchestrator.cli.tables import Column, paragraph, table
from orchestrator.model import Job, Plan, Skip
from orchestrator.plan.names import Names
from orchestrator.run.forecast import Forecast
from orchestrator.stacks.expected import room_in_words, time_in_words
from orchestrator.stats.sweeps import place
from orchestrator.text import duration, listed, plural, room, whole_minutes

#: Jobs that are named for one reason.
MOST_NAMED = 4


def overview(plan: Plan, names: Names, expected: Forecast, limit: int | None = None) -> list[str]:
    """The plan in lines: the matrix, what will not run and why, and what the rest takes."""
    lines = paragraph(_headline(plan, names), limit)
    if plan.planned:
        lines += ["", *_matrix(plan, names, limit)]
    if plan.skipped:
        lines += ["", *_left_out(plan.skipped, names, limit)]
    return [*lines, "", *_needs(plan, expected, limit)]


def _headline(plan: Plan, names: Names) -> str:
    models = plural(len({job.workload for job in plan.planned}), "model")
    settings = len({job.axes_text for job in plan.planned})
    models += f" × {settings} settings" if settings > 1 else ""
    contenders = plural(len({names.contender(job) for job in plan.planned}), "contender")
    repeats = plural(max((job.repeat for job in plan.planned), default=0), "repeat")
    amounts = dict.fromkeys(job.scale for job in plan.planned)
    scale = f", {listed(amounts)}" if amounts else ""
    return f"{plural(len(plan.planned), 'job')}: {models} × {contenders} × {repeats}{scale}"


def _matrix(plan: Plan, names: Names, limit: int | None) -> list[str]:
    """Contenders down, models across: how many jobs of each there are, or what became of them."""
    jobs = sorted(plan.planned, key=lambda job: _place(job, names))
    models = list(dict.fromkeys(names.workload(job) for job in jobs))
    status = {skip.job.id: skip.status for skip in plan.skipped}
    cells: dict[tuple[str, str], list[str]] = {}
    for job in jobs:
        cells.setdefault((names.contender(job), names.workload(job)), []).append(status.get(job.id, ""))
    contenders = dict.fromkeys(contender for contender, _ in cells)
    if any(job.axes for job in jobs):  # many short rows instead of many columns
        rows = [[model, *(_count(cells.get((one, model), [])) for one in contenders)] for model in models]
        return table([Column("model"), *(Column(one, "figure") for one in contenders)], rows, limit)
    rows = [[one, *(_count(cells.get((one, model), [])) for model in models)] for one in contenders]
    return table([Column("contender"), *(Column(model, "figure") for model in models)], rows, limit)


def _place(job: Job, names: Names) -> tuple[Any, ...]:
    """Models and contenders as the catalog has them: a plan's own order is shuffled."""
    models, contenders = list(names.workloads), list(names.contenders)
    key = f"{job.stack}/{job.backend}"
    return (
        models.index(job.workload) if job.workload in models else len(models),
        contenders.index(key) if key in contenders else len(contenders),
        job.variant,
        job.workload,
        [(name, place(value)) for name, value in job.axes.items()],
    )


def _count(statuses: Sequence[str]) -> str:
    """`5`, `5 unsupported`, or `3, 2 excluded`; nothing where nothing was asked for."""
    counted = {status: statuses.count(status) for status in dict.fromkeys(statuses)}
    return ", ".join(f"{count} {status}".strip() for status, count in counted.items())


def _left_out(skipped: Sequence[Skip], names: Names, limit: int | None) -> list[str]:
    groups: dict[tuple[str, str], dict[str, int]] = {}
    for skip in skipped:
        its = groups.setdefault((skip.status, skip.reason), {})
        its[names.cell(skip.job)] = its.get(names.cell(skip.job), 0) + 1
    rows = []
    for (status, why), jobs in groups.items():
        named = [*list(jobs)[:MOST_NAMED], *["..."] * (len(jobs) > MOST_NAMED)]
        rows.append([status, str(sum(jobs.values())), named, why])
    columns = [Column("will not run"), Column("jobs", "figure"), Column("which", "words"), Column("why", "words")]
    return table(columns, rows, limit)


def _needs(plan: Plan, expected: Forecast, limit: int | None) -> Iterator[str]:
    rows = [
        ["where", f"{expected.device}; {expected.launcher}"],
        ["time", _time(plan, expected)],
        *([["images", f"to make them: {time_in_words(expected.making)}"]] if expected.making.images else []),
        ["disk", _disk(expected)],
        ["network", "; ".join(expected.network) or "none needed"],
        *(["data", f"{row.dataset}: {_data(row.state, row.kind, row.path)}"] for row in expected.data),
    ]
    yield from table([Column(""), Column("what it takes", "words")], rows, limit)


def _data(state: str, kind: str | None, path: str | None) -> str:
    if state == "missing":
        return "not here"
    return f"{'SYNTHETIC' if kind == 'synthetic' else kind or state}, {path}"


def _time(plan: Plan, expected: Forecast) -> str:
    """About how long, where earlier runs on this host tell."""
    count = len(plan.jobs)
    if not expected.timed:
        return "unknown: no earlier run here has these jobs" if count else "none"
    about = f"about {duration(whole_minutes(expected.wall_s))}, as in earlier runs here"
    if expected.timed < count:
        about += f", and {plural(count - expected.timed, 'job')} of unknown length"
    return f"{about}; beside it, the images that must be made" if expected.to_make else about


def _disk(expected: Forecast) -> str:
    if expected.to_make is None:
        return "what its environments take where they are not there yet; results are small"
    if not expected.to_make:
        return "no image is to be made; results are small"
    free = "" if expected.free_mb is None else f" (free: {room(expected.free_mb)})"
    needed = f"{room_in_words(expected.making)}{free}"
    return f"{needed} for {plural(len(expected.to_make), 'image')} to be made: {', '.join(expected.to_make)}"
