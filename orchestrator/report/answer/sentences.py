"""The answer in one or two sentences: who takes least time, on which models, and how the article's stand to now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.model import UNFINISHED
from orchestrator.report import words
from orchestrator.report.answer.ranking import Entry, Field, Positions, Ranking, against
from orchestrator.report.blocks import Span
from orchestrator.report.layout import ARTICLE, Layout, last_year, short_labels
from orchestrator.report.speeds import Speeds
from orchestrator.report.style import title
from orchestrator.report.tasks import noun
from orchestrator.stats.inference import ENOUGH, Difference, times
from orchestrator.stats.repeats import TRAIN
from orchestrator.text import listed, plural

#: A sentence in pieces.
Sentence = list[str | Span]
#: Contenders that a sentence names.
MOST_NAMED = 4
#: What the first one does, by what was timed: of several repeats, and of one.
LEAST = {
    "train": ("takes least time", "took least time"),
    "predict": ("answers first", "answered first"),
    "generate": ("makes tokens fastest", "made tokens fastest"),
}


def names(layout: Layout, field: Field) -> dict[int, str]:
    """What the contenders of a field are called within it, by position."""
    columns = [entry.column for entry in field.overall.entries]
    return dict(zip(columns, short_labels([layout.contenders[column] for column in columns]), strict=True))


def lead(layout: Layout, ranked: Speeds, field: Field) -> Sentence:
    """Who leads, or why nobody does."""
    told = names(layout, field)
    return _lead(layout, ranked, field, told) if field.overall.compared else [_nothing(layout, ranked, field, told)]


def further(layout: Layout, ranked: Speeds, field: Field) -> list[Sentence]:
    """The kinds of models that others lead, and how the article's stand to the newest."""
    if not field.overall.compared:
        return []
    told = names(layout, field)
    found = [*_by_kind(field, told), *_eras(layout, ranked, field, told)]
    return [[" ".join(found)]] if found else []


def limits(layout: Layout, field: Field) -> list[Sentence]:
    """Over which tasks and contenders the overall figure is not, and which tasks have no verdict."""
    if not field.overall.compared:
        return []
    tasks = [layout.tasks[line] for line in field.lines]
    unlike = [f"No verdict on {task.label}: {task.unlike.words}." for task in tasks if task.unlike]
    found = [*_partly(layout, field, names(layout, field)), *unlike]
    return [[" ".join(found)]] if found else []


def _alone(layout: Layout, ranked: Speeds, field: Field) -> str:
    """`: 0.29 ms`, where one model is called; training is told of as ratios."""
    ranking = field.overall
    line = ranking.counted[0]
    if len(ranking.counted) > 1 or layout.tasks[line].mode == TRAIN:
        return ""
    return f": {words.took(ranked[ranking.compared[0].column, line].seconds, layout.tasks[line].mode)}"


def _lead(layout: Layout, ranked: Speeds, field: Field, told: dict[int, str]) -> Sentence:
    ranking = field.overall
    first, leaders, repeats = ranking.compared[0], ranking.leaders, ranking.repeats
    alone = len(ranking.counted) == 1  # of several models all others may lack a contender that is compared
    model = f" on {layout.tasks[ranking.counted[0]].title}" if alone else ""
    wins = "" if alone else f": first on {_of(layout, field, len(first.firsts))}"
    if len(leaders) > 1 and repeats >= ENOUGH:
        tie = f" lead{model}; {words.count(repeats)} repeats cannot tell them apart."
        return [Span(_few([told[each.column] for each in leaders]), "strong"), tie, _wins(layout, field, leaders, told)]
    least = LEAST[layout.tasks[field.lines[0]].mode][repeats < 2]
    whole = f"{model}{_alone(layout, ranked, field)}" or " overall"
    sentence: Sentence = [Span(told[first.column], "strong"), f" {least}{whole}{wins}"]
    open_ = [told[entry.column] for entry in leaders[1:]]
    if open_ and repeats > 1:
        return [*sentence, f"; {words.count(repeats)} repeats are too few to tell it from {_few(open_)}."]
    second = ranking.compared[1]
    return [*sentence, f"; {told[second.column]}, the next, {longer(second.against, _point(ranking, second))}."]


def _point(ranking: Ranking, entry: Entry) -> float:
    """Times the seconds of the first, of the figures in the table."""
    return (entry.overall or 1.0) / (ranking.compared[0].overall or 1.0)


def longer(found: Difference | None, ratio: float) -> str:
    """`takes 1.3 to 1.4 times as long`; `took 1.34 times as long` where no test says that it is so."""
    if found and found.significant and found.low and found.high:
        return f"takes {times(found.low, found.high)} as long"
    return f"took {words.ratio(ratio)[:-1]} times as long"


def _wins(layout: Layout, field: Field, leaders: Sequence[Entry], told: dict[int, str]) -> str:
    """On how many tasks each of those that lead was first."""
    if len(field.overall.counted) == 1 or len(leaders) > MOST_NAMED:
        return ""
    every = plural(len(field.lines), noun(layout.tasks[line] for line in field.lines))
    shares = [f"{told[e.column]} was first on {len(e.firsts)}" for e in leaders if e.firsts]
    if len(shares) == 1:
        return f" {shares[0]} of {every}."
    return f" Of {every}, {listed(shares)}." if shares else ""


def _partly(layout: Layout, field: Field, told: dict[int, str]) -> Iterator[str]:
    """That the overall figure is not over all tasks, or not of all contenders."""
    ranking = field.overall
    left_out = [told[entry.column] for entry in ranking.entries if entry.overall is None]
    if len(ranking.counted) < len(field.lines):
        ours = [layout.tasks[line].title for line in ranking.counted]
        yield f"Overall is over {_few(ours)}: {_of(layout, field, len(ours))}, those that all compared here ran."
    if left_out:
        has = "has" if len(left_out) == 1 else "have"
        yield f"{_few(left_out)} {has} no overall figure, for want of times that count."


def _by_kind(field: Field, told: dict[int, str]) -> Iterator[str]:
    """The kinds of models that another contender leads, or on which the first is not told from others."""
    first = field.overall.compared[0].column
    apart, same = [], []
    for kind, ranking in field.kinds.items():
        if not ranking.compared:
            continue
        leader = ranking.compared[0]
        if leader.column == first:
            same.append(f"{kind}s")
            continue
        its = next((entry for entry in ranking.compared if entry.column == first), None)
        unclear = its is not None and not its.behind and ranking.repeats >= ENOUGH
        text = f"On {kind}s {told[leader.column]} led"
        if its and unclear:
            text += f"; {words.count(ranking.repeats)} repeats cannot tell {told[first]} from it"
        elif its:
            second = ranking.compared[1]
            if second.column != first:
                text += f"; {told[second.column]}, the next, {longer(second.against, _point(ranking, second))}"
            text += f"; {told[first]} {longer(its.against, _point(ranking, its))}"
        apart.append(f"{text}.")
    if apart:
        yield from apart
    elif len(same) > 1 and len(field.overall.leaders) == 1:
        yield f"It led on every kind of model: {listed(same)}."


def _eras(layout: Layout, ranked: Speeds, field: Field, told: dict[int, str]) -> Iterator[str]:
    """The best of the article's against the best of the last year, and a backend of both against itself."""
    compared = [entry.column for entry in field.overall.compared]
    its = layout.contenders
    year = last_year(its[column] for column in compared)
    old = [column for column in compared if its[column].article]
    new = [column for column in compared if not its[column].article and year and its[column].year == year]
    if not old or not new:
        return
    lines = field.overall.counted
    parts = [_stands(ranked, field, told, old[0], new[0], lines, f", the best of {ARTICLE},", f", the best of {year},")]
    backends = {its[column].backend: column for column in reversed(old)}
    for backend, one in backends.items():
        twins = [other for other in new if its[other].backend == backend]
        if twins and (one, twins[0]) != (old[0], new[0]):
            mine = {each: f"{title(backend)} of {its[each].year}" for each in (one, twins[0])}
            parts.append(_stands(ranked, field, mine, one, twins[0], lines))
    yield f"{'; '.join(parts)}."


def _stands(
    ranked: Speeds, field: Field, told: dict[int, str], old: int, new: int, lines: Positions, *asides: str
) -> str:
    """`MXNet 0.11, the best of 2017, takes 1.4 to 1.5 times as long as JAX 0.10`, whichever of the two is slower."""
    overall = {entry.column: entry.overall or 1.0 for entry in field.overall.compared}
    slow, fast = (old, new) if overall[old] >= overall[new] else (new, old)
    aside = dict(zip((old, new), asides or ("", ""), strict=True))
    found = against(ranked, fast, slow, lines, field.pairs)
    text = longer(found, overall[slow] / overall[fast])
    unsure = "" if found.significant or found.p is None else " (not certain)"
    return f"{told[slow]}{aside[slow]} {text} as {told[fast]}{unsure}"


def _nothing(layout: Layout, ranked: Speeds, field: Field, told: dict[int, str]) -> str:
    """Why no contender of this field is ahead."""
    cells = [(column, line) for column in told for line in field.lines if (column, line) in layout.cells]
    speeds = {place: ranked[place] for place in cells if place in ranked}
    unlike = dict.fromkeys(task.unlike.words for line in field.lines if (task := layout.tasks[line]).unlike)
    if unlike:
        return f"There is no verdict: {'; '.join(unlike)}."
    if not speeds:
        waiting = any(row["status"] in UNFINISHED for place in cells for row in layout.cells[place])
        return "Nothing is measured yet." if waiting else "No job gave a steady speed, so there is nothing to compare."
    if all(speed.unlearned for speed in speeds.values()):
        return "No model learned, so no speed counts."
    if all(speed.is_out for speed in speeds.values()):
        return f"No speed counts: {'; '.join(dict.fromkeys(speed.verdict for speed in speeds.values()))}."
    timed = {column for column, _ in speeds}
    if len(timed) == 1:
        return f"Only {told[timed.pop()]} gave a speed, so there is nothing to compare it with."
    return "No two contenders have enough models in common, so there is no overall figure."


def _of(layout: Layout, field: Field, some: int) -> str:
    every = plural(len(field.lines), noun(layout.tasks[line] for line in field.lines))
    return f"all {every}" if some == len(field.lines) else f"{some} of {every}"


def _few(found: Sequence[str]) -> str:
    """The names, of many only some."""
    if len(found) <= MOST_NAMED:
        return listed(found)
    return f"{', '.join(found[: MOST_NAMED - 1])} and {len(found) - MOST_NAMED + 1} more"
