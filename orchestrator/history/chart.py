"""The picture of a line: a dot for each night with its own interval, the level of each piece, and the steps.

Only numbers and short labels are made here; the template draws and escapes them. It is drawn without a script, so it
follows the colours of the page and needs no library.
"""

from __future__ import annotations

import datetime
import itertools
import math
import statistics
from collections.abc import Callable

from msgspec import Struct

from orchestrator.history.lines import By, Line, Point
from orchestrator.report import words
from orchestrator.report.style import colour

#: Units of the picture; the page scales it.
WIDTH, HEIGHT = 720, 150
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 18, 26
#: The range that is shown at least, as a share: noise must not look like mountains.
LEAST_RANGE = 0.1


class Dot(Struct, frozen=True):
    """One night. `low` and `high` are the ends of its interval, None where there is none."""

    x: float
    y: float
    low: float | None
    high: float | None
    label: str


class Chart(Struct, frozen=True):
    """What the template draws. `ticks`: (y, label); `levels`: (x from, x to, y); `steps`: (x, slower)."""

    colour: str
    dots: list[Dot]
    ticks: list[tuple[float, str]]
    levels: list[tuple[float, float, float]]
    steps: list[tuple[float, bool]]
    gaps: list[tuple[float, str]]
    first: str
    last: str


def chart(line: Line, by: By) -> Chart:
    """The picture of a line that has a night."""
    places = _places(line, by)
    low, high = _range(line.points)
    reach = HEIGHT - TOP - BOTTOM

    def height(seconds: float) -> float:
        share = (math.log(seconds) - math.log(low)) / (math.log(high) - math.log(low))
        return round(HEIGHT - BOTTOM - reach * min(1.0, max(0.0, share)), 1)

    dots = [
        Dot(
            x=places[point.run_id],
            y=height(point.seconds),
            low=None if point.low is None else height(point.low),
            high=None if point.high is None else height(point.high),
            label=label(point),
        )
        for point in line.points
    ]
    return Chart(
        colour=colour(line.cell["backend"]),
        dots=dots,
        ticks=[(height(value), words.figure(value)) for value in (low, math.sqrt(low * high), high)],
        levels=_levels(line, dots, height),
        steps=[(_between(places, step.before, step.first), step.slower) for step in line.steps or ()],
        gaps=[(places[gap.run_id], f"{gap.run_id}: {gap.why}") for gap in line.gaps if gap.run_id in places],
        first=_end(line.points[0], by),
        last=_end(line.points[-1], by),
    )


def label(point: Point) -> str:
    """A night in words: `RUN (Keras ...): 1.23 s per epoch, 1.20-1.26, n = 3`."""
    bounds = f", {words.span(point.low, point.high)}" if point.low is not None and point.high is not None else ""
    noise = f"; disturbed: {', '.join(point.disturbed)}" if point.disturbed else ""
    one = ", no interval" if point.n == 1 else ""
    return f"{point.name}: {words.figure(point.seconds)} s per epoch{bounds}, n = {point.n}{one}{noise}"


def _places(line: Line, by: By) -> dict[str, float]:
    """x by run: by date where it lies in time, so that missing nights are seen; else one beside the other."""
    order = {point.run_id: float(i) for i, point in enumerate(line.points)}
    if by == "date":
        stamps = {point.run_id: point.when for point in line.points} | {gap.run_id: gap.when for gap in line.gaps}
        times = {run: _seconds(when) for run, when in stamps.items()}
        if all(time is not None for time in times.values()) and len(set(times.values())) > 1:
            order = {run: float(time or 0) for run, time in times.items()}
    first, last = min(order.values()), max(order.values())
    room = WIDTH - LEFT - RIGHT
    if first == last:
        return dict.fromkeys(order, LEFT + room / 2)
    return {run: round(LEFT + 6 + (room - 12) * (at - first) / (last - first), 1) for run, at in order.items()}


def _seconds(when: str) -> float | None:
    try:
        return datetime.datetime.fromisoformat(when[:19]).replace(tzinfo=datetime.timezone.utc).timestamp()
    except ValueError:
        return None


def _range(points: list[Point]) -> tuple[float, float]:
    """The seconds at the lower and the upper edge: all dots are inside, and intervals but for endless ones."""
    low, high = min(point.seconds for point in points), max(point.seconds for point in points)
    inside = [end for point in points for end in (point.low, point.high) if end and low / 1.2 <= end <= high * 1.2]
    low, high = min([low, *inside]), max([high, *inside])
    middle, half = math.sqrt(low * high), max(high / low, 1 + LEAST_RANGE) ** 0.5
    return middle / half / 1.01, middle * half * 1.01


def _levels(line: Line, dots: list[Dot], height: Callable[[float], float]) -> list[tuple[float, float, float]]:
    """The geometric mean of each piece between steps, where steps were looked for."""
    if line.steps is None:
        return []
    edges = [0, *(len(dots) - step.nights_after for step in line.steps), len(dots)]
    found = []
    for begin, end in itertools.pairwise(edges):
        middle = math.exp(statistics.fmean(math.log(point.seconds) for point in line.points[begin:end]))
        found.append((dots[begin].x, dots[end - 1].x, height(middle)))
    return found


def _between(places: dict[str, float], before: Point, first: Point) -> float:
    return round((places[before.run_id] + places[first.run_id]) / 2, 1)


def _end(point: Point, by: By) -> str:
    if by == "commit" and point.commit:
        return point.commit[:10]
    return point.version if by == "version" else point.when[:10]
