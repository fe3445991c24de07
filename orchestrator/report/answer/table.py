"""The one table of the first screen: contenders down, the fastest overall first, tasks across."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from msgspec import Struct

from orchestrator.report import words
from orchestrator.report.answer.ranking import Entry, Field, counts
from orchestrator.report.blocks import Block, Span
from orchestrator.report.layout import Contender
from orchestrator.report.speeds import Speed
from orchestrator.report.tasks import Task
from orchestrator.report.view import View
from orchestrator.stats.inference import interval

#: How a cell stands to the fastest of its task. tied: tested with enough repeats, and not told from it; unsure: too
#: few repeats to tell; none: not compared.
Verdict = Literal["best", "tied", "slower", "unsure", "none"]
#: From so many repeats on, a difference that the test does not find is called small, not unknown.
ENOUGH = 5


class Figure(Struct, frozen=True):
    """One cell: a large figure, a second line, and what is known of its time, for the page's script.

    `samples` per epoch; `low` and `high` bound the seconds with 95 % confidence, None with one repeat.
    """

    task: str
    verdict: Verdict
    large: str
    small: str = ""
    seconds: float | None = None
    samples: int | None = None
    low: float | None = None
    high: float | None = None
    marks: Sequence[Span] = ()


class Line(Struct, frozen=True):
    """One contender."""

    contender: Contender
    overall: float | None
    cells: Sequence[Figure]

    @property
    def overall_text(self) -> str:
        return words.ABSENT if self.overall is None else words.ratio(self.overall)


class Answer(Block, frozen=True):
    """The table of one field. `name` is its id on the page."""

    kind: ClassVar[str] = "answer"
    name: str
    title: str
    tasks: Sequence[Task]
    lines: Sequence[Line]


def table(view: View, field: Field, name: str) -> Answer:
    lines = [_line(view, field, entry) for entry in field.entries]
    return Answer(name=name, title=field.where, tasks=[view.layout.tasks[i] for i in field.lines], lines=lines)


def _line(view: View, field: Field, entry: Entry) -> Line:
    cells = [_cell(view, entry.column, line) for line in field.lines]
    return Line(view.layout.contenders[entry.column], entry.overall, cells)


def _cell(view: View, column: int, line: int) -> Figure:
    task, speed = view.layout.tasks[line], view.speeds.get((column, line))
    if speed is None:
        return Figure(task.key, "none", words.ABSENT)
    known = interval(speed.repeats)
    return Figure(
        task=task.key,
        verdict=verdict(speed),
        large=words.ratio(speed.ratio) if speed.ratio and counts(speed) else words.seconds(speed.seconds),
        small=words.seconds(speed.seconds) if counts(speed) else "",
        seconds=speed.seconds,
        samples=task.conditions["train"] or None,
        low=known[1] if known else None,
        high=known[2] if known else None,
    )


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
