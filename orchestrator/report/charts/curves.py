"""A panel of curves, each named where it ends; names that would lie on each other are moved apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from orchestrator.report.charts import scales
from orchestrator.report.charts.figure import WIDTH, Panel, finished, wrapped
from orchestrator.report.charts.material import MOST_POINTS, MOST_REPEATS, Look
from orchestrator.report.charts.scales import Scale
from orchestrator.report.charts.svg import Canvas, Points, width_of

#: The longest name at the end of a line; where one is longer, all are numbers, and a key tells them.
MOST_NAME = 112
LEFT, HEAD, FOOT, HEIGHT, NAME = 44.0, 20.0, 34.0, 170.0, 12.0


class Curve(Struct, frozen=True):
    """One contender: its middle as values, what is said of each point, single repeats, and marks of trouble.

    `name` stands where it ends, at the right; "" for one that is named elsewhere.
    """

    look: Look
    name: str
    points: Points
    tips: Sequence[str]
    repeats: Sequence[Points] = ()
    troubles: Sequence[tuple[float, float, str]] = ()
    #: Where it begins before its first point: drawn thin.
    origin: tuple[float, float] | None = None
    #: Its points are marked by whoever draws `above`.
    plain: bool = False


class Level(Struct, frozen=True):
    """A horizontal line at a value, with its name."""

    value: float
    name: str
    look: str


def names(looks: Sequence[Look]) -> list[str]:
    """What stands at the ends of lines: the labels, or their numbers where one is too long."""
    if all(width_of(look.label, 10) <= MOST_NAME for look in looks):
        return [look.label for look in looks]
    return [str(position) for position in range(1, len(looks) + 1)]


def thinned(points: Points) -> Points:
    """At most MOST_POINTS of the points, the last always among them."""
    step = -(-len(points) // MOST_POINTS)
    return points if step <= 1 else [*points[:-1:step], points[-1]]


class Plot:
    """The room for curves: as high as its names need, with heads above and an axis below."""

    def __init__(
        self, title: str, note: str, curves: Sequence[Curve], width: float = WIDTH, height: float = HEIGHT
    ) -> None:
        self._width = width
        self.right = width - max((width_of(curve.name, 10) for curve in curves), default=0) - 14
        self._heads = [(line, "h") for line in wrapped(title, width)]
        self._heads += [(line, "s") for line in wrapped(note, width, 10)]
        self.top = 13.0 * len(self._heads) + HEAD
        self.bottom = self.top + max(height, NAME * len(curves))
        self.curves = curves

    def drawn(
        self,
        x: Scale,
        y: Scale,
        titles: tuple[str, str],
        levels: Sequence[Level] = (),
        forms: tuple[Callable[[float], str], Callable[[float], str]] = (scales.tick, scales.tick),
        whole: bool = False,
        above: Callable[[Canvas], None] | None = None,
    ) -> Panel:
        """The finished panel. `titles` and `forms` are of the horizontal and the vertical axis; `above` draws last."""
        canvas = Canvas(self._width, self.bottom + FOOT)
        for i, (text, look) in enumerate(self._heads):
            canvas.text(0, 11 + 13 * i, text, look)
        scales.below(canvas, x, self.top, self.bottom, titles[0], forms[0], whole)
        scales.beside(canvas, y, LEFT, self.right, titles[1], forms[1])
        for level in levels:
            canvas.line(LEFT, y(level.value), self.right, y(level.value), level.look, level.name)
        self._ends(canvas, x, y)
        for curve in self.curves:
            with canvas.group(curve.look.colour, curve.look.key):
                _draw(canvas, curve, x, y)
        for level in filter(lambda level: level.name, levels):  # above the curves, or they could not be read
            canvas.text(LEFT + 4, y(level.value) - 3, level.name, "s v")
        if above:
            above(canvas)
        return finished(canvas)

    def _ends(self, canvas: Canvas, x: Scale, y: Scale) -> None:
        """The names, from top to bottom as the lines end, never closer than a line of text."""
        ends = sorted(((y(c.points[-1][1]), i) for i, c in enumerate(self.curves) if c.name), key=lambda end: end[0])
        for (wanted, i), at in zip(ends, apart([end for end, _ in ends], self.top, self.bottom), strict=True):
            curve = self.curves[i]
            with canvas.group(curve.look.colour, curve.look.key):
                canvas.line(x(curve.points[-1][0]) + 3, wanted, self.right + 8, at, "g")
                canvas.text(self.right + 10, at + 3.5, curve.name)


def apart(wanted: Sequence[float], top: float, bottom: float, least: float = NAME) -> list[float]:
    """Places near the wanted ones, which are in order, at least `least` from each other and within the bounds."""
    placed: list[float] = []
    for place in wanted:
        placed.append(max(place, placed[-1] + least if placed else top))
    for i in range(len(placed) - 1, -1, -1):
        limit = bottom if i == len(placed) - 1 else placed[i + 1] - least
        placed[i] = min(placed[i], limit)
    return placed


def _draw(canvas: Canvas, curve: Curve, x: Scale, y: Scale) -> None:
    def at(points: Points) -> list[tuple[float, float]]:
        return [(x(a), y(b)) for a, b in points]

    for points in curve.repeats[:MOST_REPEATS]:
        if len(points) > 1:
            canvas.path(at(thinned(points)), "f")
    if curve.origin:
        canvas.path(at([curve.origin, curve.points[0]]), "f", dash="1 3")
    if len(curve.points) > 1:
        canvas.path(at(thinned(curve.points)), "l", dash=curve.look.dash)
    if curve.plain:
        return
    step = -(-len(curve.points) // 12)
    marked = list(zip(curve.points, curve.tips, strict=True))
    for (a, b), tip in [*marked[:-1:step], marked[-1]]:
        canvas.mark(curve.look.shape, x(a), y(b), "m", tip, 3.6)
    for a, b, tip in curve.troubles:
        canvas.mark("circle", x(a), y(b), "r", tip, 6)


def key_panel(looks: Sequence[Look], numbers: Sequence[str]) -> Panel:
    """Which contender has which number and mark."""
    lines = [wrapped(look.label, WIDTH - 48) for look in looks]
    canvas = Canvas(WIDTH, 22 + 14 * sum(map(len, lines)))
    canvas.text(0, 11, "Contenders", "h")
    y = 27.0
    for look, number, text in zip(looks, numbers, lines, strict=True):
        with canvas.group(look.colour, look.key):
            canvas.path([(0, y), (22, y)], "l", dash=look.dash)
            canvas.mark(look.shape, 11, y)
            if number != look.label:
                canvas.text(42, y + 4, number, "h e")
            for i, line in enumerate(text):
                canvas.text(48 if number != look.label else 28, y + 4 + 14 * i, line)
        y += 14 * len(text)
    return finished(canvas)
