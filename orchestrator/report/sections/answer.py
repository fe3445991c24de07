"""The answer, before everything else: who is fastest, how sure that is, and a table for each group that compares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.report.answer.conclusion import sentences
from orchestrator.report.answer.ranking import fields
from orchestrator.report.answer.sure import sure
from orchestrator.report.answer.table import DOUBTS, Answer, table
from orchestrator.report.blocks import Block, Paragraphs, Section
from orchestrator.report.tasks import noun
from orchestrator.report.view import View

#: What the times of a table are.
MEANINGS = {
    "train": "Seconds: the median training time of an epoch after the first.",
    "predict": "Milliseconds: the median of a call with one sample, by the fastest way of calling that a backend has.",
    "generate": "Milliseconds: the median of a token, by the faster way of calling that a backend has.",
}


def build(view: View) -> Section:
    found = fields(view.layout, view.speeds)
    doubt = sure(view, found)
    said = Paragraphs(sentences(view, found), "lead" if len(found) == 1 else "points")
    blocks: list[Block] = [said, *([doubt] if doubt else [])]
    tables = [table(view, field, f"answer-{i + 1}" if i else "answer") for i, field in enumerate(found)]
    glossary = [Paragraphs([], hint=" ".join(_glossary(tables)))] if any(table.axis for table in tables) else []
    return Section(name="first", title="", blocks=[*blocks, *tables, *glossary])


def _glossary(tables: Sequence[Answer]) -> Iterator[str]:
    """One line that explains the words and signs of the tables, as far as they are there."""
    if any(len(table.tasks) > 1 for table in tables):
        what = noun(task for table in tables for task in table.tasks)
        yield (
            f"Overall: the geometric mean, over the {what}s, of the time divided by that of the fastest; 1.00× would "
            f"be the fastest on every {what} (■ in the plot; ○ is a {what}, in the order of the columns; lines are "
            "95 % intervals)."
        )
    yield from dict.fromkeys(MEANINGS[table.mode] for table in tables)
    if len({line.contender.year for table in tables for line in table.lines} - {""}) > 1:
        yield "The year: when the newer of Keras and the backend was released."
    doubts = {cell.doubt for table in tables for line in table.lines for cell in line.cells}
    if DOUBTS["unsure"] in doubts:
        yield f"“{DOUBTS['unsure']}”: too few repeats to call it a difference."
    if DOUBTS["tied"] in doubts:
        yield f"“{DOUBTS['tied']}”: enough repeats, and no difference to the fastest was found."
