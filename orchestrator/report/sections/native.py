"""What Keras costs: a table for each figure, and a sentence for each library. keras_cost.py says what is compared."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.report import words
from orchestrator.report.answer.keras_cost import Cost, Costs, Pair, Where, costs, told
from orchestrator.report.blocks import Block, Column, Paragraphs, Section, Span, Table, Text, spaced
from orchestrator.report.view import View
from orchestrator.text import plural

NOTE = (
    "The same models, written without Keras for the library alone, from equal weights and with equal steps "
    "(docs/NATIVE.md). The large figure is what a job with Keras takes, in times of one without: above 1 Keras costs, "
    "below 1 it saves."
)
SURE = (
    " Below it the 95 % interval and the verdict, corrected for the {count} of its table. “No difference seen” comes "
    "from five repeats or more."
)
ONCE = " With one repeat there is no verdict: use "
#: The figures, each with what it is.
TABLES = (
    ("epochs", "Time of an epoch after the first"),
    ("first", "Time of the first epoch, compilation included"),
    ("memory", "The most memory of a job"),
)


def build(view: View) -> Section | None:
    found = costs(view)
    if not found.epochs:
        return None
    count = sum(cost.found.p is not None for cost in found.epochs.values())
    sure = [SURE.format(count=plural(count, "comparison"))] if count else [ONCE, Span("--repeats 5", "code"), "."]
    blocks: list[Block] = [Paragraphs([[NOTE, *sure]]), Paragraphs(list(told(view, found)), "bullets")]
    for name, caption in TABLES:
        blocks.append(Paragraphs([f"{caption}:"], only="markdown"))  # the twin has no captions
        blocks.append(_table(view, found, name, caption))
    return Section(name="native", title="What Keras costs", blocks=blocks)


def _table(view: View, found: Costs, name: str, caption: str) -> Table:
    its = view.layout.contenders
    known: dict[tuple[Pair, Where], Cost] = getattr(found, name)
    wheres = list(_wheres(view, known))
    tasks = [view.layout.tasks[where] for where in wheres if where is not None]
    unique = len({task.title for task in tasks}) == len(tasks)
    titles = ["overall"] * (None in wheres) + [task.title if unique else task.label for task in tasks]
    columns = [Column("library", heads=True), *(Column(title, number=True) for title in titles)]
    rows: list[list[Text]] = [
        [its[pair[0]].label, *(_cell(known.get((pair, where))) for where in wheres)]
        for pair in found.pairs
        if any((pair, where) in known for where in wheres)
    ]
    return Table(columns, rows, caption=caption)


def _wheres(view: View, known: dict[tuple[Pair, Where], Cost]) -> Iterator[Where]:
    """Overall, where there are several models, then each."""
    there = {where for _, where in known}
    yield from (where for where in (None, *range(len(view.layout.tasks))) if where in there)


def _cell(cost: Cost | None) -> Text:
    if cost is None:
        return words.ABSENT
    looks = {"more": "status bad", "less": "status good"}
    bounds = cost.found.bounds(words.span)
    parts = [
        Span(words.ratio(cost.ratio), "strong"),
        Span(bounds, "small"),
        Span(cost.verdict, looks.get(cost.verdict, "small")),
        Span("disturbed" if cost.disturbed else "", "small"),
    ]
    return spaced(parts)
