"""What rows say along one axis of a run that varies settings (`--vary`). Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from orchestrator.model import Job, Row

#: Settings that leave what a model learns as it is: all others are other work, or other steps.
KEEPS_WORK = frozenset({"precision", "jit", "threads", "pipeline"})
#: Values of axes that are no numbers against which others are seen.
PLAIN = frozenset({"off", "float32", "false"})
#: What was measured, its settings, and how it ended.
Ended = tuple[tuple[str, ...], Mapping[str, str], str]


def axes_of(text: object) -> dict[str, str]:
    """{"batch_size": "32"} of `batch_size=32`, as columns have it."""
    return {name: value for name, _, value in (word.partition("=") for word in str(text or "").split())}


def in_order(values: Iterable[str]) -> list[str]:
    """The values of an axis as tables, charts and comparisons have them."""
    return sorted(values, key=place)


def place(value: str) -> tuple[bool, float, bool, str]:
    """What the values of an axis are sorted by: numbers by size, then words, with what leaves a thing out first."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    known = math.isfinite(number)
    return not known, number if known else 0.0, value not in PLAIN, value


def otherwise(row: Row) -> str:
    """`asked jit=on, got off`: where a job did not get what was asked; "" where it did, or where nothing is known."""
    asked, got = axes_of(row.get("axes")), axes_of(row.get("axes_got"))
    said = [f"asked {name}={value}, got {got[name]}" for name, value in asked.items() if _other(value, got.get(name))]
    return "; ".join(said)


def _other(asked: str, got: str | None) -> bool:
    """Whether it is another value; `auto` leaves the choice to Keras."""
    if got is None or asked in (got, "auto"):
        return False
    try:
        return float(asked) != float(got)
    except ValueError:
        return True


def misfits(found: Sequence[Ended]) -> list[bool]:
    """Which of them ran out of memory where another value of one of their axes did not: a finding, and no failure."""
    well = [(cell, axes) for cell, axes, status in found if status == "ok"]
    return [
        status == "oom" and any(cell == other and _apart(axes, its) == 1 for other, its in well)
        for cell, axes, status in found
    ]


def _apart(a: Mapping[str, str], b: Mapping[str, str]) -> int:
    """In how many axes two settings differ."""
    return sum(a.get(name) != b.get(name) for name in a.keys() | b.keys())


def of_rows(rows: Iterable[Row]) -> list[Ended]:
    from orchestrator.stats.repeats import CELL  # imported here because it loads numpy

    return [(tuple(str(row.get(name)) for name in CELL), axes_of(row.get("axes")), str(row["status"])) for row in rows]


def of_jobs(jobs: Iterable[tuple[Job, str]]) -> list[Ended]:
    return [((job.workload, job.variant, job.stack, job.backend, job.device), job.axes, status) for job, status in jobs]


def judged(found: Sequence[Ended]) -> list[str]:
    """The statuses by which a run as a whole is judged: those of jobs that did not fit are left out."""
    fits = misfits(found)
    return [status for (_, _, status), misfit in zip(found, fits, strict=True) if not misfit]
