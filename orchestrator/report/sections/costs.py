"""What training costs: joules of processors and GPU, and money where a price was given, each with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.model import Row
from orchestrator.report import words
from orchestrator.report.blocks import Block, Column, Paragraphs, Section, Table, Text
from orchestrator.report.costs import KINDS, Cost, cost_of
from orchestrator.report.speeds import good
from orchestrator.report.view import View
from orchestrator.stats.inference import plain_interval

COLUMNS = (
    *(Column(title, heads=True) for title in ("contender", "what")),
    *(Column(title, number=True) for title in ("one epoch", "1,000 samples", "to the accuracy", "n")),
)
NOTE = (
    "Means over repeats, with the 95 % interval of the mean from two repeats on. Energy counts all epochs, the first "
    "and validation included; money is the steady epochs' time at the price. To the accuracy that counts as learning: "
    "at the mean power of the epochs, or the price, where every repeat got there, without the time before fit()."
)
SHARED = "The processors' energy is that of all packages of the host (RAPL), whoever used them: other work counts, too."
UNKNOWN = "The energy of the processors is not known ({})."


def build(view: View) -> Section | None:
    tables = list(_tables(view))
    if not tables:
        return None
    told = [row for row in view.rows if row["status"] == "ok"]
    hints = [SHARED] if any(row.get("cpu_energy_j") is not None for row in told) else []
    why = sorted(
        {
            str(row["cpu_energy_source"])
            for row in told
            if row.get("cpu_energy_j") is None and row.get("cpu_energy_source")
        }
    )
    hints += [UNKNOWN.format(reason) for reason in why[:2]]
    return Section(name="costs", title="What it costs", blocks=[*tables, Paragraphs([NOTE, *hints], "bullets")])


def _tables(view: View) -> Iterator[Block]:
    for line, task in enumerate(view.layout.tasks):
        rows = [
            [contender.label, *its]
            for column, contender in enumerate(view.layout.contenders)
            for its in _lines(good(view.layout.cells.get((column, line), [])), view.report.price)
        ]
        if rows:
            if len(view.layout.tasks) > 1:
                yield Paragraphs([f"{task.label}:"], only="markdown")  # the twin has no captions
            yield Table(COLUMNS, rows, caption=task.label, fold=task.label if len(view.layout.tasks) > 1 else "")


def _lines(rows: Sequence[Row], price: float | None) -> Iterator[list[Text]]:
    for kind in KINDS:
        found = [cost for row in rows if (cost := cost_of(kind, row, price)) is not None]
        if found:
            yield [KINDS[kind], *_figures(kind, found), str(len(found))]


def _figures(kind: str, found: Sequence[Cost]) -> Iterator[str]:
    for name in ("epoch", "samples", "target"):
        values = [getattr(cost, name) for cost in found]
        known = [value for value in values if value is not None]
        yield words.ABSENT if len(known) < len(values) else _told(kind, known)


def _told(kind: str, values: Sequence[float]) -> str:
    write = words.money if kind == "money" else lambda value: f"{words.figure(value)} J"
    found = plain_interval(values)
    if found is None:
        return write(values[0])
    middle, low, high = found
    return f"{write(middle)} ({write(max(0.0, low))} to {write(high)})"
