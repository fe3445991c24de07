"""Every job with its figures and the command that runs it alone. Too wide for Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.model import Row
from orchestrator.report import disturbed, words
from orchestrator.report.blocks import Block, Column, Paragraphs, Section, Span, Table, Text
from orchestrator.report.outcomes import mark, name_and_id
from orchestrator.report.view import MOST_LISTED, View
from orchestrator.stats.repeats import TRAIN
from orchestrator.text import plural

#: Data that no data set holds, in words.
MADE = {"own": "the script's own", "generated": "made up by the model"}
#: What the figures of a job are called: of one that trains, and of one that is called.
TIMES = ("s/epoch", "first epoch", "setup", "val. accuracy")
CALLS = ("ms at batch 1", "95th percentile", "first answer", "samples/s")
#: What stands in the place of the list.
TOO_MANY = (
    "{jobs:,} jobs are more than a page lists, or has for its downloads ({most:,}): "
    "results.csv of each run and merged set has a line for every job, and `orchestrate query` asks them."
)


def columns(figures: Sequence[str]) -> tuple[Column, ...]:
    others = ("status", "data", "seed", *figures, "image format", "started (UTC)", "command")
    return (Column("job", heads=True), *map(Column, others))


def build(view: View) -> Section:
    blocks: list[Block] = []
    if view.report.plan_command:
        blocks.append(Paragraphs([("All of it again", view.report.plan_command)], "code", only="html"))
    if not view.listable:
        blocks.append(Paragraphs([TOO_MANY.format(jobs=len(view.rows), most=MOST_LISTED)]))
        return Section(name="jobs", title="Every job", blocks=blocks)
    fold = f"{plural(len(view.rows), 'job')}, and the command of each"
    trains = view.mode == TRAIN
    cells = [_cells(row, _figures(row) if trains else _calls(row)) for row in view.rows]
    blocks.append(Table(columns(TIMES if trains else CALLS), cells, fold=fold, only="html"))
    return Section(name="jobs", title="Every job", blocks=blocks)


def _figures(row: Row) -> list[Text]:
    times = [words.seconds(row.get(name)) for name in ("epoch_s", "first_epoch_s", "setup_s")]
    return [*times, words.share(row.get("val_accuracy"))]


def _calls(row: Row) -> list[Text]:
    rate = row.get("tokens_per_s") or row.get("predicted_per_s")
    figures = [words.figure(row.get("latency_ms")), words.figure(row.get("latency_p95_ms"))]
    return [*figures, words.seconds(row.get("first_answer_s")), words.figure(rate)]


def _cells(row: Row, figures: Sequence[Text]) -> list[Text]:
    kind, seed, command = row.get("data_kind"), row.get("seed"), row.get("command")
    return [
        name_and_id(row),
        _status(row),
        _data(kind),
        words.ABSENT if seed is None else str(seed),
        *figures,
        row.get("image_data_format") or words.ABSENT,
        str(row.get("started") or words.ABSENT)[:19].replace("T", " "),  # without its fraction and zone, which is UTC
        [Span(command, "command")] if command else words.ABSENT,
    ]


def _data(kind: str | None) -> Text:
    """Whose data a job read, in words."""
    if kind == "synthetic":
        return [Span("synthetic", "tag")]
    return MADE.get(kind or "", kind or words.ABSENT)


def _status(row: Row) -> list[str | Span]:
    text: list[str | Span] = [mark(row["status"])]
    for noise in disturbed.marks([row]):
        text += [" ", noise]
    return text
