"""The one table of the first screen: contenders down, the fastest overall first, tasks across."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar, Literal

from msgspec import Struct

from orchestrator.model import Row
from orchestrator.report import disturbed, words
from orchestrator.report.answer.plot import Axis, Known, Plot, axis, plot
from orchestrator.report.answer.ranking import Entry, Field, counts
from orchestrator.report.answer.sentences import Sentence, further, limits, names
from orchestrator.report.blocks import Block, Span
from orchestrator.report.layout import Contender
from orchestrator.report.outcomes import counted, did_not_fit, word
from orchestrator.report.speeds import Speed, repeats, why_none
from orchestrator.report.tasks import Task
from orchestrator.report.view import View
from orchestrator.stats.inference import ENOUGH, interval
from orchestrator.stats.repeats import TRAIN

#: How a cell stands to the fastest of its task. tied: tested with enough repeats, and not told from it; unsure: too
#: few repeats to tell; none: not compared.
Verdict = Literal["best", "tied", "slower", "unsure", "none"]
#: What is said of a cell whose difference to the fastest is not certain.
DOUBTS = {"tied": "not told apart", "unsure": "not certain"}


class Figure(Struct, frozen=True):
    """One cell: a large figure, a second line, and what is known of its time, for the page's script.

    `samples` per epoch; `low` and `high` bound the seconds with 95 % confidence, None with one repeat. `marks`: jobs
    that failed, disturbances. `doubt`: that its difference to the fastest is not certain.
    """

    task: str
    verdict: Verdict
    large: str
    small: str = ""
    seconds: float | None = None
    samples: int | None = None
    low: float | None = None
    high: float | None = None
    unlearned: bool = False
    doubt: str = ""
    marks: Sequence[Span] = ()


class Line(Struct, frozen=True):
    """One contender, what it is called here, and what else tells it from the others."""

    contender: Contender
    name: str
    details: str
    overall: float | None
    wins: str
    cells: Sequence[Figure]
    plot: Plot | None

    @property
    def overall_text(self) -> str:
        return words.ABSENT if self.overall is None else words.ratio(self.overall)


class Answer(Block, frozen=True):
    """The table of one field. `name` is its id on the page; `said`: what else is to be said of the field."""

    kind: ClassVar[str] = "answer"
    name: str
    title: str
    tasks: Sequence[Task]
    lines: Sequence[Line]
    said: Sequence[Sentence] = ()
    axis: Axis | None = None

    @property
    def mode(self) -> str:
        return self.tasks[0].mode if self.tasks else TRAIN


def table(view: View, field: Field, name: str) -> Answer:
    layout = view.layout
    told, tasks = names(layout, field), [layout.tasks[line] for line in field.lines]
    contenders = [layout.contenders[entry.column] for entry in field.overall.entries]
    common = set.intersection(*(set(contender.details) for contender in contenders))
    common = common if len(contenders) > 1 else set()
    scale = axis(ratio for entry in field.overall.entries for _, (ratio, _, _) in _ratios(view, field, entry))
    several = repeats(view.speeds) > 1
    full = {(row.get("run_id"), row["job_id"]) for row in did_not_fit(view.rows)}
    lines = []
    for entry in field.overall.entries:
        contender = layout.contenders[entry.column]
        mine = [each for each in contender.details if each not in common and each not in told[entry.column]]
        details = [contender.year, *mine]
        of = f"first on {len(entry.firsts)}" if entry.firsts and len(tasks) > 1 else ""
        cells = [_cell(view, entry.column, line, several, full) for line in field.lines]
        drawn = plot(scale, list(_ratios(view, field, entry)), _overall(field, entry)) if scale else None
        lines.append(
            Line(contender, told[entry.column], " · ".join(filter(None, details)), entry.overall, of, cells, drawn)
        )
    said = [*(further(layout, view.speeds, field) if field.where else []), *limits(layout, field)]
    return Answer(name=name, title=field.where, tasks=tasks, lines=lines, said=said, axis=scale)


def _ratios(view: View, field: Field, entry: Entry) -> Iterator[tuple[str, Known]]:
    """The title of each task that counts, and the contender's ratio to the fastest, with its interval."""
    for line in field.lines:
        speed = view.speeds.get((entry.column, line))
        if speed and speed.ratio and counts(speed):
            found = speed.against
            yield view.layout.tasks[line].title, (speed.ratio, *((found.low, found.high) if found else (None, None)))


def _overall(field: Field, entry: Entry) -> Known | None:
    """The overall figure, with the interval of its distance to the first."""
    if entry.overall is None:
        return None
    found, first = entry.against, field.overall.compared[0].overall or 1.0
    if found is None or found.low is None or found.high is None:
        return entry.overall, None, None
    return entry.overall, first * found.low, first * found.high


def _cell(view: View, column: int, line: int, several: bool, full: AbstractSet[Any]) -> Figure:
    task, speed = view.layout.tasks[line], view.speeds.get((column, line))
    rows = view.layout.cells.get((column, line))
    if rows is None:
        return Figure(task.key, "none", "·", "not planned")
    if speed is None:
        marks = _marks(rows, full, alone=True)
        return Figure(task.key, "none", words.ABSENT, "" if marks else why_none(rows), marks=marks)
    known, found = interval(speed.repeats), verdict(speed)
    return Figure(
        task=task.key,
        verdict=found,
        **_figures(speed, task.mode),
        seconds=speed.seconds,
        samples=(task.conditions["train"] or None) if task.mode == TRAIN else 1,
        low=known[1] if known else None,
        high=known[2] if known else None,
        unlearned=speed.unlearned is not None,
        doubt=DOUBTS.get(found, "") if several else "",
        marks=[*_marks(rows, full), *disturbed.marks(rows)],
    )


def _figures(speed: Speed, mode: str) -> dict[str, Any]:
    """The large figure and the line below it: a ratio and seconds, or seconds and why there is no ratio."""
    if speed.ratio is not None and counts(speed):
        return {"large": words.ratio(speed.ratio), "small": words.took(speed.seconds, mode)}
    return {"large": words.took(speed.seconds, mode), "small": speed.verdict}


def _marks(rows: Sequence[Row], full: AbstractSet[Any], alone: bool = False) -> list[Span]:
    """The statuses of jobs that did not end well, with their numbers; one that stands alone needs none.

    `full`: run and job of those that ran out of memory along an axis.
    """
    fits = not any((row.get("run_id"), row["job_id"]) in full for row in rows)
    statuses = [str(row["status"]) for row in rows if row["status"] != "ok"]
    counts_ = {status: statuses.count(status) for status in statuses}
    return [
        counted(status, word(status) if alone and count == 1 else f"{word(status)} ×{count}", fits or status != "oom")
        for status, count in counts_.items()
    ]


def verdict(speed: Speed | None) -> Verdict:
    if speed is None or not counts(speed):
        return "none"
    if speed.best:
        return "best"
    found = speed.against
    if found is None or found.p is None:
        return "unsure"
    if found.significant and not speed.torn:
        return "slower"
    return "tied" if min(found.n_a, found.n_b) >= ENOUGH else "unsure"
