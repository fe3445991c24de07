"""The overall ranking: contenders whose speeds compare, in the order of their geometric mean over the tasks."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.model import OWN_SCALE
from orchestrator.report.layout import Layout
from orchestrator.report.speeds import Speed, Speeds
from orchestrator.report.tasks import BETWEEN
from orchestrator.stats.inference import Difference
from orchestrator.stats.overall import overall_difference
from orchestrator.text import listed

#: Positions of tasks or of contenders in the layout.
Positions = list[int]


class Entry(Struct, frozen=True):
    """One contender of a ranking.

    `overall` is the geometric mean, over the tasks that count, of its seconds over those of the fastest; None where
    it lacks one of them. `firsts`: the tasks on which it was fastest. `against` compares it with the first entry over
    the tasks that count, corrected for all pairs of the report; None for the first, and for one without a figure.
    """

    column: int
    overall: float | None
    firsts: tuple[int, ...]
    against: Difference | None = None

    @property
    def behind(self) -> bool:
        """Whether a test says that it takes longer than the first."""
        return self.against is not None and self.against.significant and self.against.ratio > 1


class Ranking(Struct, frozen=True):
    """Contenders in the order of their overall figure over the tasks `counted`, which all that have one ran."""

    counted: Positions
    entries: list[Entry]

    @property
    def compared(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.overall is not None]

    @property
    def leaders(self) -> list[Entry]:
        """The first, and those that no test tells from it."""
        return [entry for entry in self.compared if not entry.behind]

    @property
    def repeats(self) -> int:
        """The fewest repeats behind what is not told from the first, else behind any comparison; 0 without one."""
        its = self.leaders[1:] or self.compared
        found = [entry.against for entry in its if entry.against]
        return min((min(each.n_a, each.n_b) for each in found), default=0)


class Field(Struct, frozen=True):
    """Contenders whose speeds compare, and the tasks that they were to run.

    `where` tells it from the other fields of the report, "" for the only one. `kinds`: the same for the tasks of one
    kind, where there are several kinds. `pairs`: for how many comparisons its overall figures are corrected.
    """

    where: str
    lines: Positions
    overall: Ranking
    kinds: dict[str, Ranking] = {}
    pairs: int = 1


def fields(layout: Layout, ranked: Speeds) -> list[Field]:
    """The fields of a report, those of one machine together. Every cell is in exactly one of them."""
    machines = _machines(layout)
    found = []
    for machine, columns in machines:
        places = [(column, line) for column in columns for line in range(len(layout.tasks))]
        planned = [place for place in places if place in layout.cells]
        editions = list(_editions(layout, planned))
        for lines, what in editions:
            words = [what if len(editions) > 1 else "", layout.machine_words(machine) if len(machines) > 1 else ""]
            its = [column for column in columns if any((column, line) in layout.cells for line in lines)]
            found.append(_field(layout, ranked, ", ".join(filter(None, words)), lines, its))
    return _corrected(ranked, found)


def counts(speed: Speed | None) -> bool:
    """Whether a cell has a time that can be divided by that of the fastest."""
    return speed is not None and speed.ratio is not None and not speed.is_out and not speed.unlike


def against(ranked: Speeds, a: int, b: int, lines: Positions, pairs: int) -> Difference:
    """Contender b against a over tasks that both ran. Of one task it is the difference that its cell shows, if any."""
    if len(lines) == 1:
        first, second = ranked[a, lines[0]], ranked[b, lines[0]]
        if first.best and second.against:
            return second.against
    first_times, second_times = ([ranked[column, line].repeats for line in lines] for column in (a, b))
    return overall_difference(first_times, second_times, pairs)


def _machines(layout: Layout) -> list[tuple[tuple[Any, ...], Positions]]:
    """The groups of contenders that compare; one whose jobs all ended before they knew their machine joins its only
    match.
    """
    groups = layout.machines
    joined: dict[tuple[Any, ...], Positions] = {machine: [] for machine in groups}
    for machine, columns in groups.items():
        fits = [
            other
            for other in groups
            if other != machine and all(a in (None, b) for a, b in zip(machine, other, strict=True))
        ]
        joined[fits[0] if len(fits) == 1 and None in machine else machine] += columns
    return [(machine, sorted(columns)) for machine, columns in joined.items() if columns]


def _editions(layout: Layout, planned: Sequence[tuple[int, int]]) -> Iterator[tuple[Positions, str]]:
    """The tasks of one machine in tables of their own, with what tells them apart: by scale, then so that no table
    has a workload twice, and that no table holds contenders without a task in common.
    """
    by_scale: dict[str, Positions] = defaultdict(list)
    for line in sorted({line for _, line in planned}):
        by_scale[str(layout.tasks[line].conditions["scale"])].append(line)
    for scale, lines in by_scale.items():
        parts = _apart(layout, planned, lines)
        name = "files of your own" if scale == OWN_SCALE else f"{scale} scale"
        yield from zip(parts, [name] if len(parts) == 1 else _told_apart(layout, parts, name), strict=True)


def _told_apart(layout: Layout, parts: Sequence[Positions], name: str) -> Iterator[str]:
    """What tells each of several tables of one scale from the others: what its tasks share, else all of these."""
    tasks = [[layout.tasks[line] for line in part] for part in parts]
    told = [{task.label.partition(BETWEEN)[2] for task in its} for its in tasks]
    shared = ["".join(words) if len(words) == 1 else "" for words in told]
    heads = [words or name for words in shared]
    for its, words, head in zip(tasks, shared, heads, strict=True):
        names = [task.title if words else task.label for task in its]
        yield head if heads.count(head) == 1 else f"{head}: {listed(names)}"


def _apart(layout: Layout, planned: Sequence[tuple[int, int]], lines: Positions) -> list[Positions]:
    who = {line: {column for column, its in planned if its == line} for line in lines}
    parts: list[Positions] = []
    for line in lines:
        fitting = [part for part in parts if _fits(layout, part, line) and any(who[its] & who[line] for its in part)]
        if fitting:
            max(fitting, key=lambda part: _alike(layout, part, line)).append(line)
        else:
            parts.append([line])
    return parts


def _fits(layout: Layout, part: Positions, line: int) -> bool:
    tasks = [layout.tasks[its] for its in part]
    return layout.tasks[line].workload not in {task.workload for task in tasks} and all(
        task.conditions["axes"] == layout.tasks[line].conditions["axes"] for task in tasks
    )


def _alike(layout: Layout, part: Positions, line: int) -> int:
    """How many of the conditions that a whole run shares these tasks share."""
    ours, its = layout.tasks[line].conditions, layout.tasks[part[0]].conditions
    return sum(ours[name] == its[name] for name in ("data_kind", "workloads_sha256"))


def _field(layout: Layout, ranked: Speeds, where: str, lines: Positions, columns: Positions) -> Field:
    kinds: dict[str, Positions] = defaultdict(list)
    for line in lines:
        kinds[layout.tasks[line].about.kind].append(line)
    several = len(kinds) > 1 and "" not in kinds
    by_kind = {kind: _ranking(ranked, its, columns) for kind, its in kinds.items()} if several else {}
    return Field(where, lines, _ranking(ranked, lines, columns), by_kind)


def _ranking(ranked: Speeds, lines: Positions, columns: Positions) -> Ranking:
    timed = {column: {line for line in lines if counts(ranked.get((column, line)))} for column in columns}
    able, counted = _compared(timed, len(lines))
    entries = []
    for column in columns:
        ratios = [ranked[column, line].ratio or 1.0 for line in counted] if column in able else []
        firsts = tuple(line for line in lines if (column, line) in ranked and ranked[column, line].best)
        entries.append(Entry(column, statistics.geometric_mean(ratios) if ratios else None, firsts))
    seconds = {column: _middle(ranked, column, lines) for column in columns}
    entries.sort(key=lambda entry: (entry.overall or math.inf, seconds[entry.column], entry.column))
    return Ranking(counted, entries)


def _compared(timed: dict[int, set[int]], tasks: int) -> tuple[set[int], Positions]:
    """Who is compared overall, and on which tasks: all of them ran each. Who lacks most is left out first, until at
    least half of the tasks remain.
    """
    able = {column for column, lines in timed.items() if lines}
    while len(able) > 1:
        common = set.intersection(*(timed[column] for column in able))
        fewest = min(len(timed[column]) for column in able)
        rest = {column for column in able if len(timed[column]) > fewest}
        if 2 * len(common) >= tasks or len(rest) < 2:
            return (able, sorted(common)) if common else (set(), [])
        able = rest
    return set(), []


def _middle(ranked: Speeds, column: int, lines: Positions) -> float:
    """Where a contender without an overall figure stands: by the ratios that it has, behind all who have one."""
    known = [ratio for line in lines if (speed := ranked.get((column, line))) and (ratio := speed.ratio)]
    return statistics.geometric_mean(known) if known else math.inf


def _corrected(ranked: Speeds, found: Sequence[Field]) -> list[Field]:
    """The fields with each contender compared with the first of its ranking, at one error rate for the report: any
    pair of any ranking over several tasks might have been the one that is compared.
    """
    rankings = [ranking for field in found for ranking in (field.overall, *field.kinds.values())]
    pairs = sum(math.comb(len(ranking.compared), 2) for ranking in rankings if len(ranking.counted) > 1)
    return [
        replace(
            field,
            overall=_tested(ranked, field.overall, pairs),
            kinds={kind: _tested(ranked, ranking, pairs) for kind, ranking in field.kinds.items()},
            pairs=max(pairs, 1),
        )
        for field in found
    ]


def _tested(ranked: Speeds, ranking: Ranking, pairs: int) -> Ranking:
    first = ranking.entries[0].column if ranking.entries else -1
    return replace(
        ranking,
        entries=[
            replace(entry, against=against(ranked, first, entry.column, ranking.counted, pairs))
            if entry.overall is not None and entry.column != first
            else entry
            for entry in ranking.entries
        ],
    )
