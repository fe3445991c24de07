"""What goes on in GPUs and on their bus over the time of a job, where the card tells it: a strip for each reading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.report.charts import strips
from orchestrator.report.charts.figure import Figure
from orchestrator.report.charts.material import Group, Material, Point, by
from orchestrator.report.charts.strips import Series, Strip
from orchestrator.results.columns import GPU_METRICS

CAPTION = (
    "What went on in each contender's GPU and on its bus, of its first repeat, as far as the card tells: "
    "multiprocessors (SMs) that had work, tensor cores, traffic to the card's memory and over PCIe; shaded bands are "
    "every other epoch. A GPU that is always in use may still have little to do."
)
#: The readings of a strip, the first as its line and the second thin beside it.
PAIRS = (
    ("sm_active", "sm_occupancy"),
    ("tensor_active",),
    ("dram_active",),
    ("pcie_received_mib_s", "pcie_sent_mib_s"),
)
WORDS = {metric.field: (metric.label, metric.unit) for metric in GPU_METRICS if metric.label}
MOST = 100


def build(material: Material) -> Figure | None:
    told = [point for point in material.gpu if any(_known([point], pair) for pair in PAIRS)]
    panels, said = [], []
    for group in material.groups():
        its = [p for p in told if p["line"] == group.line and p["column"] in group.columns]
        found = list(_strips(material, group, its))
        if found:
            end = max(*(point["t_s"] for point in its), *(end for strip in found for _, end in strip.epochs))
            panels.append(strips.panel(group.title, material.noise(group.line), found, end))
            said += [f"{strip.name} on {group.title}: {strip.series[0].tip}" for strip in found]
    if not panels:
        return None
    return Figure("Inside the GPU over time", CAPTION, f"The GPU in detail. {'; '.join(said[:6])}.", panels)


def _strips(material: Material, group: Group, readings: Sequence[Point]) -> Iterator[Strip]:
    traffic = max((p.get(field) or 0.0 for p in readings for field in PAIRS[-1]), default=0.0)
    for (column,), its in sorted(by(readings, "column").items()):
        job = min(by(its, "job").values(), key=lambda job: job[0]["repeat"])
        series = [made for pair in PAIRS for made in _series(job, pair, traffic)]
        if series:
            look = material.looks[column]
            epochs = sorted((m["begin_s"], m["end_s"]) for m in material.marks if m["job"] == job[0]["job"])
            yield Strip(look, look.label, series, epochs)


def _series(job: Sequence[Point], pair: Sequence[str], traffic: float) -> Iterator[Series]:
    """The strip of a pair; none where fewer than two moments are known of either."""
    lines = {field: points for field in pair if len(points := strips.thinned(job, field, MOST)) > 1}
    if not lines:
        return
    (first, points), *others = lines.items()
    unit = WORDS[first][1]
    tip = "; ".join(f"{WORDS[field][0]}: {strips.said(its, unit)}" for field, its in lines.items())
    name = WORDS[first][0] + (f" (thin: {WORDS[others[0][0]][0]})" if others else "")
    # What moves less than 1 MiB/s is at rest: its noise shall not fill the strip.
    most = 100.0 if unit == "%" else max(1.0, traffic)
    yield Series(points, unit, most, tip, [its for _, its in others], name=name)


def _known(points: Sequence[Point], pair: Sequence[str]) -> bool:
    return any(point.get(field) is not None for point in points for field in pair)
