"""Axes of numbers: where a value lies, which values are named, and how."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from orchestrator.report import words
from orchestrator.report.charts.svg import Canvas, width_of

#: Pixels that the name of a tick needs beside itself.
GAP = 12


class Scale(Struct, frozen=True):
    """From values `low` to `high` to pixels `begin` to `end`; `log`: equal ratios are equally far apart."""

    low: float
    high: float
    begin: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high, at = map(math.log, (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        return self.begin + (self.end - self.begin) * min(1.0, max(0.0, (at - low) / (high - low)))

    def ticks(self, most: int) -> list[float]:
        """Round values within, at most `most` of them."""
        return _decades(self.low, self.high, most) if self.log else _steps(self.low, self.high, most)


def from_zero(values: Iterable[float | None], begin: float, end: float) -> Scale:
    """A scale that begins at 0. Where all is 0 it ends at 1: a scale of one point has a tick that says nothing."""
    return Scale(0.0, max((v for v in values if v is not None and math.isfinite(v)), default=0.0) or 1.0, begin, end)


def logarithmic(values: Iterable[float], begin: float, end: float) -> Scale:
    """A scale of ratios around values above 0, with a little room at both ends."""
    found = [value for value in values if value > 0 and math.isfinite(value)] or [1.0]
    room = max(1.02, (max(found) / min(found)) ** 0.03)
    return Scale(min(found) / room, max(found) * room, begin, end, log=True)


def fitting(values: Sequence[float], begin: float, end: float) -> Scale:
    """From 0 where the values are of one size, else of ratios: the small ones could not be told apart."""
    known = [value for value in values if value > 0]
    far = len(known) == len(values) and max(known, default=1) > 5 * min(known, default=1)
    return logarithmic(known, begin, end) if far else from_zero([1.05 * value for value in values], begin, end)


def _steps(low: float, high: float, most: int) -> list[float]:
    raw = (high - low) / max(1, most - 1)
    unit = 10.0 ** math.floor(math.log10(raw)) if raw > 0 else 1.0
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10, 20) if unit * factor >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)][: most + 1]


#: What stands between two powers of ten, from close to far.
_FACTORS = ((1, 1.1, 1.2, 1.3, 1.5, 1.7, 2, 2.5, 3, 4, 5, 6, 8), (1, 1.2, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,))


def _decades(low: float, high: float, most: int) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    found: list[float] = []
    for factors in _FACTORS:
        found = [f * 10.0**power for power in range(first, last + 1) for f in factors]
        found = [value for value in found if low * 0.999 <= value <= high * 1.001]
        if len(found) <= most:
            return found
    return found[:: math.ceil(len(found) / most)]


def _whole(scale: Scale, most: int) -> list[float]:
    first, last = math.ceil(scale.low), math.floor(scale.high)
    step = max(1, math.ceil((last - first + 1) / most))
    return [float(value) for value in range(first, last + 1) if value % step == 0 or step == 1]


def tick(value: float) -> str:
    """What stands at a tick: as few digits as tell it."""
    if value and abs(value) < 0.001:
        return words.figure(value, 2)
    return f"{value:,.6f}".rstrip("0").rstrip(".")


def apart(one: float, other: float) -> float:
    """How far two values above 0 lie apart as ratios: 1 or more."""
    return max(one, other) / min(one, other)


def times(value: float) -> str:
    return f"{tick(value)}×"


Form = Callable[[float], str]


def below(
    canvas: Canvas, scale: Scale, top: float, bottom: float, title: str, write: Form = tick, whole: bool = False
) -> None:
    """An axis along the bottom: lines of the grid from `top`, names of the ticks, and its title below them.

    `whole`: only whole numbers are named.
    """
    room = max(1, int((scale.end - scale.begin) / (24 if whole else 26)))
    values = _whole(scale, room) if whole else scale.ticks(room)
    last = -math.inf
    for value in values:
        x, text = scale(value), write(value)
        canvas.line(x, top, x, bottom, "g")
        half = width_of(text, 10) / 2
        if x - half > last:
            canvas.text(max(half, min(x, canvas.width - half)), bottom + 13, text, "s c")
            last = x + half + GAP / 2
    canvas.text((scale.begin + scale.end) / 2, bottom + 27, title, "s c")


def beside(canvas: Canvas, scale: Scale, left: float, right: float, title: str, write: Form = tick) -> None:
    """An axis along the left side; its title stands above it."""
    for value in scale.ticks(6):
        y = scale(value)
        canvas.line(left, y, right, y, "g")
        canvas.text(left - 5, y + 3.5, write(value), "s e")
    canvas.text(2, min(scale.begin, scale.end) - 9, title, "s")
