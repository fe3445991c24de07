"""What jobs used of the processor, and what memory they held: a strip for each contender."""

from __future__ import annotations

import math
from collections.abc import Sequence

from orchestrator.report.charts import strips
from orchestrator.report.charts.figure import Figure
from orchestrator.report.charts.material import Group, Material, Point, by
from orchestrator.report.charts.strips import Series, Strip

CAPTION = (
    "The processor that each job used over its time, 100 % being one core, and the memory that it held; shaded bands "
    "are every other epoch. A gap inside an epoch is time in which the job waited or slept."
)
MOST = 120
#: Repeats drawn beside the first, faintly and with fewer points.
OTHERS, FEWER = 2, 40
FIELDS = (("cpu_percent", "%"), ("rss_mb", "MiB"))


def build(material: Material) -> Figure | None:
    panels, said = [], []
    for group in material.groups():
        its = [p for p in material.samples if p["line"] == group.line and p["column"] in group.columns]
        found = _strips(material, group, its)
        if found:
            end = max(point["t_s"] for point in its)
            panels.append(strips.panel(group.title, material.noise(group.line), found, end))
            said += [f"{strip.name} on {group.title}: {strip.series[0].tip}" for strip in found]
    if not panels:
        return None
    return Figure("Processor and memory over time", CAPTION, f"Use of the host. {'; '.join(said[:6])}.", panels)


def _strips(material: Material, group: Group, samples: Sequence[Point]) -> list[Strip]:
    tops = {field: max((p[field] for p in samples if p.get(field) is not None), default=0.0) for field, _ in FIELDS}
    tops["cpu_percent"] = whole_cores(tops["cpu_percent"])
    found = []
    for (column,), its in sorted(by(samples, "column").items()):
        jobs = sorted(by(its, "job").values(), key=lambda job: job[0]["repeat"])
        series = [made for field, unit in FIELDS if (made := _series(jobs, field, unit, tops[field])) is not None]
        if series:
            look = material.looks[column]
            found.append(Strip(look, look.label, series, _epochs(material, jobs[0][0]["job"])))
    return found


def whole_cores(percent: float) -> float:
    """The end of an axis: whole cores, without the little that a reading may be above what there is."""
    return 100.0 * max(1, math.ceil((percent - 10) / 100))


def _series(jobs: Sequence[Sequence[Point]], field: str, unit: str, top: float) -> Series | None:
    first = strips.thinned(jobs[0], field, MOST)
    if len(first) < 2:
        return None
    others = [strips.thinned(job, field, FEWER) for job in jobs[1 : 1 + OTHERS]]
    return Series(first, unit, top, strips.said(first, unit), [each for each in others if len(each) > 1])


def _epochs(material: Material, job: int) -> list[tuple[float, float]]:
    return sorted((mark["begin_s"], mark["end_s"]) for mark in material.marks if mark["job"] == job)
