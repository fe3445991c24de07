"""The top of the report: the question, on which machines it was asked, what was planned, and how it ended."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from orchestrator.model import OWN_SCALE, UNFINISHED, Row
from orchestrator.report import words
from orchestrator.report.grouping import in_words
from orchestrator.report.layout import Layout
from orchestrator.report.outcomes import (
    FAILURES_SECTION,
    NOT_RUN_SECTION,
    SWEEPS_SECTION,
    did_not_fit,
    failures,
    not_run,
    word,
)
from orchestrator.report.view import View
from orchestrator.stats.repeats import TRAIN
from orchestrator.text import listed, plural

#: Pages are rewritten no more often (run/page.py).
REFRESH_S = 20
#: Hosts that the top of a report names; its environment has them all.
MOST_HOSTS = 5
#: Years of which it counts the framework versions.
MOST_YEARS = 4
#: Kinds of data that the top tells; of a file of one's own it knows nothing.
DATA = ("generated", "real", "synthetic")


class Count(Struct, frozen=True):
    """`12 of 15 jobs ok`: a number, what it counts, and the section that tells more. `css`: good, bad or nothing."""

    number: int
    text: str
    css: str = ""
    section: str = ""


class Head(Struct, frozen=True):
    """What stands above all sections. `tab` is the title of the browser's tab: host, device and date are in it.

    The first of `counts` says how many jobs ended well, or how far a run is. `measured`: when the jobs ran; `made`:
    when the report was made, which may be another day.
    """

    title: str
    tab: str
    planned: str
    machines: list[str]
    counts: list[Count]
    measured: str
    run_ids: list[str]
    made: str = ""
    #: Of a run that goes on: seconds after which a browser looks again.
    refresh: int = 0


def make_head(view: View) -> Head:
    report = view.report
    return Head(
        title=report.title,
        tab=tab(report.title, view.rows),
        planned=headline(view.layout),
        machines=machines(view.rows),
        counts=counts(view.rows),
        measured=measured(view.rows),
        made=report.created,
        run_ids=report.run_ids,
        refresh=REFRESH_S if any(row["status"] in UNFINISHED for row in view.rows) else 0,
    )


def tab(title: str, rows: Sequence[Row]) -> str:
    """`vm, AMD EPYC, 23 Nov 2026: Which Keras backend ...`: in a tab or a bookmark only the beginning is read."""
    hosts = sorted({str(row["host"]) for row in rows if row.get("host")})
    devices = sorted({str(row.get("gpu_name") or row.get("cpu") or "") for row in rows} - {""})
    where = [found[0] if len(found) == 1 else f"{len(found)} {many}" for found, many in _named(hosts, devices)]
    stamps = list(_stamps(rows))
    day = [words.date(min(stamps).date())] if stamps else []
    return ": ".join(filter(None, [", ".join([*where, *day]), title]))


def _named(hosts: list[str], devices: list[str]) -> Iterator[tuple[list[str], str]]:
    if hosts:
        yield hosts, "hosts"
    if devices:
        yield devices, "devices"


def headline(layout: Layout) -> str:
    """`5 models, 7 framework versions (4 of 2017, 3 of 2026), quick scale (a part of the data), real data`."""
    models = {task.workload for task in layout.tasks if not task.file}
    files = {task.workload for task in layout.tasks if task.file}
    parts = [plural(len(models), "model")] if models else []
    parts += [plural(len(files), "file") + " of your own"] if files else []
    versions = {contender.name: contender.year for contender in layout.contenders}
    known = f" ({_years(list(versions.values()))})" if len({*versions.values()} - {""}) > 1 else ""
    scales = [*_scales(layout), *_data(layout)] if all(t.mode == TRAIN for t in layout.tasks) else ["without training"]
    return ", ".join([*parts, f"{plural(len(versions), 'framework version')}{known}", *scales])


def _years(years: Sequence[str]) -> str:
    """`3 of 2017, 1 of 2018, 3 of 2026`; of many only the first and the last."""
    known = sorted({*years} - {""})
    if len(known) > MOST_YEARS:
        return f"{known[0]} to {known[-1]}"
    return ", ".join(f"{years.count(year)} of {year}" for year in known)


def _data(layout: Layout) -> Iterator[str]:
    """`real data`: of the project's models, as far as their jobs know it; a file of one's own has its own."""
    kinds = {task.conditions["data_kind"] for task in layout.tasks if not task.file} & {*DATA}
    if kinds:
        yield f"{' and '.join(sorted(kinds))} data"


def _scales(layout: Layout) -> Iterator[str]:
    """`quick scale (a part of the data)`."""
    for scale in dict.fromkeys(str(task.conditions["scale"]) for task in layout.tasks):
        its = [task for task in layout.tasks if str(task.conditions["scale"]) == scale]
        sizes = [(task.conditions["train"], task.about.whole) for task in its]
        if scale in (OWN_SCALE, "None") or not all(part and whole for part, whole in sizes):
            known = ""
        else:
            known = " (all of the data)" if all(part >= whole for part, whole in sizes) else " (a part of the data)"
        if scale not in (OWN_SCALE, "None"):
            yield f"{scale} scale{known}"


def machines(rows: Sequence[Row]) -> list[str]:
    """What jobs ran on, as they saw it, each with its hosts; of many only the first, the rest as a number."""
    found = sorted({_machine(row) for row in rows if row.get("host")})
    hosts: dict[tuple[str, str], list[str]] = {}
    for cpu, host, what in found:
        more = [other for other in found if other[:2] == (cpu, host) and other[2].startswith(f"{what},")]
        if not more:  # else another job of this host knew more of it
            hosts.setdefault((cpu, what), []).append(host)
    named = [f"{cpu} ({_some(its)}), {what}" if cpu else f"{_some(its)}, {what}" for (cpu, what), its in hosts.items()]
    return named if len(named) <= MOST_HOSTS else [*named[:MOST_HOSTS], f"and {len(named) - MOST_HOSTS} more"]


def _some(hosts: Sequence[str]) -> str:
    return listed(hosts if len(hosts) <= MOST_HOSTS else [*hosts[:MOST_HOSTS], f"{len(hosts) - MOST_HOSTS} more"])


def _machine(row: Row) -> tuple[str, str, str]:
    """Processor, host and the rest: `CPU only, 1 thread per job, 8 cores, 31 GiB`."""
    device = row.get("gpu_name") or ("GPU" if row.get("device") == "gpu" else "CPU only")
    parts: list[tuple[str, Any]] = [
        ("{}", device),
        ("{} threads per job", row.get("threads")),
        ("{} cores", row.get("cores")),
        ("CPU quota {:g}", row.get("cpu_quota")),
        ("{:g} GiB", round(row.get("memory_gib") or 0, 1)),
    ]
    rest = ", ".join(_one(text, value) for text, value in parts if value)
    return str(row.get("cpu") or ""), str(row["host"]), rest


def _one(text: str, value: Any) -> str:
    return (
        text.format(value).replace("threads", "thread") if value == 1 and "threads" in text else in_words(text, value)
    )


def measured(rows: Sequence[Row]) -> str:
    """`measured 23 Nov 2026, 00:09-00:29 UTC`: from the start of the first job to the end of the last."""
    stamps = list(_stamps(rows))
    if not stamps:
        return "nothing was measured"
    first, last = min(stamps), max(stamps)
    begin, end = f"{words.date(first.date())}, {first:%H:%M}", f"{last:%H:%M}"
    if first.date() != last.date():
        return f"measured {begin} – {words.date(last.date())}, {end} UTC"
    return f"measured {begin} UTC" if f"{first:%H:%M}" == end else f"measured {begin}–{end} UTC"


def _stamps(rows: Sequence[Row]) -> Iterator[datetime.datetime]:
    return (stamp for row in rows for stamp in map(_utc, (row.get("started"), row.get("ended"))) if stamp)


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
    bad, left_out, full = len(failures(rows)), len(not_run(rows)), len(did_not_fit(rows))
    ok, could_run = sum(row["status"] == "ok" for row in rows), len(rows) - left_out
    ahead = sum(row["status"] in UNFINISHED for row in rows)
    if ahead:  # it is no fault of a job that it has not ended yet
        done = could_run - ahead
        found = [Count(done, f"of {plural(could_run, 'job')} done, the run goes on"), Count(ok, "ok")]
    else:
        found = [Count(ok, f"of {plural(could_run, 'job')} ok", "good" if ok + full == could_run and ok else "bad")]
    if bad:
        found.append(Count(bad, "failed", "bad", FAILURES_SECTION))
    if full:
        found.append(Count(full, "did not fit into memory", "", SWEEPS_SECTION))
    for status in sorted(UNFINISHED, reverse=True):
        number = sum(row["status"] == status for row in rows)
        found += [Count(number, word(status))] if number else []
    if left_out:
        found.append(Count(left_out, "not run here", "", NOT_RUN_SECTION))
    return found
