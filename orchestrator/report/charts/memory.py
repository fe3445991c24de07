"""The largest memory that each job held: on the host, and on the GPU."""

from __future__ import annotations

from orchestrator.report import words
from orchestrator.report.charts import scales
from orchestrator.report.charts.figure import Figure, Panel
from orchestrator.report.charts.material import Group, Material
from orchestrator.report.charts.rows import bars
from orchestrator.stats.describe import median

CAPTION = "The largest memory of each job, median over repeats, least first: what a machine must have to run it."
#: Column -> what it is.
WHERE = {"gpu_mem_peak_mb": "memory of the GPU", "rss_peak_mb": "memory of the host"}


def build(material: Material) -> Figure | None:
    panels: list[Panel] = []
    most: list[tuple[float, str]] = []
    for group in material.groups():
        for field, what in WHERE.items():
            found = _found(material, group, field)
            if len(found) > 1:
                panels.append(_panel(material, group, what, found))
                value, column = found[-1]
                most.append((value, f"{material.looks[column].label} on {group.title}, {what}"))
    if not panels:
        return None
    value, what = max(most)
    return Figure("Peak memory", CAPTION, f"Most: {words.megabytes(value)} by {what}.", panels)


def _found(material: Material, group: Group, field: str) -> list[tuple[float, int]]:
    found = [(median(r.get(field) for r in material.good(column, group.line)), column) for column in group.columns]
    return sorted((value, column) for value, column in found if value is not None)


def _panel(material: Material, group: Group, what: str, found: list[tuple[float, int]]) -> Panel:
    lines = []
    for value, column in found:
        look, text = material.looks[column], words.megabytes(value)
        lines.append((look, value / 1024, text, f"{look.label}: {text}"))
    return bars(group.title, lines, "GiB", scales.tick, what)
