"""The dot plot in the rows of the answer: times the fastest on one logarithmic axis, as positions of an SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from msgspec import Struct

from orchestrator.report import words

#: Size of one row's plot in its own units, and the space left and right of its axis.
WIDTH, HEIGHT, PAD = 230, 40, 14
#: Where an axis may have a tick: these, and these times ten, a hundred and so on.
STEPS = (1.0, 1.1, 1.2, 1.5, 2.0, 3.0, 5.0, 7.0)
MOST_TICKS = 5


class Axis(Struct, frozen=True):
    """Ratios from 1 to `top`."""

    top: float

    def x(self, ratio: float) -> float:
        """Where a ratio stands; what lies beyond the axis stands at its end."""
        share = math.log(min(max(ratio, 1.0), self.top)) / math.log(self.top)
        return round(PAD + share * (WIDTH - 2 * PAD), 1)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """(place, text) of a few round ratios; the first is 1."""
        all_ = [step * 10**power for power in range(6) for step in STEPS if 1 <= step * 10**power <= self.top]
        least = (WIDTH - 2 * PAD) / MOST_TICKS
        found: list[float] = []
        for ratio in sorted(all_, key=_roundness):
            if all(abs(self.x(ratio) - self.x(other)) >= least for other in found):
                found.append(ratio)
        return [(self.x(ratio), f"{ratio:,g}×") for ratio in sorted(found)]


class Dot(Struct, frozen=True):
    """One ratio: its place, the ends of its interval where it has one, and its words for those who point at it."""

    x: float
    y: float
    words: str
    low: float | None = None
    high: float | None = None


class Plot(Struct, frozen=True):
    """The dots of one contender, one below the other in the order of the tasks, and its overall figure."""

    dots: Sequence[Dot]
    overall: Dot | None = None


#: A ratio with its interval, (None, None) without one.
Known = tuple[float, float | None, float | None]


def axis(ratios: Iterable[float]) -> Axis | None:
    """One that holds all ratios; None without any."""
    known = list(ratios)
    return Axis(max(1.25, 1.04 * max(known))) if known else None


def plot(its: Axis, known: Sequence[tuple[str, Known]], overall: Known | None) -> Plot:
    """`known`: the name of each task with its ratio, from top to bottom."""
    step = (HEIGHT - 12) / max(len(known) - 1, 1)
    top = 6.0 if len(known) > 1 else HEIGHT / 2
    dots = [_dot(its, name, ratio, round(top + step * i, 1)) for i, (name, ratio) in enumerate(known)]
    return Plot(dots, _dot(its, "overall", overall, HEIGHT / 2) if overall and len(known) > 1 else None)


def _dot(its: Axis, name: str, known: Known, y: float) -> Dot:
    ratio, low, high = known
    ends = (its.x(low), its.x(high)) if low is not None and high is not None else (None, None)
    return Dot(its.x(ratio), y, f"{name}: {words.ratio(ratio)}", *ends)


def _roundness(ratio: float) -> tuple[int, float]:
    """1 first, then the decades, 2 and 5, the rest."""
    digit = round(ratio / 10 ** math.floor(math.log10(ratio)), 6)
    return (0 if ratio == 1 else (1.0, 5.0, 2.0, 3.0, 1.5, 7.0, 1.2, 1.1).index(digit) + 1, ratio)
