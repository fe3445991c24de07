"""What others published, for a terminal: each source with what is comparable with ours, and its figures."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from orchestrator.cli.console import tell_document
from orchestrator.cli.output import print_json
from orchestrator.cli.tables import Column, table, width
from orchestrator.report.published import Figure, Source, sources
from orchestrator.report.style import title

#: Columns of running text; more are hard to read.
MOST_COLUMNS = 100
HEADS = ("model", "same as", "backend", "Keras", "on", "batch")


def list_references(as_json: bool) -> None:
    found = sources()
    if as_json:
        print_json({"references": found})
        return
    tell_document("\n".join(line for source in found for line in [*references_text(source), ""]).rstrip())


def references_text(source: Source) -> Iterator[str]:
    """What it is, what of it is comparable, and a row for each figure."""
    yield f"{source.name}: {source.title}"
    for text in (
        f"{source.author}, {source.published}; {source.url}",
        f"Hardware: {source.hardware}. Software: {source.software}.",
        f"What a figure counts: {source.counts}.",
        f"Comparable with ours: {source.comparable}",
        f"Not comparable: {source.other}",
    ):
        yield from textwrap.wrap(text, min(width(), MOST_COLUMNS) - 2, initial_indent="  ", subsequent_indent="    ",
                                 break_long_words=False, break_on_hyphens=False)  # fmt: skip
    columns = [*(Column(head, "words" if head == "model" else "name") for head in HEADS), Column(source.unit, "figure")]
    yield from table(columns, _rows(source.figures))


def _rows(figures: Sequence[Figure]) -> list[list[str]]:
    return [[f.model, f.workload, title(f.backend), f.keras, f.on, str(f.batch or ""), f"{f.value:g}"] for f in figures]
