"""A panel of strips: one small chart of a reading over time below the other, on one axis of time."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from orchestrator.report.charts import scales
from orchestrator.report.charts.figure import WIDTH, Panel, finished, wrapped
from orchestrator.report.charts.material import Look, Point
from orchestrator.report.charts.scales import Scale
from orchestrator.report.charts.svg import Canvas, Points, number

LEFT, NAME, TITLE, STRIP, AIR, FOOT = 34.0, 15.0, 10.0, 30.0, 5.0, 34.0
#: Of more epochs than this only some are shaded.
MOST_EPOCHS = 40


class Series(Struct, frozen=True):
    """One reading: values over seconds, in its unit, on a scale up to `most`; `marks` are moments to be marked.

    `others` are drawn thin beside it; `name` stands above the strip, where the unit does not say what it is.
    """

    points: Points
    unit: str
    most: float
    tip: str
    others: Sequence[Points] = ()
    marks: Sequence[tuple[float, str]] = ()
    name: str = ""


class Strip(Struct, frozen=True):
    """One contender or job: its readings below each other, and (begin, end) of its epochs."""

    look: Look
    name: str
    series: Sequence[Series]
    epochs: Sequence[tuple[float, float]] = ()


def panel(title: str, note: str, strips: Sequence[Strip], end: float) -> Panel:
    """`end`: where the axis of time ends, in seconds; it begins at 0."""
    heads = [(line, "h") for line in wrapped(title, WIDTH)] + [(line, "s") for line in wrapped(note, WIDTH, 10)]
    top = 13.0 * len(heads) + 4
    height = top + sum(_height(strip) for strip in strips)
    canvas = Canvas(WIDTH, height + FOOT)
    for i, (text, look) in enumerate(heads):
        canvas.text(0, 11 + 13 * i, text, look)
    x = Scale(0.0, end or 1.0, LEFT, WIDTH - 6)
    scales.below(canvas, x, top + NAME, height, "seconds since the job started")
    for strip in strips:
        _draw(canvas, strip, x, top)
        top += _height(strip)
    return finished(canvas)


def _height(strip: Strip) -> float:
    return NAME * len(wrapped(strip.name, WIDTH - LEFT)) + _readings(strip) + AIR


def _readings(strip: Strip) -> float:
    return sum(STRIP + AIR + (TITLE if series.name else 0) for series in strip.series)


def _draw(canvas: Canvas, strip: Strip, x: Scale, top: float) -> None:
    with canvas.group(strip.look.colour, strip.look.key):
        for line in wrapped(strip.name, WIDTH - LEFT):
            canvas.text(LEFT, top + NAME - 4, line)
            top += NAME
        bottom = top + _readings(strip) - AIR
        step = -(-len(strip.epochs) // MOST_EPOCHS) or 1
        for begin, end in strip.epochs[:: 2 * step]:
            canvas.box(x(begin), top, x(end) - x(begin), bottom - top, "q")
        for series in strip.series:
            if series.name:
                canvas.text(LEFT, top + TITLE - 2, series.name, "s")
                top += TITLE
            y = Scale(0.0, series.most or 1.0, top + STRIP, top)
            canvas.line(LEFT, top + STRIP, WIDTH - 6, top + STRIP, "a")
            canvas.text(LEFT - 4, top + 8, scales.tick(round(y.high)), "s e")
            canvas.text(LEFT - 4, top + 20, series.unit, "s e")
            for points in series.others:
                canvas.path(steps(points, x, y), "f")
            canvas.path(steps(series.points, x, y), "l", series.tip)
            for t, tip in series.marks:
                canvas.line(x(t), top + STRIP - 7, x(t), top + STRIP, "r", tip)
            top += STRIP + AIR


def steps(points: Points, x: Scale, y: Scale) -> list[tuple[float, float]]:
    return [(x(t), y(value)) for t, value in points]


def thinned(readings: Sequence[Point], field: str, most: int) -> list[tuple[float, float]]:
    """(second, value) of the readings that have the field, in order; of many the means of neighbours."""
    known = sorted((r["t_s"], r[field]) for r in readings if r.get(field) is not None)
    size = -(-len(known) // most) or 1
    parts = [known[i : i + size] for i in range(0, len(known), size)]
    return [(sum(t for t, _ in part) / len(part), sum(v for _, v in part) / len(part)) for part in parts]


def said(points: Points, unit: str) -> str:
    """`0-3 s, up to 98 %`: what a line holds, in a few words."""
    highest = max((value for _, value in points), default=0.0)
    middle = sum(value for _, value in points) / len(points) if points else 0.0
    return f"mean {number(round(middle, 1))} {unit}, at most {number(round(highest, 1))} {unit}"
