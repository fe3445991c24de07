"""What disturbed the measurements: cores that others took, sleep, drift within jobs, outliers, shared devices.

It is shown, never dropped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct

from orchestrator.model import Row
from orchestrator.report import words
from orchestrator.report.blocks import Column, Paragraphs, Section, Table
from orchestrator.report.disturbed import beside, sentences
from orchestrator.report.layout import Layout
from orchestrator.report.outcomes import called
from orchestrator.report.view import JobKey, View
from orchestrator.stats.inference import student_p
from orchestrator.text import plural

#: A smaller change over a job, or a smaller distance of an outlier, is not reported, however significant it is.
SMALL = 0.05
#: Robust deviations between an outlier and the median: of its job for an epoch, of its cell for a repeat.
FAR = 5.0
#: More disturbances than this are folded away on the page.
MOST_OPEN = 8
TITLE = "What disturbed the measurements"
COLUMNS = (Column("kind"), Column("job", heads=True), Column("what"))


class Disturbance(Struct, frozen=True):
    """One thing that was seen: its kind (lacked, slept, drift, outlier, shared, throttled), where, and what."""

    kind: str
    where: str
    what: str


def build(view: View) -> Section | None:
    epochs: dict[JobKey, list[Row]] = {}
    for epoch in view.epochs:
        epochs.setdefault((epoch["run_id"], epoch["job_id"]), []).append(epoch)
    found = disturbances(view.layout, view.steady, epochs)
    if not found:
        return None
    table = Table(
        COLUMNS,
        [[item.kind, item.where, item.what] for item in found],
        fold=f"{plural(len(found), 'thing')} seen: lack of cores, sleep, drift, outliers, shared or throttled devices",
        open=len(found) <= MOST_OPEN,
        only="html",
    )
    blocks = [
        Paragraphs([*sentences(view.layout), "Nothing here was left out of any figure."]),
        table,
        Paragraphs([f"{item.kind}: {item.where}: {item.what}" for item in found], "bullets", only="markdown"),
    ]
    fold = f"{TITLE} ({len(found)}); nothing was left out"
    return Section(name="noise", title=TITLE, blocks=blocks, fold=fold)


def disturbances(
    layout: Layout, steady: Mapping[JobKey, Sequence[float]], epochs: Mapping[JobKey, Sequence[Row]]
) -> list[Disturbance]:
    """All that was seen, by kind. `steady` holds the seconds of the steady epochs of each job, `epochs` all epochs."""
    found: list[Disturbance] = []
    rows = [row for members in layout.cells.values() for row in members if row["status"] == "ok"]
    for row in rows:
        found += _in_job(called(row), steady.get((row.get("run_id"), row["job_id"]), []))
    for members in layout.cells.values():
        found += _in_cell([row for row in members if row["status"] == "ok" and row.get("epoch_s")])
    for row in rows:
        found += _lacked(row, epochs.get((row.get("run_id"), row["job_id"]), []))
    found += shared(rows)
    found += [
        Disturbance("throttled", called(row), f"the device slowed itself down: {row['throttle_reasons']}")
        for row in rows
        if row.get("throttle_reasons")
    ]
    return sorted(found, key=lambda item: item.kind)


def drift(epochs: Sequence[float]) -> float | None:
    """Relative change from the first to the last of these epochs, along a line through their logarithms.

    None where it may be chance (p of 0.01 or more), is at most 5 %, or rests on fewer than five epochs: a line
    through fewer always fits.
    """
    if len(epochs) < 5 or min(epochs) <= 0:
        return None
    x, y = np.arange(len(epochs), dtype=float), np.log(np.array(epochs, dtype=float))
    slope, start = np.polyfit(x, y, 1)
    rest = float(((y - start - slope * x) ** 2).sum()) / (len(x) - 2)
    error = math.sqrt(max(rest, 1e-12) / float(((x - x.mean()) ** 2).sum()))
    change = math.exp(float(slope) * (len(x) - 1)) - 1
    significant = student_p(float(slope) / error, len(x) - 2) < 0.01
    return change if significant and abs(change) > SMALL else None


def outliers(values: Sequence[float]) -> list[int]:
    """Positions of values that are far from the median: by five robust deviations and by 5 %.

    Empty where there are fewer than five values.
    """
    if len(values) < 5 or min(values) <= 0:
        return []
    y = np.log(np.array(values, dtype=float))
    away = np.abs(y - np.median(y))
    limit = max(FAR * 1.4826 * float(np.median(away)), math.log1p(SMALL))
    return [int(i) for i in np.flatnonzero(away > limit)]


def shared(rows: Sequence[Row]) -> list[Disturbance]:
    """Jobs of different runs that were on one device (GPU, or host without one) at the same time."""
    found = {
        row["job_id"]: Disturbance("shared", called(row), f"ran beside {called(other)} of run {other['run_id']}")
        for row, other in beside(rows)
    }
    return list(found.values())


def _lacked(row: Row, epochs: Sequence[Row]) -> Iterator[Disturbance]:
    """Each epoch of a job that lacked its cores, and each steady one in which it slept; then the job as a whole."""
    job = called(row)
    for epoch in epochs:
        took = words.seconds(epoch.get("train_s"))
        if epoch.get("disturbed"):
            amount = f"{words.seconds(epoch['lost_s'])} ({words.percent(epoch['lost_percent'])})"
            yield Disturbance("lacked", job, f"epoch {epoch['epoch']} of {took}: {amount}, {epoch['disturbed']}")
        if epoch.get("slept") and epoch["epoch"] > 1:
            amount = f"{words.seconds(epoch['idle_s'])} ({words.percent(epoch['idle_percent'])})"
            yield Disturbance("slept", job, f"epoch {epoch['epoch']} of {took}: {amount}, of its own")
    if row.get("disturbed") and not any(epoch.get("disturbed") for epoch in epochs):
        amount = f"{words.seconds(row['lost_s'])} ({words.percent(row['lost_percent'])})"
        yield Disturbance("lacked", job, f"its steady epochs together: {amount}, {row['disturbed']}")


def _in_job(job: str, epochs: Sequence[float]) -> list[Disturbance]:
    found = []
    change = drift(epochs)
    if change is not None:
        text = f"epochs got {'slower' if change > 0 else 'faster'} by {abs(100 * change):.0f} % from first to last"
        found.append(Disturbance("drift", job, text))
    for i in outliers(epochs):
        text = f"steady epoch {i + 2}: {words.seconds(epochs[i])}, the job's median {_median(epochs)}"
        found.append(Disturbance("outlier", job, text))
    return found


def _in_cell(rows: Sequence[Row]) -> list[Disturbance]:
    seconds = [float(row["epoch_s"]) for row in rows]
    return [
        Disturbance(
            "outlier",
            called(rows[i]),
            f"this repeat: {words.seconds(seconds[i])}, the median of {len(rows)} repeats {_median(seconds)}",
        )
        for i in outliers(seconds)
    ]


def _median(values: Sequence[float]) -> str:
    return words.seconds(float(np.median(values)))
