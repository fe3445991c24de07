"""A panel of named rows over one horizontal axis: dots, bars and dumbbells are drawn into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from orchestrator.report.charts import scales
from orchestrator.report.charts.figure import WIDTH, Panel, finished, wrapped
from orchestrator.report.charts.material import Look
from orchestrator.report.charts.scales import Scale
from orchestrator.report.charts.svg import Canvas, width_of

#: Names that need more stand above their row.
MOST_BESIDE = 124
ROW, LINE, FOOT = 20.0, 13.0, 34.0
#: Between names or figures and what is drawn, so that marks at the ends do not touch them.
AIR = 9.0


class Rows:
    """Names on the left (long ones above their row), figures on the right, and room for marks between.

    `y` has the middle of each row, `begin` and `end` are for a scale; `room`: what figures take in any panel of the
    picture; `keys`: of the contenders that the rows are of; `heads`: what stands above some rows, by their positions.
    `close` draws the axis below everything that was drawn.
    """

    def __init__(
        self,
        title: str,
        names: Sequence[str],
        right: Sequence[str] = (),
        note: str = "",
        room: float = 0.0,
        keys: Sequence[str] = (),
        heads: Mapping[int, str] | None = None,
    ) -> None:
        beside = max((width_of(name) for name in names), default=0) <= MOST_BESIDE
        side = max((width_of(name) for name in names), default=0) if beside else 0
        self.begin = side + AIR
        self.end = WIDTH - max([room, *(width_of(text, 10) for text in right)]) - AIR
        texts = [(line, "h") for line in wrapped(title, WIDTH)] + [(line, "s") for line in wrapped(note, WIDTH, 10)]
        top = LINE * len(texts) + 6
        groups: list[tuple[float, str, int]] = []
        self.top = top
        self.y: list[float] = []
        lines = [wrapped(name, WIDTH - 4) for name in names]
        for row, each in enumerate(lines):
            if heads and row in heads:
                groups.append((top + LINE, heads[row], row))
                top += LINE + 6
            above = 0 if beside else LINE * len(each)
            self.y.append(top + above + ROW / 2)
            top += above + ROW
        self.bottom = top
        self.canvas = Canvas(WIDTH, top + FOOT)
        self._texts = Canvas(WIDTH, top + FOOT)
        for i, (text, look) in enumerate(texts):
            self._texts.text(0, 11 + LINE * i, text, look)
        for y, text, row in groups:
            with self._texts.group("", keys[row] if keys else ""):
                self._texts.text(0, y, text)
        for row, (y, each, name) in enumerate(zip(self.y, lines, names, strict=True)):
            with self._texts.group("", keys[row] if keys else ""):
                if beside:
                    self._texts.text(side, y + 4, name, "e")
                for i, text in enumerate([] if beside else each):
                    self._texts.text(0, y - ROW / 2 - LINE * (len(each) - 1 - i) - 1, text, "v")
                for text in right[row : row + 1]:
                    self._texts.text(WIDTH, y + 4, text, "s e")

    def close(self, scale: Scale, title: str, form: Callable[[float], str] = scales.tick) -> Panel:
        """The finished panel, with the axis of `scale` below the rows."""
        whole = Canvas(WIDTH, self.canvas.height)
        scales.below(whole, scale, self.top, self.bottom, title, form)
        return finished(_joined(whole, self._texts, self.canvas))


def _joined(whole: Canvas, *parts: Canvas) -> Canvas:
    for part in parts:
        whole.add(part.body)
    return whole


def bars(
    title: str,
    lines: Sequence[tuple[Look, float, str, str]],
    axis: str,
    form: Callable[[float], str] = scales.tick,
    note: str = "",
) -> Panel:
    """A bar from 0 for each (contender, value, its text, tip)."""
    keys = [look.key for look, *_ in lines]
    rows = Rows(title, [look.label for look, *_ in lines], [text for *_, text, _ in lines], note, keys=keys)
    scale = scales.from_zero([value for _, value, _, _ in lines], rows.begin, rows.end)
    for y, (look, value, _, tip) in zip(rows.y, lines, strict=True):
        with rows.canvas.group(look.colour, look.key):
            rows.canvas.box(scale.begin, y - 6, scale(value) - scale.begin, 12, "m", tip)
    return rows.close(scale, axis, form)
