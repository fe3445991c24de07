"""Who beats whom: every contender against every other of its machine, over all models that both ran."""

from __future__ import annotations

import itertools
from collections import Counter

from msgspec import Struct

from orchestrator.report.layout import Layout
from orchestrator.report.speeds import Speed, Speeds
from orchestrator.stats.inference import Difference, difference, holm


class Score(Struct, frozen=True):
    """One contender against another: models on which it is surely faster, surely slower, and not told apart.

    `tested`: whether any of the models had the repeats for a test; without, `wins` and `losses` are of medians alone.
    """

    wins: int
    losses: int
    open: int
    tested: bool

    @property
    def text(self) -> str:
        if not self.tested:
            return f"{self.wins}–{self.losses} ?"
        return f"{self.wins}–{self.losses}" + (f" ({self.open})" if self.open else "")


class Board(Struct, frozen=True):
    """The contenders of one machine, those with most wins first, and the score of each against each."""

    where: str
    columns: list[int]
    scores: dict[tuple[int, int], Score]


def boards(layout: Layout, ranked: Speeds) -> list[Board]:
    """Machines with at least two contenders that share a model. Verdicts are corrected for all pairs of the report."""
    found, verdicts = _pairs(layout, ranked)
    scores: dict[tuple[int, int], Counter[str]] = {}
    for (line, a, b), verdict in zip(found, verdicts, strict=True):
        faster, slower = (a, b) if ranked[a, line].seconds <= ranked[b, line].seconds else (b, a)
        tested = verdict.p is not None
        told = not tested or verdict.significant
        scores.setdefault((faster, slower), Counter()).update(["wins" if told else "open", *["tested"] * tested])
        scores.setdefault((slower, faster), Counter()).update(["losses" if told else "open", *["tested"] * tested])
    made = {pair: Score(n["wins"], n["losses"], n["open"], n["tested"] > 0) for pair, n in scores.items()}
    return [
        Board(layout.machine_words(machine), _ordered(columns, made), made)
        for machine, columns in layout.machines.items()
        if any(pair in made for pair in itertools.combinations(columns, 2))
    ]


def _pairs(layout: Layout, ranked: Speeds) -> tuple[list[tuple[int, int, int]], list[Difference]]:
    """(line, a, b) of all pairs that may be compared, and the corrected difference of each."""
    found, differences = [], []
    for line, columns in itertools.product(range(len(layout.tasks)), layout.machines.values()):
        able = [column for column in columns if _counts(ranked.get((column, line)))]
        for a, b in itertools.combinations(able, 2):
            found.append((line, a, b))
            differences.append(difference(ranked[a, line].repeats, ranked[b, line].repeats, intervals=False))
    return found, holm(differences, len(differences))


def _counts(speed: Speed | None) -> bool:
    return speed is not None and not speed.unlike and not speed.is_out and bool(speed.repeats)


def _ordered(columns: list[int], scores: dict[tuple[int, int], Score]) -> list[int]:
    def won(column: int) -> tuple[int, int]:
        its = [scores[column, other] for other in columns if (column, other) in scores]
        return (-sum(score.wins - score.losses for score in its), column)

    there = [column for column in columns if any((column, other) in scores for other in columns)]
    return sorted(there, key=won)
