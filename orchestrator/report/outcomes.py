"""Jobs without a result: which they are, how their status looks, and which section tells of them."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.model import NOT_RUN, PENDING, UNFINISHED, Row
from orchestrator.report.blocks import Span
from orchestrator.stats.sweeps import misfits, of_rows

#: Names of sections to which others link.
FAILURES_SECTION, NOT_RUN_SECTION, SWEEPS_SECTION = "failures", "not-run", "sweeps"
NO_REASON = "no reason known"


def failures(rows: Iterable[Row]) -> list[Row]:
    """The rows of jobs that should have run and did not end well. What did not fit along an axis is a finding."""
    found = list(rows)
    bad = [row for row in found if row["status"] not in {"ok", *UNFINISHED, *NOT_RUN}]
    fits = {id(row) for row in did_not_fit(found)}
    return [row for row in bad if id(row) not in fits]


def did_not_fit(rows: Iterable[Row]) -> list[Row]:
    """The rows of jobs that ran out of memory where another value of what is varied did not."""
    found = list(rows)
    if all(row["status"] != "oom" for row in found):
        return []
    return [row for row, misfit in zip(found, misfits(of_rows(found)), strict=True) if misfit]


def not_run(rows: Iterable[Row]) -> list[Row]:
    """The rows of jobs that were never meant to run on this host."""
    return [row for row in rows if row["status"] in NOT_RUN]


def called(row: Row) -> str:
    """What people call the job."""
    return str(row.get("called") or row["job_id"])


def name_and_id(row: Row) -> list[str | Span]:
    """The same, with its id beside it, under which its files lie."""
    job = str(row["job_id"])
    return [called(row), " ", Span(job, "aside")] if called(row) != job else [Span(job, "code")]


def word(status: str) -> str:
    """What people read: a job that has not begun is waiting."""
    return "waiting" if status == PENDING else status


def mark(status: str) -> Span:
    """The status as a coloured word."""
    return Span(word(status), _look(status))


def counted(status: str, text: str, fits: bool = True) -> Span:
    """As `mark`, with `text` for the word and a link to the section that gives the reasons.

    `fits` is false for what ran out of memory along an axis, which is no failure.
    """
    if not fits:
        return Span(text, "status", href=f"#{SWEEPS_SECTION}")
    if status in UNFINISHED:  # no section tells of it
        return Span(text, _look(status))
    section = NOT_RUN_SECTION if status in NOT_RUN else FAILURES_SECTION
    return Span(text, _look(status), href=f"#{section}")


def _look(status: str) -> str:
    return f"status {'good' if status == 'ok' else status if status in UNFINISHED | NOT_RUN else 'bad'}"
