"""Names beside points: each where it hides neither a point nor another name, or not at all."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from orchestrator.report.charts.svg import width_of

#: Height of the letters, and of what a mark covers from its middle on.
LETTERS, MARK = 10.0, 5.0
Box = tuple[float, float, float, float]


class Label(Struct, frozen=True):
    """A text with its place and its classes."""

    x: float
    y: float
    text: str
    look: str


class Labels:
    """The room for names within `bounds` (left, top, right, bottom); `take` marks what they must not hide."""

    def __init__(self, bounds: Box) -> None:
        self._bounds = bounds
        self._taken: list[Box] = []

    def take(self, x: float, y: float) -> None:
        """A mark at a point."""
        self._taken.append((x - MARK, y - MARK, x + MARK, y + MARK))

    def near(self, x: float, y: float, *texts: str) -> Label | None:
        """The first of the texts that fits on a side of a point, or at a corner; None where none does."""
        for text in texts:
            width = width_of(text, LETTERS)
            places = (
                (x - width / 2, y - 8, "c", x), (x - width / 2, y + 16, "c", x),
                (x + 8, y + 3.5, "", x + 8), (x - 8 - width, y + 3.5, "e", x - 8),
                (x + 5, y + 14, "", x + 5), (x + 5, y - 7, "", x + 5),
                (x - 5 - width, y + 14, "e", x - 5), (x - 5 - width, y - 7, "e", x - 5),
            )  # fmt: skip
            for left, bottom, anchor, at in places:
                box = (left, bottom - LETTERS + 1, left + width, bottom + 1)
                if self._fits(box):
                    self._taken.append(box)
                    return Label(at, bottom, text, f"n v {anchor}".strip())
        return None

    def beside(self, x: float, y: float, text: str) -> Label:
        """The text right of a point, whatever it hides."""
        self._taken.append((x + 8, y - 7, x + 8 + width_of(text, LETTERS), y + 4.5))
        return Label(x + 8, y + 3.5, text, "n v")

    def _fits(self, box: Box) -> bool:
        left, top, right, bottom = self._bounds
        inside = box[0] >= left and box[1] >= top and box[2] <= right and box[3] <= bottom
        return inside and not any(_meet(box, other) for other in self._taken)


def _meet(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
