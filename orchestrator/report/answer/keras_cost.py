"""What Keras costs: each library with Keras against itself without, model by model and over all of them.

Who is compared is set by the plan and not by any figure; verdicts and intervals are corrected for the number of
comparisons of each figure (docs/NATIVE.md).
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from orchestrator.model import Row, is_native, library_of
from orchestrator.report import words
from orchestrator.report.answer.ranking import counts
from orchestrator.report.layout import IDENTITY, Contender
from orchestrator.report.speeds import Speeds, good
from orchestrator.report.view import View
from orchestrator.stats.inference import ENOUGH, Difference, Repeats, holm, times
from orchestrator.stats.overall import overall_difference
from orchestrator.text import listed

#: What two contenders have in common of which one is the other without Keras.
SAME = tuple(name for name in IDENTITY if name not in ("backend", "keras_version"))
#: A pair of contenders, the one with Keras first; and a task, None: over all that both ran.
Pair = tuple[int, int]
Where = int | None


class Cost(Struct, frozen=True):
    """One figure with Keras over the same without: `ratio` of the medians, over `tasks` of them. Above 1 Keras costs.

    `disturbed`: it rests on disturbed times, of either; memory does not depend on cores.
    """

    ratio: float
    found: Difference
    tasks: int = 1
    disturbed: bool = False

    @property
    def told(self) -> bool:
        """Whether the difference is sure: the test says so, and the medians do not contradict it."""
        return self.found.significant and (self.found.ratio > 1) == (self.ratio > 1)

    @property
    def verdict(self) -> str:
        if self.told:
            return "more" if self.ratio > 1 else "less"
        if self.found.significant:
            return "no verdict: medians and means disagree"
        enough = self.found.p is not None and min(self.found.n_a, self.found.n_b) >= ENOUGH
        return "no difference seen" if enough else "not enough repeats"


class Costs(Struct, frozen=True):
    """The pairs of a report; `epochs`, `first` and `memory` by pair and task: seconds of steady epochs and of the
    first, and the most resident memory.
    """

    pairs: list[Pair]
    epochs: dict[tuple[Pair, Where], Cost]
    first: dict[tuple[Pair, Where], Cost]
    memory: dict[tuple[Pair, Where], Cost]


def costs(view: View) -> Costs:
    """Every pair of which both ran, in the order of the contenders."""
    pairs = list(_pairs(view.layout.contenders))
    steady = {place: speed.repeats for place, speed in view.speeds.items() if counts(speed)}
    return Costs(
        pairs=pairs,
        epochs=_costs(view, pairs, steady),
        first=_costs(view, pairs, _values(view, lambda row: row.get("first_epoch_s"))),
        memory=_costs(view, pairs, _values(view, lambda row: row.get("rss_peak_mb")), timed=False),
    )


def _pairs(contenders: Sequence[Contender]) -> Iterator[Pair]:
    for column, contender in enumerate(contenders):
        twins = (i for i, plain in enumerate(contenders) if is_native(plain.backend) and _is_twin(contender, plain))
        if not is_native(contender.backend):
            yield from ((column, twin) for twin in twins)


def _is_twin(contender: Contender, plain: Contender) -> bool:
    same = all(contender.identity[name] == plain.identity[name] for name in SAME)
    return same and contender.backend == library_of(plain.backend)


def _values(view: View, figure: Callable[[Row], Any]) -> dict[tuple[int, int], Repeats]:
    """One figure of each repeat of each cell that went well."""
    found = {place: [figure(row) for row in good(rows)] for place, rows in view.layout.cells.items()}
    return {place: [[value] for value in values if value] for place, values in found.items() if any(values)}


def _costs(
    view: View, pairs: Iterable[Pair], values: Mapping[tuple[int, int], Repeats], timed: bool = True
) -> dict[tuple[Pair, Where], Cost]:
    lines = range(len(view.layout.tasks))
    asked: list[tuple[Pair, Where, list[int]]] = []
    for pair in pairs:
        its = [line for line in lines if all((column, line) in values for column in pair)]
        asked += [(pair, None, its)] * (len(its) > 1) + [(pair, line, [line]) for line in its]
    tested = holm([overall_difference(*_sides(values, pair, its)) for pair, _, its in asked])
    return {
        (pair, where): Cost(
            _ratio(*_sides(values, pair, its)), found, len(its), timed and _disturbed(view.speeds, pair, its)
        )
        for (pair, where, its), found in zip(asked, tested, strict=True)
    }


def _sides(
    values: Mapping[tuple[int, int], Repeats], pair: Pair, lines: Sequence[int]
) -> tuple[list[Repeats], list[Repeats]]:
    """(without Keras, with it): the repeats of each task."""
    with_keras, plain = ([values[column, line] for line in lines] for column in pair)
    return plain, with_keras


def _ratio(plain: Sequence[Repeats], with_keras: Sequence[Repeats]) -> float:
    def middle(repeats: Repeats) -> float:
        return statistics.median(statistics.median(epochs) for epochs in repeats)

    return statistics.geometric_mean(middle(b) / middle(a) for a, b in zip(plain, with_keras, strict=True))


def _disturbed(ranked: Speeds, pair: Pair, lines: Sequence[int]) -> bool:
    found = (ranked.get((column, line)) for column in pair for line in lines)
    return any(speed is not None and bool(speed.disturbed) for speed in found)


def told(view: View, found: Costs) -> Iterator[str]:
    """A sentence for each pair: what an epoch takes with Keras, over all models or on the only one."""
    for pair in found.pairs:
        its = [(where, cost) for (of, where), cost in found.epochs.items() if of == pair and where is not None]
        whole = found.epochs.get((pair, None)) or _first_of(found, pair)
        if whole is None:
            continue
        name, plain = (view.layout.contenders[column].label for column in pair)
        text = f"On {name}, an epoch with Keras takes {_takes(whole)} as {plain}"
        if len(its) > 1:
            low, high = (words.ratio(end(cost.ratio for _, cost in its)) for end in (min, max))
            what = "models" if len({view.layout.tasks[where].workload for where, _ in its}) == len(its) else "rows"
            text += f" over {len(its)} {what} together, {low} to {high} by {what[:-1]}"
        yield f"{text}{_first(found.first.get((pair, None)) or found.first.get((pair, its[0][0])))}."


def summary(view: View) -> str:
    """One sentence on all pairs, for the first screen; "" where there are none."""
    found = costs(view)
    known = {pair: found.epochs.get((pair, None)) or _first_of(found, pair) for pair in found.pairs}
    parts = [f"{_takes(cost)} on {view.layout.contenders[pair[0]].label}" for pair, cost in known.items() if cost]
    return f"Against the same models without Keras, an epoch with it takes {listed(parts)}." if parts else ""


def _first_of(found: Costs, pair: Pair) -> Cost | None:
    return next((cost for (of, _), cost in found.epochs.items() if of == pair), None)


def _takes(cost: Cost) -> str:
    """`1.41 to 1.55 times as long`, or what is not sure of it."""
    if cost.told and cost.found.low is not None and cost.found.high is not None:
        return f"{times(cost.found.low, cost.found.high)} as long"
    return f"{words.ratio(cost.ratio)[:-1]} times as long ({cost.verdict})"


def _first(cost: Cost | None) -> str:
    return "" if cost is None else f"; the first epoch {words.ratio(cost.ratio)} as long ({cost.verdict})"
