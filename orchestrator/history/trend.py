"""Makes lines of nights: one for each cell and whatever must be equal for its nights to be compared.

A line holds the nights of one cell that may be compared: the same work on the same machine. What differs in that is
another line. Versions, images, drivers and kernels may differ along a line: they are what a step may come from.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from packaging.version import InvalidVersion, Version

from orchestrator.errors import UserError
from orchestrator.history.lines import By, Gap, Line, LineStep, Point, Trend, commit_of
from orchestrator.history.nights import FEWER, Night, Nights
from orchestrator.model import NOT_RUN, Row
from orchestrator.stats import steps as statistic
from orchestrator.stats.compare import CONDITIONS, OWN_CONDITIONS
from orchestrator.stats.disturbance import disturbed, most_frequent
from orchestrator.stats.inference import Difference, interval
from orchestrator.stats.repeats import by_cell, named_cell, timed, unlearned
from orchestrator.text import plural

#: Lines that are made, as each takes time.
MOST_LINES = 5_000
#: The machine of a line, and how its jobs start. `cpu_quota` and `threads` are among the conditions of the work.
DOER = ("host", "machine", "cpu", "cores", "virtualization", "launcher", "gpu_name")
#: What may change from night to night, and is told of the two nights around a step.
TOLD = (
    *("keras_version", "framework_version", "python", "image_digest", "packages_sha256"),
    *("driver", "os", "kernel", "memory_gib"),
)


class _Draft(Struct):
    """A line that is being put together."""

    cell: tuple[Any, ...]
    same: tuple[Any, ...]
    names: tuple[str, ...]
    points: list[Point] = []
    gaps: list[Gap] = []


def trend(read: Nights, by: By = "date") -> Trend:
    """The lines of these nights. Steps are corrected for the number of lines that are judged.

    Raises UserError for more lines than anybody reads, each of which takes time.
    """
    nights = read.nights
    drafts: dict[tuple[Any, ...], _Draft] = {}
    for night in nights:
        _add_night(drafts, night)
        if len(drafts) > MOST_LINES:
            raise UserError(f"a trend has at most {plural(MOST_LINES, 'line')}, and {night.run_id} brings more", FEWER)
    for draft in drafts.values():
        draft.points = _ordered(draft.points, by)
    judged = statistic.judge([[math.log(point.seconds) for point in draft.points] for draft in drafts.values()])
    newest = _newest(nights)
    apart = _apart(list(drafts.values()))
    lines = [
        _line(draft, found, apart.get(draft.cell, []), newest)
        for draft, found in zip(drafts.values(), judged, strict=True)
    ]
    differing = {" ".join(map(str, cell)): names for cell, names in apart.items()}
    return Trend(by=by, nights=len(nights), lines=lines, apart=differing, notes=read.notes)


def _add_night(drafts: dict[tuple[Any, ...], _Draft], night: Night) -> None:
    """Adds the points of a night, and then its gaps: of what failed, not all conditions are known."""
    cells = by_cell(night.rows)
    for cell, rows in cells.items():
        names = (*(OWN_CONDITIONS if rows[0]["variant"] == "own" else CONDITIONS), *DOER)
        for same, members in by_cell(timed(rows), names).items():
            draft = drafts.setdefault((*cell, *same), _Draft(cell, same, names))
            why = _unusable(members)
            if why:
                draft.gaps.append(Gap(run_id=night.run_id, when=night.when, why=why, broken="learn" in why))
            else:
                draft.points.append(_point(night, members, len(rows) - len(members)))
    measured = {draft.cell for draft in drafts.values() if draft.points and draft.points[-1].run_id == night.run_id}
    for cell, rows in cells.items():
        if cell in measured or timed(rows) or all(row["status"] == "excluded" for row in rows):
            continue
        worst = next((row for row in rows if row["status"] not in NOT_RUN), rows[0])
        gap = Gap(
            run_id=night.run_id,
            when=night.when,
            why=f"{worst['status']}: {worst['reason']}" if worst["reason"] else str(worst["status"]),
            broken=worst["status"] not in NOT_RUN,
        )
        for draft in drafts.values():
            if draft.cell == cell and _may_be(draft, rows[0]):
                draft.gaps.append(gap)


def _may_be(draft: _Draft, row: Row) -> bool:
    """Whether a row without a time may belong to a line, by what it knows of itself."""
    pairs = zip(draft.names, draft.same, strict=True)
    return all(row.get(name) in (None, value) for name, value in pairs)


def _unusable(rows: Sequence[Row]) -> str:
    """Why the times of one night make no point, "" where they do."""
    mixed = [name for name in TOLD if len({row.get(name) for row in rows}) > 1]
    if mixed:
        return f"more than one {', '.join(mixed)} in one run"
    short = unlearned(rows)
    return f"did not learn ({short[0]:.3f} < {short[1]:.3f})" if short else ""


def _point(night: Night, rows: Sequence[Row], failed: int) -> Point:
    times = [row["epoch_s"] for row in rows]
    bounds = interval([[seconds] for seconds in times])
    keras = str(rows[0].get("keras_version") or "")
    return Point(
        run_id=night.run_id,
        when=night.when,
        n=len(times),
        seconds=statistics.median(times),
        low=bounds[1] if bounds else None,
        high=bounds[2] if bounds else None,
        failed=failed,
        keras=keras,
        commit=commit_of(keras),
        disturbed=most_frequent(disturbed(rows)),
        told={name: rows[0].get(name) for name in TOLD},
    )


def _ordered(points: Sequence[Point], by: By) -> list[Point]:
    """In order of time, or of commit or version; points of one commit or version stay apart, in order of time."""
    if by == "date":
        return list(points)
    keys = [(point.commit or point.keras) if by == "commit" else point.version for point in points]
    first = {key: i for i, key in reversed(list(enumerate(keys)))}

    def rank(key: str) -> tuple[Any, ...]:
        if by == "version":
            try:
                return (1, Version(key))
            except InvalidVersion:
                return (0, first[key])
        return (first[key],)

    order = sorted(range(len(points)), key=lambda i: rank(keys[i]))
    return [points[i] for i in order]


def _line(draft: _Draft, judged: statistic.Judged, apart: list[str], newest: dict[Any, Night]) -> Line:
    points = draft.points
    steps = None if judged.steps is None else [_step(points, step) for step in judged.steps]
    begin = judged.steps[-1].at if judged.steps else 0
    conditions = dict(zip(draft.names, draft.same, strict=True))
    standing = _standing(draft, newest.get(conditions["host"]))
    values = [math.log(point.seconds) for point in points]
    return Line(
        cell=named_cell(draft.cell),
        conditions=conditions,
        apart=apart,
        points=points,
        gaps=draft.gaps,
        steps=steps,
        **standing,
        odd_end=statistic.odd_end(values[begin:]) if steps is not None and not standing else None,
    )


def _step(points: Sequence[Point], step: statistic.Step) -> LineStep:
    before, first = points[step.at - 1], points[step.at]
    told = {name: [before.told.get(name), first.told.get(name)] for name in TOLD}
    size = Difference(
        n_a=step.at, n_b=len(points) - step.at, ratio=step.ratio, low=step.low, high=step.high, p=step.p,
        p_adjusted=step.p_adjusted,
    )  # fmt: skip
    return LineStep(
        before=before,
        first=first,
        difference=size,
        nights_after=len(points) - step.at,
        changed={name: values for name, values in told.items() if values[0] != values[1]},
    )


def _newest(nights: Sequence[Night]) -> dict[Any, Night]:
    """The newest night of each host. One in which nothing started names no host: it is the only one's, if it is."""
    found: dict[Any, Night] = {}
    hosts = {row["host"] for night in nights for row in night.rows if row.get("host")}
    for night in nights:
        here = {row["host"] for row in night.rows if row.get("host")}
        for host in here or (hosts if len(hosts) == 1 else ()):
            found[host] = night
    return found


def _standing(draft: _Draft, newest: Night | None) -> dict[str, Any]:
    """Whether the line reaches the newest night of its host: `ended`, `missing` and `broken` of Line."""
    if newest is None or any(point.run_id == newest.run_id for point in draft.points):
        return {}
    gap = next((gap for gap in draft.gaps if gap.run_id == newest.run_id), None)
    if gap is not None:
        broken = gap.broken and bool(draft.points)  # what never gave a time cannot break
        return {"missing": f"{'BROKEN' if broken else 'not judged'}: {gap.why} in {newest.run_id}", "broken": broken}
    last = max((point.when for point in draft.points), default="")[:10]
    rows = timed(by_cell(newest.rows).get(tuple(draft.cell), []))
    if rows:
        differs = [name for name, value in zip(draft.names, draft.same, strict=True) if rows[0].get(name) != value]
        return {"ended": f"ended on {last}: from then on other {', '.join(differs)}"}
    return {"ended": f"ended on {last}: the newest run of its host does not have it"}


def _apart(drafts: Sequence[_Draft]) -> dict[tuple[Any, ...], list[str]]:
    """By cell: the conditions in which its lines differ."""
    found = {}
    for cell in dict.fromkeys(draft.cell for draft in drafts):
        its = [draft for draft in drafts if draft.cell == cell]
        names = [
            name for name in its[0].names if len({dict(zip(d.names, d.same, strict=True)).get(name) for d in its}) > 1
        ]
        if names:
            found[cell] = names
    return found
