"""Charts of a GPU over the time of each job: utilization, and power or memory, with the epochs marked."""

from __future__ import annotations

import math
from collections.abc import Sequence

import altair as alt

from orchestrator.report import charts, style
from orchestrator.report.charts import DataSets, Point, Spec
from orchestrator.report.layout import Layout

#: More jobs of one workload than this are drawn by their first repeat only.
MOST_JOBS = 12
#: Of more epochs than this only some are marked.
MOST_MARKS = 40
HEIGHT = 120
MARK_COLOUR, SLOWED_COLOUR = "#9aa1ab", "#c0392b"


def timelines(layout: Layout, readings: Sequence[Point], marks: Sequence[Point]) -> dict[str, tuple[str, Spec]]:
    """{name: (title, specification)}, one for each task with readings.

    `readings` and `marks` are the `gpu` and `marks` of a View. Names are fit for files and unique.
    """
    found = {}
    for line, task in enumerate(layout.tasks):
        mine = [point for point in readings if point["line"] == line]
        if mine:
            spec = _timeline(layout, mine, [mark for mark in marks if mark["line"] == line])
            name = charts.file_name(f"gpu-{task.workload}")
            title = f"GPU over time: {task.label}{charts.noise(layout, line)}"
            found[name if name not in found else f"{name}.{line}"] = (title, spec)
    return found


def _timeline(layout: Layout, readings: Sequence[Point], marks: Sequence[Point]) -> Spec:
    data: DataSets = {}
    views: list[alt.LayerChart | alt.Chart] = []
    for job in _chosen(readings):
        mine = [point for point in readings if point["job"] == job]
        ends = _shown([mark for mark in marks if mark["job"] == job])
        label = layout.contenders[mine[0]["column"]].label
        several = len({point["repeat"] for point in readings}) > 1
        title = f"{label}, repeat {mine[0]['repeat']}" if several else label
        colour = style.colour(layout.contenders[mine[0]["column"]].backend)
        second = ("power_w", "power, W") if any(p["power_w"] is not None for p in mine) else ("mem_mb", "memory, MiB")
        for field, name in (("util", "utilization, %"), second):
            known = [point for point in mine if point[field] is not None]
            if known:
                slowed = [point for point in mine if point["throttled"]] if field == "util" else []
                views.append(_panel(data, known, ends, slowed, field, name, title, colour))
    return charts.side_by_side(views, data)


def _chosen(readings: Sequence[Point]) -> list[int]:
    """The jobs to draw, by contender and repeat: all of them, or the first repeat of each contender."""
    jobs = {point["job"]: (point["column"], point["repeat"]) for point in readings}
    ordered = sorted(jobs, key=lambda job: jobs[job])
    if len(ordered) <= MOST_JOBS:
        return ordered
    first: dict[int, int] = {}
    for job in ordered:
        first.setdefault(jobs[job][0], job)
    return list(first.values())


def _shown(marks: Sequence[Point]) -> list[Spec]:
    """Where epochs begin, and where the last one ends."""
    if not marks:
        return []
    ordered = sorted(marks, key=lambda mark: mark["epoch"])
    step = math.ceil(len(ordered) / MOST_MARKS)
    begins = [{"t_s": round(mark["begin_s"], 3), "what": f"epoch {mark['epoch']} begins"} for mark in ordered[::step]]
    return [*begins, {"t_s": round(ordered[-1]["end_s"], 3), "what": f"epoch {ordered[-1]['epoch']} ends"}]


def _panel(
    data: DataSets,
    known: Sequence[Point],
    marks: Sequence[Spec],
    slowed: Sequence[Point],
    field: str,
    name: str,
    title: str,
    colour: str,
) -> alt.LayerChart:
    scale = alt.Scale(domain=[0, 100]) if field == "util" else charts.from_zero(point[field] for point in known)
    ends = (point["t_s"] for point in (*known, *marks))
    x = charts.time_axis("t_s", "seconds since the job started", ends)
    y = alt.Y(f"{field}:Q", title=name, scale=scale)
    layers: list[alt.Chart] = []
    if marks:
        rules = charts.chart_of(data, marks).mark_rule(color=MARK_COLOUR, strokeDash=[3, 3], strokeWidth=1)
        layers.append(rules.encode(x=x, tooltip=charts.tips("what", "t_s")))
    line = charts.chart_of(data, _thin(known, field)).mark_line(
        strokeWidth=1.5, color=colour, interpolate="step-before"
    )
    layers.append(line.encode(x=x, y=y, tooltip=charts.tips("t_s", field)))
    if slowed:
        points = [{"t_s": round(point["t_s"], 2), "what": "throttled"} for point in _every(slowed)]
        ticks = charts.chart_of(data, points).mark_tick(color=SLOWED_COLOUR, thickness=2, size=8, yOffset=-4)
        layers.append(ticks.encode(x=x, y=alt.datum(0), tooltip=charts.tips("what", "t_s")))
    chart: alt.LayerChart = alt.layer(*layers).properties(width=charts.WIDTH, height=HEIGHT, title=title)
    return chart


def _thin(points: Sequence[Point], field: str) -> list[Spec]:
    """At most MOST_POINTS points, each the mean of its neighbours."""
    return [{name: charts.mean_of(group, name) for name in ("t_s", field)} for group in charts.neighbours(points)]


def _every(points: Sequence[Point]) -> list[Point]:
    """At most MOST_POINTS of the points, evenly chosen."""
    step = math.ceil(len(points) / charts.MOST_POINTS)
    return list(points[::step])
