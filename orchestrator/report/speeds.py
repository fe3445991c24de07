"""How fast each cell of a report is, and how sure it is that others of its row are slower."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.model import Row
from orchestrator.report import words
from orchestrator.report.layout import Layout
from orchestrator.stats import disturbance
from orchestrator.stats.describe import rate
from orchestrator.stats.inference import Difference, difference, holm
from orchestrator.stats.repeats import TRAIN, is_time, mode_of, seconds_of, timed, unlearned
from orchestrator.stats.sweeps import otherwise
from orchestrator.text import plural


class Speed(Struct, frozen=True):
    """Steady seconds per epoch of one cell: the median over repeats, and the range of its epochs.

    `against` compares it with the fastest of the same task and machine, corrected for all pairs of the report.
    `unlearned` is (accuracy reached, accuracy wanted) where the model did not learn. `unlike`: the task's contenders
    did not do the same thing (`Task.unlike`), so there is no ratio, no fastest and no verdict.
    """

    seconds: float
    low: float
    high: float
    #: Steady epochs measured in each repeat.
    epochs: tuple[int, ...]
    samples_per_s: float | None
    best: bool = False
    #: Seconds over those of the fastest on the same machine; None where it has no rival.
    ratio: float | None = None
    #: Whether it cannot be told from the fastest: by the test, or with one repeat by ranges that meet.
    overlaps: bool = False
    repeats: tuple[tuple[float, ...], ...] = ()
    against: Difference | None = None
    unlearned: tuple[float, float] | None = None
    unlike: str = ""
    #: What was asked for and not got, in words: then it has no ratio and no verdict, as where nothing was learned.
    otherwise: str = ""
    #: What disturbed its jobs, in words, the most frequent first.
    disturbed: tuple[str, ...] = ()
    #: Whether its comparison with the fastest rests on disturbed figures, of either.
    doubtful: bool = False

    @property
    def n(self) -> str:
        """`3 runs of 4 epochs`; `3 runs, 11 epochs` where they have different numbers of epochs."""
        runs = plural(len(self.epochs), "run")
        if len(set(self.epochs)) == 1:
            return f"{runs} of {plural(self.epochs[0], 'epoch')}"
        return f"{runs}, {plural(sum(self.epochs), 'epoch')}"

    @property
    def verdict(self) -> str:
        """How it stands to the fastest, in words: the same everywhere."""
        if self.unlike:
            return self.unlike
        if self.unlearned:
            reached, wanted = map(words.share, self.unlearned)
            return f"did not learn: {reached} accuracy, {wanted} counts"
        if self.otherwise:
            return self.otherwise
        if self.best:
            return "fastest"
        if self.against is None:
            return ""
        return "not certain: medians and means disagree" if self.torn else self.against.words

    @property
    def is_out(self) -> bool:
        """Whether its time counts for nothing."""
        return self.unlearned is not None or bool(self.otherwise)

    @property
    def torn(self) -> bool:
        """Whether the test, which is on means, calls it faster than the one whose median is the smallest."""
        return self.against is not None and self.against.significant and self.against.ratio < 1


Speeds = dict[tuple[int, int], Speed]
#: The seconds of a result row that count, and of each of its steady epochs.
Figure = Callable[[Row], float | None]
SteadyEpochs = Callable[[Row], Sequence[float]]


def speeds(layout: Layout, steady: SteadyEpochs, figure: Figure = seconds_of) -> Speeds:
    """The speed of every cell that has one, ranked among the contenders of the same machine.

    `figure`: the seconds of a row that count.
    """
    found = {place: _speed(rows, steady, figure) for place, rows in layout.cells.items()}
    known = {place: speed for place, speed in found.items() if speed}
    ranked: Speeds = {}
    pairs = 0
    for line, columns in itertools.product(range(len(layout.tasks)), layout.machines.values()):
        rivals = {(column, line): known[column, line] for column in columns if (column, line) in known}
        unlike = layout.tasks[line].unlike
        if unlike:
            ranked.update({place: replace(speed, unlike=unlike.what) for place, speed in rivals.items()})
            continue
        ranked.update(_ranked(rivals))
        pairs += math.comb(sum(len(speed.repeats) > 1 for speed in rivals.values()), 2)
    return _corrected(ranked, pairs)


def _speed(rows: Sequence[Row], steady: SteadyEpochs, figure: Figure) -> Speed | None:
    measured = timed(rows, figure)
    if not measured:
        return None
    lists = [[float(value) for value in steady(row) if is_time(value)] for row in measured]
    epochs = [value for values in lists for value in values]
    figures = [figure(row) or 0.0 for row in measured]
    known = epochs or figures
    return Speed(
        seconds=statistics.median(figures),
        low=min(known),
        high=max(known),
        epochs=tuple(len(values) for values in lists) if epochs else (1,) * len(measured),
        samples_per_s=rate(row.get("samples_per_s") for row in measured),
        repeats=tuple(tuple(values) or (one,) for values, one in zip(lists, figures, strict=True)),
        unlearned=unlearned(measured),
        otherwise=next(filter(None, map(otherwise, measured)), ""),
        disturbed=tuple(disturbance.most_frequent(measured)),
    )


def _ranked(rivals: Speeds) -> Speeds:
    """The speeds of one task and machine, compared with the fastest that counts."""
    able = [speed for speed in rivals.values() if not speed.is_out]
    if len(rivals) < 2 or not able:
        return rivals
    best = min(able, key=lambda speed: speed.seconds)
    return {
        place: replace(
            speed,
            best=speed is best,
            ratio=speed.seconds / best.seconds,
            overlaps=speed is not best and speed.low <= best.high,
            against=None if speed is best or speed.otherwise else difference(best.repeats, speed.repeats),
            doubtful=bool(speed.disturbed or best.disturbed),
        )
        for place, speed in rivals.items()
    }


def _corrected(ranked: Speeds, pairs: int) -> Speeds:
    """With several repeats the test decides what cannot be told apart, at one error rate for the whole report.

    The data say who is the fastest, so any of the `pairs` might have been the one that is compared.
    """
    places = [place for place, speed in ranked.items() if speed.against is not None]
    verdicts = holm([ranked[place].against for place in places], pairs)  # type: ignore[misc]
    found = dict(ranked)
    for place, verdict in zip(places, verdicts, strict=True):
        tested = verdict.p is not None
        judged = replace(ranked[place], against=verdict)
        found[place] = replace(judged, overlaps=not verdict.significant or judged.torn) if tested else judged
    return found


def why_none(rows: Sequence[Row]) -> str:
    """Why jobs that ended well have no speed all the same."""
    if any(seconds_of(row) is not None for row in rows):
        return "loss or time not finite"
    return "one epoch only" if all(mode_of(row) == TRAIN for row in rows) else "no call timed"


def good(rows: Sequence[Row]) -> list[Row]:
    """The rows of jobs that ended well."""
    return [row for row in rows if row["status"] == "ok"]


def repeats(ranked: Speeds) -> int:
    """The largest number of repeats behind any speed."""
    return max((len(speed.epochs) for speed in ranked.values()), default=0)
