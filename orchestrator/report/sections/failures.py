"""Jobs that did not end well: the reason and the last lines of the log."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from orchestrator.model import Row
from orchestrator.report import words
from orchestrator.report.blocks import Block, Column, Paragraphs, Section, Span, Table, Text
from orchestrator.report.outcomes import FAILURES_SECTION, NO_REASON, failures, mark, name_and_id
from orchestrator.report.view import View

#: Last log lines shown for a failed job, and the most of each.
LOG_LINES, LOG_WIDTH = 30, 400
#: Failed jobs that are told one by one.
MOST_SHOWN = 1_000
COLUMNS = (Column("job", heads=True), *map(Column, ("status", "reason", "exit")))


def build(view: View) -> Section | None:
    found = failures(view.rows)
    if not found:
        return None
    shown, more = found[:MOST_SHOWN], len(found) - MOST_SHOWN
    blocks = [Table(COLUMNS, [_cells(row) for row in shown], only="html"), *_list(shown)]
    if more > 0:
        blocks.append(Paragraphs([f"And {more:,} more: results.csv of each run and merged set has them all."]))
    return Section(name=FAILURES_SECTION, title="Failed jobs", blocks=blocks)


def _cells(row: Row) -> list[Text]:
    code = row.get("exit_code")
    return [
        name_and_id(row),
        [mark(row["status"])],
        [_reason(row), Span(_log(row), "log")],
        words.ABSENT if code is None else str(code),
    ]


def _list(rows: Sequence[Row]) -> Iterator[Block]:
    """For Markdown: each job with its log below it."""
    for row in rows:
        code = row.get("exit_code")
        rest = f": {row['status']}, {_reason(row)}" + ("" if code is None else f" (exit code {code})")
        name, *its = name_and_id(row)
        said = [Span(name if isinstance(name, str) else name.text, "strong"), *its, rest]
        yield Paragraphs([said], "bullets", only="markdown")
        if row.get("log_tail"):
            yield Paragraphs([("", _log(row))], "code", only="markdown")


def _reason(row: Row) -> str:
    return row.get("reason") or NO_REASON


def _log(row: Row) -> str:
    return log_tail(row.get("log_tail") or "")


def log_tail(text: str) -> str:
    """The last lines of a log, without the control characters that terminals understand."""
    plain = re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", text)
    lines = re.sub(r"[^\n\t\x20-\x7e\xa0-\U0010ffff]", "", plain).strip("\n").split("\n")
    return "\n".join(line[:LOG_WIDTH] for line in lines[-LOG_LINES:])
