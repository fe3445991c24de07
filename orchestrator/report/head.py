"""The top of the report: what was planned, on which machines, and how it ended."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from msgspec import Struct

from orchestrator.model import UNFINISHED, Row
from orchestrator.report.input import MOST_FILES
from orchestrator.report.layout import Layout
from orchestrator.report.outcomes import FAILURES_SECTION, NOT_RUN_SECTION, failures, not_run, word
from orchestrator.report.view import View
from orchestrator.text import listed, plural

#: Pages are rewritten no more often (run/page.py).
REFRESH_S = 20
#: Hosts that the top of a report names; its environment has them all.
MOST_HOSTS = 5


class Count(Struct, frozen=True):
    """`12 of 15 jobs ok`: a number, what it counts, and the section that tells more. `css`: good, bad or nothing."""

    number: int
    text: str
    css: str = ""
    section: str = ""


class Head(Struct, frozen=True):
    """What stands above all sections. The first of `counts` says how many jobs ended well, or how far a run is."""

    title: str
    planned: str
    machines: list[str]
    counts: list[Count]
    #: When the jobs ran; the report may be of another day.
    measured: str
    run_ids: list[str]
    #: When the report was made.
    made: str = ""
    #: Of a run that goes on: seconds after which a browser looks again.
    refresh: int = 0


def make_head(view: View) -> Head:
    report = view.report
    return Head(
        title=report.title,
        planned=headline(view.rows, view.layout),
        machines=machines(view.rows),
        counts=counts(view.rows),
        measured=measured(view.rows),
        made=report.created,
        run_ids=report.run_ids,
        refresh=REFRESH_S if any(row["status"] in UNFINISHED for row in view.rows) else 0,
    )


def headline(rows: Sequence[Row], layout: Layout) -> str:
    """`5 workloads on 4 backends in 3 stacks`: what was planned."""
    kinds = {noun: len({row.get(noun) for row in rows if row.get(noun)}) for noun in ("workload", "backend", "stack")}
    workloads, backends, stacks = (plural(count, noun) for noun, count in kinds.items())
    files = sorted({str(row["file"]) for row in rows if row.get("file")})
    if len(files) == kinds["workload"] and len(files) <= MOST_FILES:
        workloads = listed(files)
    text = f"{workloads} on {backends} in {stacks}"
    columns = len(layout.contenders)
    return f"{text}, {columns} contenders side by side" if columns > 1 else text


def machines(rows: Sequence[Row]) -> list[str]:
    """Each host with its processor and GPU, as the jobs saw them; of many only the first, the rest as a number."""
    seen = (" · ".join(str(row[field]) for field in ("host", "cpu", "gpu_name") if row.get(field)) for row in rows)
    found = sorted({text for text in seen if text})
    return found if len(found) <= MOST_HOSTS else [*found[:MOST_HOSTS], f"and {len(found) - MOST_HOSTS} more"]


def measured(rows: Sequence[Row]) -> str:
    """`measured 23 Nov 2026, 00:09-00:29 UTC`: from the start of the first job to the end of the last."""
    stamps = [stamp for row in rows for stamp in map(_utc, (row.get("started"), row.get("ended"))) if stamp]
    if not stamps:
        return "nothing was measured"
    first, last = min(stamps), max(stamps)
    begin, end = first.strftime("%-d %b %Y, %H:%M"), last.strftime("%H:%M")
    if first.date() != last.date():
        end = last.strftime("%-d %b %Y, %H:%M")
    elif first.strftime("%H:%M") == end:
        return f"measured {begin} UTC"
    return f"measured {begin}{'–' if first.date() == last.date() else ' – '}{end} UTC"


def _utc(stamp: object) -> datetime.datetime | None:
    """A time of a record; None for one that cannot be read."""
    try:
        found = datetime.datetime.fromisoformat(str(stamp))
        found = found if found.tzinfo else found.replace(tzinfo=datetime.timezone.utc)
        return found.astimezone(datetime.timezone.utc)
    except (ValueError, OverflowError):  # none, or the first day of all in a zone that is ahead
        return None


def counts(rows: Sequence[Row]) -> list[Count]:
    """How many jobs ended well, of those that could run; then the others, where there are any."""
    bad, left_out = len(failures(rows)), len(not_run(rows))
    ok, could_run = sum(row["status"] == "ok" for row in rows), len(rows) - left_out
    ahead = sum(row["status"] in UNFINISHED for row in rows)
    if ahead:  # it is no fault of a job that it has not ended yet
        done = could_run - ahead
        found = [Count(done, f"of {plural(could_run, 'job')} done, the run goes on"), Count(ok, "ok")]
    else:
        found = [Count(ok, f"of {could_run} jobs ok", "good" if ok == could_run and ok else "bad")]
    if bad:
        found.append(Count(bad, "did not end well", "bad", FAILURES_SECTION))
    for status in sorted(UNFINISHED, reverse=True):
        number = sum(row["status"] == status for row in rows)
        found += [Count(number, word(status))] if number else []
    if left_out:
        found.append(Count(left_out, "not run here", "", NOT_RUN_SECTION))
    return found
