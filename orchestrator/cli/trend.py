"""A trend as a table for a terminal."""

from __future__ import annotations

import itertools
import textwrap

from orchestrator.cli.tables import entries, width
from orchestrator.history.forms import cells, closing
from orchestrator.history.gate import FRESH
from orchestrator.history.lines import Trend
from orchestrator.text import printable

#: Heads of the fields that `cells` gives, short enough for a narrow terminal.
HEADS = ("cell, seconds per epoch", "nights", "newest", "95 % interval", "n", "trend", "verdict")


def trend_text(found: Trend, threshold: float | None = None, fresh: int = FRESH, columns: int | None = None) -> str:
    """A row for each line, and the closing sentences."""
    rows = [[printable(field) for field in cells(line)] for line in found.lines]
    indented = [[f"  {row[0]}", *row[1:]] for row in (HEADS, *rows)]
    columns = columns or width()
    table = [*itertools.chain(*entries(indented, columns)), ""] if rows else []
    said = [part for line in closing(found, threshold, fresh) for part in textwrap.wrap(printable(line), columns)]
    return "\n".join([*table, *said]) + "\n"
