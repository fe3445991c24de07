"""Jobs that were planned and left out on this host, by the reason."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.model import Row
from orchestrator.report.blocks import Column, Paragraphs, Section, Table, Text
from orchestrator.report.outcomes import NO_REASON, NOT_RUN_SECTION, called, mark, not_run
from orchestrator.report.view import View

#: Jobs that are named of one reason.
MOST_NAMED = 100
COLUMNS = (Column("reason", heads=True), Column("status"), Column("jobs"))


def build(view: View) -> Section | None:
    groups = by_reason(not_run(view.rows))
    if not groups:
        return None
    rows: list[list[Text]] = [[reason, [mark(status)], "; ".join(jobs)] for status, reason, jobs in groups]
    caption = "Planned, but this host or the config rules them out; these are no failures"
    lines = [f"{status}: {reason} ({'; '.join(jobs)})" for status, reason, jobs in groups]
    blocks = [
        Table(COLUMNS, rows, caption=caption, only="html"),
        Paragraphs(lines, "bullets", only="markdown"),
    ]
    return Section(name=NOT_RUN_SECTION, title="Not run here", blocks=blocks)


def by_reason(rows: Sequence[Row]) -> list[tuple[str, str, list[str]]]:
    """(status, reason, names of jobs), since one reason often rules out a whole stack."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        groups.setdefault((row["status"], row.get("reason") or NO_REASON), []).append(called(row))
    return [(status, reason, _few(jobs)) for (status, reason), jobs in groups.items()]


def _few(jobs: list[str]) -> list[str]:
    more = len(jobs) - MOST_NAMED
    return jobs if more <= 0 else [*jobs[:MOST_NAMED], f"{more:,} more"]
