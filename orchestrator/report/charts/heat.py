"""Many contenders at once: models across, contenders down, the stronger the colour the slower."""

from __future__ import annotations

import math

from orchestrator.report import words
from orchestrator.report.charts.figure import WIDTH, Figure, Panel, finished, wrapped
from orchestrator.report.charts.material import Group, Material
from orchestrator.report.charts.svg import Canvas, width_of
from orchestrator.report.speeds import Speed

CAPTION = (
    "Times the fastest of each model, contenders sorted by their geometric mean: a row that is pale throughout is fast "
    "everywhere, a strong field is where it loses."
)
#: Fewer contenders are told apart in the other pictures.
LEAST = 20
CELL, ROW = 46.0, 18.0
#: The ratio from which on a field is as strong as it gets; text stays readable on it.
STRONGEST, MOST_INK = 10.0, 0.45


def build(material: Material) -> Figure | None:
    machines: dict[str, list[Group]] = {}
    for group in material.groups():
        words_of = material.layout.machine_words(material.layout.contenders[group.columns[0]].machine)
        machines.setdefault(words_of, []).append(group)
    if len(material.layout.contenders) < LEAST:
        return None
    found = [(name, groups, table) for name, groups in machines.items() if (table := _table(material, groups))]
    if not found:
        return None
    panels = [_panel(material, name, groups, table) for name, groups, table in found]
    best = "; ".join(material.looks[next(iter(table))].label for _, _, table in found[:4])
    return Figure("All contenders on all models", CAPTION, f"Fastest in the geometric mean: {best}.", panels)


def _table(material: Material, groups: list[Group]) -> dict[int, dict[int, Speed]]:
    """Contender -> line -> speed, those with a ratio alone, the fastest first."""
    table: dict[int, dict[int, Speed]] = {}
    for group in groups:
        for column, speed in material.ranked(group):
            if speed.ratio is not None:
                table.setdefault(column, {})[group.line] = speed
    return dict(sorted(table.items(), key=lambda item: _mean(item[1])))


def _mean(speeds: dict[int, Speed]) -> float:
    return sum(math.log(speed.ratio or 1.0) for speed in speeds.values()) / len(speeds)


def _panel(material: Material, name: str, groups: list[Group], table: dict[int, dict[int, Speed]]) -> Panel:
    cell = min(CELL, (WIDTH - 96) / len(groups))
    side = WIDTH - cell * len(groups) - 6
    labels = {column: wrapped(material.looks[column].label, side) for column in table}
    heads = [(line, "h") for line in wrapped(name or "All models", WIDTH)]
    top = 13.0 * len(heads) + 6
    heights = {column: max(ROW, 12.0 * len(lines) + 4) for column, lines in labels.items()}
    titles = [material.layout.tasks[group.line].label for group in groups]
    slant = max(width_of(title, 10) for title in titles)
    canvas = Canvas(WIDTH, top + slant + 8 + sum(heights.values()))
    for i, (text, look) in enumerate(heads):
        canvas.text(0, 11 + 13 * i, text, look)
    y = top + slant + 6
    for i, title in enumerate(titles):
        x = side + 6 + cell * (i + 0.5) + 3
        with canvas.turned(x, y - 3):
            canvas.text(0, 0, title, "s")
    for column, speeds in table.items():
        its, height = material.looks[column], heights[column]
        with canvas.group("", its.key):
            for i, line in enumerate(labels[column]):
                canvas.text(side, y + 12 + 12 * i, line, "e")
            for i, group in enumerate(groups):
                _cell(canvas, its.label, speeds.get(group.line), side + 6 + cell * i, y, cell, height)
        y += heights[column]
    return finished(canvas)


def _cell(canvas: Canvas, label: str, speed: Speed | None, x: float, y: float, width: float, height: float) -> None:
    if speed is None or speed.ratio is None:
        canvas.text(x + width / 2, y + height / 2 + 4, "·", "s c")
        return
    ink = MOST_INK * min(1.0, math.log(max(1.0, speed.ratio)) / math.log(STRONGEST))
    verdict = f"; {speed.verdict}" if speed.verdict else ""
    tip = f"{label}: {words.seconds(speed.seconds)}, {words.ratio(speed.ratio)}{verdict}"
    canvas.shape("rect", tip, look="x", x=x, y=y, width=width - 1, height=height - 1, fill_opacity=f"{ink:.2f}")
    canvas.text(x + width / 2, y + height / 2 + 4, words.figure(speed.ratio), "c")
