"""The article's figures beside ours, each as a ratio to TensorFlow on its own side."""

from __future__ import annotations

from orchestrator.report import words
from orchestrator.report.charts import scales
from orchestrator.report.charts.figure import Figure, Panel
from orchestrator.report.charts.material import Look, Material, by
from orchestrator.report.charts.rows import Rows
from orchestrator.report.sections.article import Line, against_article

CAPTION = (
    "Hollow: the article, filled: here, both as times the TensorFlow of their own side and as the article counted; a "
    "long line between the two is a result that did not carry over."
)


def build(material: Material) -> Figure | None:
    found = against_article(material.layout, material.reference) if material.reference else None
    lines = [each for each in found.lines if each.ours_to_baseline and each.theirs_to_baseline] if found else []
    others = [each for each in lines if not each.ours_to_baseline == each.theirs_to_baseline == 1.0]
    if not others or not material.reference:
        return None
    looks = {look.label: look for look in material.looks}
    every = [value for each in others for value in (each.ours_to_baseline, each.theirs_to_baseline, 1.0) if value]
    groups = by([{"workload": each.workload, "line": each} for each in others], "workload")
    panels = [
        _panel(str(workload), [each["line"] for each in its], looks, every) for (workload,), its in groups.items()
    ]
    furthest = max(others, key=lambda each: scales.apart(each.ours_to_baseline or 1.0, each.theirs_to_baseline or 1.0))
    theirs, ours = (words.ratio(v or 1.0) for v in (furthest.theirs_to_baseline, furthest.ours_to_baseline))
    alt = f"Furthest apart: {furthest.contender} on {furthest.workload}, {theirs} in the article and {ours} here."
    return Figure(f"Against {material.reference.title}", CAPTION, alt, panels)


def _panel(title: str, lines: list[Line], looks: dict[str, Look], every: list[float]) -> Panel:
    rows = Rows(title, [each.contender for each in lines], keys=[looks[each.contender].key for each in lines])
    scale = scales.logarithmic(every, rows.begin, rows.end)
    for y, each in zip(rows.y, lines, strict=True):
        look = looks[each.contender]
        ours, theirs = each.ours_to_baseline or 1.0, each.theirs_to_baseline or 1.0
        with rows.canvas.group(look.colour, look.key):
            rows.canvas.line(scale(ours), y, scale(theirs), y, "f")
            rows.canvas.mark(
                look.shape, scale(theirs), y, "o", f"article: {words.seconds(each.theirs)}, {words.ratio(theirs)}"
            )
            rows.canvas.mark(look.shape, scale(ours), y, "m", f"here: {words.seconds(each.ours)}, {words.ratio(ours)}")
    return rows.close(scale, "times TensorFlow (log scale)", scales.times)
