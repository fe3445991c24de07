"""The figures of the picture over the years: times as fast as in 2017 where that was measured, else seconds."""

from __future__ import annotations

import statistics

from msgspec import Struct

from orchestrator.report import words
from orchestrator.report.answer.ranking import Positions
from orchestrator.report.speeds import Speed, Speeds
from orchestrator.report.timelines import Gain, Timeline, Where, common
from orchestrator.stats.inference import interval
from orchestrator.stats.overall import overall_interval
from orchestrator.text import plural


class Point(Struct, frozen=True):
    """One contender on one model, or on all together. `value` is times as fast as the reference, or seconds per epoch;
    `low` and `high` bound it with 95 % confidence. `models`: how many it is of, out of `of`. `disturbed`: its own jobs.
    """

    column: int
    value: float
    low: float | None
    high: float | None
    times: bool
    models: int = 1
    of: int = 1
    gain: Gain | None = None
    disturbed: bool = False

    @property
    def whole(self) -> bool:
        return self.models == self.of

    @property
    def figure(self) -> str:
        return words.ratio(self.value) if self.times else words.seconds(self.value)

    @property
    def bounds(self) -> str:
        return "" if self.low is None or self.high is None else words.span(self.low, self.high)

    @property
    def partly(self) -> str:
        """`3 of 5 models` for a figure that is not of all."""
        return "" if self.whole else f"{self.models} of {plural(self.of, 'model')}"


def points(ranked: Speeds, line: Timeline, where: Where) -> list[Point]:
    """Of every contender that has one, on a task or (None) over several; by month within each track."""
    if line.reference is not None and common(ranked, line.lines if where is None else [where], [line.reference]):
        return [point for column in line.columns if (point := _times(ranked, line, line.reference, column, where))]
    if where is not None:
        return [_of_one(column, ranked[column, where]) for column in line.columns if common(ranked, [where], [column])]
    shared = common(ranked, line.lines, line.columns)
    return [_of_all(ranked, column, shared) for column in line.columns] if len(shared) > 1 else []


def _times(ranked: Speeds, line: Timeline, reference: int, column: int, where: Where) -> Point | None:
    all_ = common(ranked, line.lines, [reference]) if where is None else [where]
    both = common(ranked, all_, [column])
    if not both:
        return None
    hit = any(ranked[column, line].disturbed for line in both)
    if column == reference:
        return Point(column, 1.0, None, None, True, len(both), len(all_), disturbed=hit)
    # Of one model that both ran, the figure over all is that of the model.
    gain = line.gains[(reference, column), where if len(both) > 1 or where is not None else both[0]]
    return Point(column, gain.ratio, gain.low, gain.high, True, len(both), len(all_), gain, hit)


def _of_one(column: int, speed: Speed) -> Point:
    known = interval(speed.repeats)
    low, high = (known[1], known[2]) if known else (None, None)
    return Point(column, speed.seconds, low, high, False, disturbed=bool(speed.disturbed))


def _of_all(ranked: Speeds, column: int, shared: Positions) -> Point:
    speeds = [ranked[column, line] for line in shared]
    known = overall_interval([speed.repeats for speed in speeds])
    low, high = (known[1], known[2]) if known else (None, None)
    value = statistics.geometric_mean(speed.seconds for speed in speeds)
    hit = any(speed.disturbed for speed in speeds)
    return Point(column, value, low, high, False, len(shared), len(shared), disturbed=hit)
