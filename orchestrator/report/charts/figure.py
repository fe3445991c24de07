"""What a picture is made of, and how its parts become one file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from msgspec import Struct

from orchestrator.report import style
from orchestrator.report.charts.svg import Canvas, number, width_of

#: The width of one panel: it fits a phone, and three stand side by side on a screen. One as wide as two has the main
#: thing of a picture.
WIDTH = 340
GAP, MARGIN = 16, 14
WIDE = 2 * WIDTH + GAP
_SHEET = Path(__file__).parent.parent / "templates" / "charts.css"


class Panel(Struct, frozen=True):
    """One part of a picture: SVG without the element around it.

    `where`: "wide" where there is room for two panels side by side, "narrow" in its place on phones, "" everywhere.
    """

    body: str
    height: float
    width: float = WIDTH
    where: Literal["", "wide", "narrow"] = ""

    @property
    def inline(self) -> str:
        """For the page, whose style sheet it needs."""
        look = f"chart {self.where}".strip()
        return f'<svg class="{look}" viewBox="0 0 {number(self.width)} {number(self.height)}">{self.body}</svg>'


class Figure(Struct, frozen=True):
    """A picture: `caption` says in a sentence what to see, `alt` what was found, `words` stand beside it."""

    title: str
    caption: str
    alt: str
    panels: list[Panel]
    words: list[str] = []


def finished(canvas: Canvas) -> Panel:
    return Panel(canvas.body, canvas.height, canvas.width)


@lru_cache(maxsize=1)
def sheet() -> str:
    """The style of charts, as the page has it."""
    return _SHEET.read_text(encoding="utf-8")


def one_file(figure: Figure, columns: int = 3) -> str:
    """The picture as SVG that stands alone: title and caption above its panels, side by side."""
    panels = [panel for panel in figure.panels if panel.where != "narrow"]
    columns = max(min(columns, len(panels)), *(2 if panel.where == "wide" else 1 for panel in panels))
    width = max(2, columns) * (WIDTH + GAP) - GAP + 2 * MARGIN
    caption = _wrapped(figure.caption, width - 2 * MARGIN)
    top = MARGIN + 24.0 + 15 * len(caption)
    placed, bottoms = [], [top] * columns
    for panel in panels:
        taken = 2 if panel.where == "wide" else 1
        places = [max(bottoms[i : i + taken]) for i in range(columns - taken + 1)]
        column = places.index(min(places))
        x, y = MARGIN + column * (WIDTH + GAP), places[column]
        placed.append(f'<g transform="translate({x} {number(y)})">{panel.body}</g>')
        bottoms[column : column + taken] = [y + panel.height + GAP] * taken
    canvas = Canvas(width, max(bottoms))
    canvas.box(0, 0, width, max(bottoms), "card")
    canvas.text(MARGIN, MARGIN + 12, figure.title, "h")
    for i, line in enumerate(caption):
        canvas.text(MARGIN, MARGIN + 29 + 15 * i, line, "s")
    size = f'width="{number(width)}" height="{number(canvas.height)}"'
    style_ = style.alone(sheet() + ".card { fill: var(--card); }\n")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" {size} viewBox="0 0 {number(width)} '
        f'{number(canvas.height)}"><style>{style_}</style>{canvas.body}{"".join(placed)}</svg>'
    )


def _wrapped(text: str, width: float) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width_of(longer, 9.5) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def wrapped(text: str, width: float, size: float = 11) -> Sequence[str]:
    """A name in as many lines as it needs; a word that is too long for one is broken."""
    most = max(4, int(width / width_of("x", size)))
    lines = [""]
    for word in text.split():
        while len(word) > most:
            lines.append(word[:most])
            word = word[most:]
        longer = f"{lines[-1]} {word}".strip()
        lines = [*lines[:-1], longer] if len(longer) <= most else [*lines, word]
    return [line for line in lines if line]
