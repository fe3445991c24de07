"""Who is fastest, and how sure it is: a dot, its interval and the repeats behind it, on one axis for all models."""

from __future__ import annotations

from msgspec import Struct

from orchestrator.report import words
from orchestrator.report.charts import scales
from orchestrator.report.charts.figure import Figure, Panel
from orchestrator.report.charts.material import Group, Material
from orchestrator.report.charts.rows import Rows
from orchestrator.report.charts.svg import width_of
from orchestrator.report.speeds import Speed
from orchestrator.stats.describe import median
from orchestrator.stats.inference import interval

CAPTION = (
    "Each mark is the median time of an epoch as a multiple of the fastest in its panel; the bar is its 95 % interval"
    " over repeats, thin strokes are single repeats, and further left is faster."
)

#: The widest figure at the right, so that the axes of all panels have one length.
WIDEST = "0.0735 s, n 15"


class Cell(Struct, frozen=True):
    """One row: everything as a multiple of the fastest."""

    column: int
    speed: Speed
    ratio: float
    low: float | None
    high: float | None
    repeats: list[float]


def build(material: Material) -> Figure | None:
    found = [(group, cells) for group in material.groups() if len(cells := _cells(material, group)) > 1]
    if not found:
        return None
    marks = [v for _, cells in found for c in cells for v in (c.ratio, c.low, c.high, *c.repeats) if v]
    panels = [_panel(material, group, cells, marks) for group, cells in found]
    firsts = [f"{material.looks[cells[0].column].label} on {group.title}" for group, cells in found]
    alt = f"Fastest: {'; '.join(firsts[:8])}. The slowest takes {words.ratio(max(marks))} as long as the fastest."
    return Figure("Seconds per epoch, as times the fastest", CAPTION, alt, panels)


def _cells(material: Material, group: Group) -> list[Cell]:
    if material.layout.tasks[group.line].unlike:
        return []
    ranked = material.ranked(group)
    best = next((speed.seconds for _, speed in ranked if speed.best), ranked[0][1].seconds if ranked else 1.0)
    return [_cell(column, speed, best) for column, speed in ranked]


def _cell(column: int, speed: Speed, best: float) -> Cell:
    repeats = [value / best for value in map(median, speed.repeats) if value]
    bounds = interval(speed.repeats)
    low, high = (bounds[1] / best, bounds[2] / best) if bounds else (None, None)
    # With very few repeats an interval reaches over all of the axis; it is drawn to ten times either way.
    ratio = speed.seconds / best
    return Cell(
        column, speed, ratio, low and max(low, ratio / 10), high and min(high, ratio * 10), repeats if bounds else []
    )


def _panel(material: Material, group: Group, cells: list[Cell], marks: list[float]) -> Panel:
    labels = [material.looks[cell.column].label for cell in cells]
    right = [f"{words.seconds(cell.speed.seconds)}, n {len(cell.speed.repeats)}" for cell in cells]
    keys = [material.looks[cell.column].key for cell in cells]
    rows = Rows(group.title, labels, right, material.noise(group.line), room=width_of(WIDEST, 10), keys=keys)
    scale = scales.logarithmic(marks, rows.begin, rows.end)
    for y, cell in zip(rows.y, cells, strict=True):
        look, canvas = material.looks[cell.column], rows.canvas
        with canvas.group(look.colour, look.key):
            for value in cell.repeats[:25]:
                canvas.line(scale(value), y - 6, scale(value), y + 6, "f")
            if cell.low and cell.high:
                canvas.line(scale(cell.low), y, scale(cell.high), y, "l")
            canvas.mark(look.shape, scale(cell.ratio), y, "o" if cell.speed.is_out else "m", _tip(look.label, cell))
            if cell.speed.disturbed:
                canvas.mark("circle", scale(cell.ratio), y, "r", f"disturbed: {', '.join(cell.speed.disturbed)}", 7)
    return rows.close(scale, "times the fastest (log scale)", scales.times)


def _tip(label: str, cell: Cell) -> str:
    speed = cell.speed
    bounds = interval(speed.repeats)
    between = f" ({words.span(bounds[1], bounds[2])} s)" if bounds else ""
    verdict = f"; {speed.verdict}" if speed.verdict else ""
    return f"{label}: {words.seconds(speed.seconds)}{between}, {words.ratio(cell.ratio)}, {speed.n}{verdict}"
