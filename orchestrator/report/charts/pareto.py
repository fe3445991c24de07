"""Throughput against accuracy: who gives most of one without giving up the other."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from msgspec import Struct

from orchestrator.report import words
from orchestrator.report.charts import curves, scales
from orchestrator.report.charts.curves import LEFT
from orchestrator.report.charts.figure import WIDTH, Figure, Panel, finished, wrapped
from orchestrator.report.charts.material import Group, Look, Material
from orchestrator.report.charts.scales import Scale
from orchestrator.report.charts.svg import Canvas, width_of
from orchestrator.stats.describe import median, rate

CAPTION = (
    "Further right trains faster, further up is more accurate after the same epochs; filled marks on the dashed line "
    "are the Pareto front: nobody is better in both."
)
HEIGHT = 190.0
#: Where a name may stand beside its mark: right, left, above, below; as (dx, dy, alignment).
PLACES = ((9, 4, ""), (-9, 4, "e"), (0, -9, "c"), (0, 16, "c"), (9, -8, ""), (-9, -8, "e"), (9, 15, ""), (-9, 15, "e"))

#: Left, top, right, bottom.
Box = tuple[float, float, float, float]


class Dot(Struct, frozen=True):
    """One contender: samples per second and validation accuracy, medians over repeats."""

    column: int
    speed: float
    accuracy: float
    best: bool = False


def build(material: Material) -> Figure | None:
    found = [(group, dots) for group in material.groups() if len(dots := _dots(material, group)) > 1]
    if not found:
        return None
    panels = [_panel(material, group, dots) for group, dots in found]
    panels.append(curves.key_panel(material.looks, [look.label for look in material.looks]))
    fronts = [
        f"{group.title}: {', '.join(material.looks[dot.column].label for dot in dots if dot.best)}"
        for group, dots in found
    ]
    return Figure("Throughput against accuracy", CAPTION, f"On the Pareto front: {'; '.join(fronts[:6])}.", panels)


def _dots(material: Material, group: Group) -> list[Dot]:
    """Of jobs whose accuracy says something: not of synthetic data, nor of models that are not the same."""
    task = material.layout.tasks[group.line]
    if task.synthetic or task.unlike:
        return []
    dots = []
    for column in group.columns:
        rows = material.good(column, group.line)
        speed = rate(row.get("samples_per_s") for row in rows)
        accuracy = median(row.get("val_accuracy") for row in rows)
        if speed and accuracy is not None:
            dots.append(Dot(column, speed, accuracy))
    return front(dots)


def front(dots: Sequence[Dot]) -> list[Dot]:
    """The dots, with those marked that no other one beats in one figure without losing in the other."""
    return [Dot(dot.column, dot.speed, dot.accuracy, not any(_beats(other, dot) for other in dots)) for dot in dots]


def _beats(one: Dot, other: Dot) -> bool:
    better = one.speed >= other.speed and one.accuracy >= other.accuracy
    return better and (one.speed, one.accuracy) != (other.speed, other.accuracy)


def _panel(material: Material, group: Group, dots: Sequence[Dot]) -> Panel:
    heads = [(line, "h") for line in wrapped(group.title, WIDTH)]
    heads += [(line, "s") for line in wrapped(material.noise(group.line), WIDTH, 10)]
    top = 13.0 * len(heads) + 26
    canvas = Canvas(WIDTH, top + HEIGHT + 34)
    for i, (text, weight) in enumerate(heads):
        canvas.text(0, 11 + 13 * i, text, weight)
    x = scales.logarithmic([dot.speed for dot in dots], LEFT + 14, WIDTH - 14)
    y = _vertical(dots, top)
    scales.below(canvas, x, top, top + HEIGHT, "training samples per second (log scale)")
    scales.beside(canvas, y, LEFT, WIDTH, "validation accuracy", "{:.2f}".format)
    steps = sorted((x(dot.speed), y(dot.accuracy)) for dot in dots if dot.best)
    if len(steps) > 1:
        canvas.path(steps, "t")
    taken = [*_along(steps), *(_around(x(dot.speed), y(dot.accuracy)) for dot in dots)]
    for dot in dots:
        look = material.looks[dot.column]
        tip = f"{look.label}: {words.figure(dot.speed)} samples/s, validation accuracy {dot.accuracy:.3f}"
        with canvas.group(look.colour, look.key):
            canvas.mark(look.shape, x(dot.speed), y(dot.accuracy), "m" if dot.best else "o", tip)
    _names(
        canvas,
        [(x(dot.speed), y(dot.accuracy), material.looks[dot.column], dot.best) for dot in dots],
        taken,
        top,
    )
    return finished(canvas)


def _vertical(dots: Sequence[Dot], top: float) -> Scale:
    low, high = min(dot.accuracy for dot in dots), max(dot.accuracy for dot in dots)
    room = max(0.12 * (high - low), 0.02)
    return Scale(max(0.0, low - room), min(1.0, high + room), top + HEIGHT, top)


def _around(x: float, y: float) -> Box:
    return (x - 6, y - 6, x + 6, y + 6)


def _along(steps: Sequence[tuple[float, float]]) -> list[Box]:
    """Small boxes along a line, which names must not cover."""
    found = []
    for (x1, y1), (x2, y2) in itertools.pairwise(steps):
        for i in range(31):
            x, y = x1 + (x2 - x1) * i / 30, y1 + (y2 - y1) * i / 30
            found.append((x - 2, y - 1, x + 2, y + 1))
    return found


def _names(canvas: Canvas, dots: Sequence[tuple[float, float, Look, bool]], taken: list[Box], top: float) -> None:
    """Names where there is room for them, those on the front first; the key has all of them."""
    for x, y, its, _ in sorted(dots, key=lambda dot: not dot[3]):
        width = width_of(its.label, 10)
        for dx, dy, look in PLACES:
            left = x + dx - (width if look == "e" else width / 2 if look == "c" else 0)
            box = (left, y + dy - 9, left + width, y + dy + 2)
            across, down = box[0] >= LEFT and box[2] <= WIDTH, box[1] >= top - 8 and box[3] <= top + HEIGHT
            if across and down and not any(_meet(box, other) for other in taken):
                with canvas.group("", its.key):
                    canvas.text(x + dx, y + dy, its.label, f"n {look}".rstrip())
                taken.append(box)
                break


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
