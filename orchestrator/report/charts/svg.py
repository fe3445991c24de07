"""Small SVG: elements, numbers, marks. Everything that is text is escaped here, and nowhere else in this package."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape

from orchestrator.text import printable

#: Widths of letters, as parts of their height: what a wide sans-serif has, so that names are never cut.
LETTER, SIZE = 0.62, 11
Points = Sequence[tuple[float, float]]


def number(value: float) -> str:
    """A coordinate with one decimal, as short as it goes."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def width_of(text: str, size: float = SIZE) -> float:
    """How many pixels a text takes at most."""
    return len(text) * size * LETTER


class Canvas:
    """One picture while it is drawn. Coordinates are pixels from the top left corner."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._parts: list[str] = []

    @property
    def body(self) -> str:
        return "".join(self._parts)

    def add(self, drawn: str) -> None:
        """What was drawn elsewhere with the same coordinates."""
        self._parts.append(drawn)

    def shape(self, element: str, tip: str = "", **attributes: object) -> None:
        """One element; `tip` is what is said of it under the pointer. `look` is its class."""
        text = "".join(f' {_name(key)}="{_value(value)}"' for key, value in attributes.items() if value != "")
        inner = f"<title>{_value(tip)}</title></{element}>" if tip else ""
        self._parts.append(f"<{element}{text}{'>' if tip else '/>'}{inner}")

    def text(self, x: float, y: float, text: str, look: str = "") -> None:
        attributes = f' class="{look}"' if look else ""
        self._parts.append(f'<text x="{number(x)}" y="{number(y)}"{attributes}>{_value(text)}</text>')

    def line(self, x1: float, y1: float, x2: float, y2: float, look: str, tip: str = "") -> None:
        self.path([(x1, y1), (x2, y2)], look, tip)

    def path(self, points: Points, look: str, tip: str = "", dash: str = "") -> None:
        """A line through points; one that is a single point is a dot of it."""
        steps = " ".join(f"{number(x)} {number(y)}" for x, y in points)
        self.shape("path", tip, look=look, d=f"M{steps}", stroke_dasharray=dash)

    def box(self, x: float, y: float, width: float, height: float, look: str, tip: str = "") -> None:
        self.shape("rect", tip, look=look, x=x, y=y, width=max(0.0, width), height=height)

    def mark(self, shape: str, x: float, y: float, look: str = "m", tip: str = "", size: float = 4.5) -> None:
        """A mark of a contender's shape around a point."""
        if shape == "circle":
            self.shape("circle", tip, look=look, cx=x, cy=y, r=size)
            return
        steps = " ".join(f"{number(x + size * dx)} {number(y + size * dy)}" for dx, dy in _OUTLINES[shape])
        self.shape("path", tip, look=look, d=f"M{steps}z")

    @contextmanager
    def turned(self, x: float, y: float) -> Iterator[None]:
        """What is drawn inside begins at a point and runs upwards."""
        self._parts.append(f'<g transform="translate({number(x)} {number(y)}) rotate(-90)">')
        yield
        self._parts.append("</g>")

    @contextmanager
    def group(self, look: str, contender: str = "") -> Iterator[None]:
        """What is drawn inside has the colour of `look`, if any; `contender` is the key by which scripts find it."""
        named = f' data-contender="{_value(contender)}"' if contender else ""
        self._parts.append(f'<g class="{look}"{named}>' if look else f"<g{named}>")
        yield
        self._parts.append("</g>")


def _star(points: int = 5) -> Points:
    angles = [math.pi * i / points - math.pi / 2 for i in range(2 * points)]
    return [
        ((1.3 if i % 2 == 0 else 0.55) * math.cos(a), (1.3 if i % 2 == 0 else 0.55) * math.sin(a))
        for i, a in enumerate(angles)
    ]


_OUTLINES: dict[str, Points] = {
    "square": [(-0.95, -0.95), (0.95, -0.95), (0.95, 0.95), (-0.95, 0.95)],
    "triangle": [(0, -1.2), (1.15, 0.9), (-1.15, 0.9)],
    "wedge": [(0, 1.2), (1.15, -0.9), (-1.15, -0.9)],
    "diamond": [(0, -1.3), (1.15, 0), (0, 1.3), (-1.15, 0)],
    "cross": [
        *((-0.4, -1.2), (0.4, -1.2), (0.4, -0.4), (1.2, -0.4), (1.2, 0.4), (0.4, 0.4), (0.4, 1.2), (-0.4, 1.2)),
        *((-0.4, 0.4), (-1.2, 0.4), (-1.2, -0.4), (-0.4, -0.4)),
    ],
    "bar": [(-0.5, -1.3), (0.5, -1.3), (0.5, 1.3), (-0.5, 1.3)],
    "star": _star(),
}


def _name(key: str) -> str:
    return "class" if key == "look" else key.replace("_", "-")


def _value(value: object) -> str:
    return number(value) if isinstance(value, float | int) else escape(printable(str(value)))
