"""A trend as a table for a terminal."""

from __future__ import annotations

from orchestrator.cli.tables import Column, paragraph, table
from orchestrator.history.forms import cells, closing
from orchestrator.history.gate import FRESH
from orchestrator.history.lines import Trend

#: Columns of the fields that `cells` gives, short enough for a narrow terminal.
COLUMNS = (
    Column("cell, seconds per epoch"),
    *(Column(head, "figure") for head in ("nights", "newest", "95 % interval", "n")),
    Column("trend"),
    Column("verdict", "words"),
)


def trend_text(found: Trend, threshold: float | None = None, fresh: int = FRESH, columns: int | None = None) -> str:
    """A row for each line, and the closing sentences."""
    rows = [list(cells(line)) for line in found.lines]
    shown = [*table(COLUMNS, rows, columns), ""] if rows else []
    said = [part for line in closing(found, threshold, fresh) for part in paragraph(line, columns)]
    return "\n".join([*shown, *said]) + "\n"
