"""Every job with its figures and the command that runs it alone. Too wide for Markdown."""

from __future__ import annotations

from orchestrator.model import Row
from orchestrator.report import disturbed, words
from orchestrator.report.blocks import Block, Column, Paragraphs, Section, Span, Table, Text
from orchestrator.report.outcomes import mark, name_and_id
from orchestrator.report.view import View
from orchestrator.text import plural

OTHERS = (
    *("status", "data", "seed", "s/epoch", "first epoch", "setup", "val. accuracy", "image format"),
    *("started (UTC)", "command"),
)
#: Data that no data set holds, in words.
MADE = {"own": "the script's own", "generated": "made up by the model"}
COLUMNS = (Column("job", heads=True), *map(Column, OTHERS))


def build(view: View) -> Section:
    blocks: list[Block] = []
    if view.report.plan_command:
        blocks.append(Paragraphs([("All of it again", view.report.plan_command)], "code", only="html"))
    fold = f"{plural(len(view.rows), 'job')}, and the command of each"
    blocks.append(Table(COLUMNS, [_cells(row) for row in view.rows], fold=fold, only="html"))
    return Section(name="jobs", title="Every job", blocks=blocks)


def _cells(row: Row) -> list[Text]:
    kind, seed, command = row.get("data_kind"), row.get("seed"), row.get("command")
    return [
        name_and_id(row),
        _status(row),
        _data(kind),
        words.ABSENT if seed is None else str(seed),
        words.seconds(row.get("epoch_s")),
        words.seconds(row.get("first_epoch_s")),
        words.seconds(row.get("setup_s")),
        words.share(row.get("val_accuracy")),
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
