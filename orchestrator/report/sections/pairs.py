"""Who beats whom, as a table of each contender against each."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.report.blocks import Block, Column, Paragraphs, Section, Span, Table, Text
from orchestrator.report.pairs import Board, boards
from orchestrator.report.tasks import noun
from orchestrator.report.view import View

#: More contenders than this are numbers in the head of the table.
MOST_NAMED = 8
NOTE = (
    "Row against column: {what}s on which the row is surely faster – surely slower, in brackets those that the repeats "
    "do not tell apart. A question mark: one repeat each, so only the medians are counted. Verdicts are corrected for "
    "all pairs and {what}s together."
)


def build(view: View) -> Section | None:
    found = [board for board in boards(view.layout, view.speeds) if len(board.columns) > 2]
    if not found:
        return None
    blocks: list[Block] = [Paragraphs([NOTE.format(what=noun(view.layout.tasks))])]
    for board in found:
        blocks += _blocks(view, board)
    return Section(name="pairs", title="Who beats whom", blocks=blocks)


def _blocks(view: View, board: Board) -> Iterator[Block]:
    labels = [view.layout.contenders[column].label for column in board.columns]
    many = len(labels) > MOST_NAMED
    heads = [str(i) for i in range(1, len(labels) + 1)] if many else labels
    columns = [Column("contender", heads=True), *(Column(head, number=True) for head in heads)]
    rows: list[list[Text]] = []
    for number, (column, label) in enumerate(zip(board.columns, labels, strict=True), 1):
        cells = [_cell(board, column, other) for other in board.columns]
        rows.append([f"{number} {label}" if many else label, *cells])
    caption = board.where or "All contenders"
    yield Table(columns, rows, caption=caption, fold=f"{caption}, {len(labels)} by {len(labels)}" if many else "")


def _cell(board: Board, column: int, other: int) -> Text:
    score = board.scores.get((column, other))
    if score is None:
        return "·"
    return [Span(score.text, "strong")] if score.tested and score.wins and not score.losses else score.text
