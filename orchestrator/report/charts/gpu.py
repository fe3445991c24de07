"""GPUs over the time of each job: utilization, and power or memory below it, on one axis of time for the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.report.charts import strips
from orchestrator.report.charts.figure import Figure
from orchestrator.report.charts.material import Group, Material, Point, by
from orchestrator.report.charts.strips import Series, Strip

CAPTION = (
    "Utilization of each job's GPU, and its power or memory below, on one axis of time for all models; shaded bands "
    "are every other epoch, red ticks are moments in which the card slowed itself down."
)
#: More jobs of one workload than this are drawn by their first repeat only.
MOST_JOBS = 12
MOST, MOST_TICKS = 150, 60


def build(material: Material) -> Figure | None:
    if len(material.gpu) < 2:
        return None
    end = max(point["t_s"] for point in (*material.gpu, *({"t_s": mark["end_s"]} for mark in material.marks)))
    panels, left_out, said = [], 0, []
    for group in material.groups():
        its = [p for p in material.gpu if p["line"] == group.line and p["column"] in group.columns]
        found, more = _strips(material, group, its)
        left_out += more
        if found:
            panels.append(strips.panel(group.title, material.noise(group.line), found, end))
            said += [f"{strip.name} on {group.title}: {strip.series[0].tip}" for strip in found]
    if not panels:
        return None
    more_words = f" Of {left_out} further jobs the first repeat of their contender stands for them." if left_out else ""
    return Figure("GPU over time", CAPTION + more_words, f"Use of the GPU. {'; '.join(said[:6])}.", panels)


def _strips(material: Material, group: Group, readings: Sequence[Point]) -> tuple[list[Strip], int]:
    jobs = sorted(by(readings, "job").values(), key=lambda job: (job[0]["column"], job[0]["repeat"]))
    shown = jobs if len(jobs) <= MOST_JOBS else list({job[0]["column"]: job for job in reversed(jobs)}.values())[::-1]
    several = len({job[0]["repeat"] for job in shown}) > 1
    power = any(point.get("power_w") is not None for point in readings)
    second = ("power_w", "W") if power else ("mem_mb", "MiB")
    top = max((point[second[0]] or 0.0 for point in readings), default=0.0)
    found = []
    for job in shown:
        look, series = material.looks[job[0]["column"]], list(_series(job, second, top))
        if series:
            name = f"{look.label}, repeat {job[0]['repeat']}" if several else look.label
            epochs = sorted((m["begin_s"], m["end_s"]) for m in material.marks if m["job"] == job[0]["job"])
            found.append(Strip(look, name, series, epochs))
    return found, len(jobs) - len(shown)


def _series(job: Sequence[Point], second: tuple[str, str], top: float) -> Iterator[Series]:
    slowed = [point["t_s"] for point in job if point.get("throttled")]
    ticks = [(t, f"slowed down at {t:.1f} s") for t in slowed[:: -(-len(slowed) // MOST_TICKS) or 1]]
    for field, unit, most, marks in (("util", "%", 100.0, ticks), (*second, top, [])):
        points = strips.thinned(job, field, MOST)
        if len(points) > 1:
            yield Series(points, unit, most, strips.said(points, unit), marks=marks)
