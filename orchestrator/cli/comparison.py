"""Two runs compared, and the comparison as a table for a terminal."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Sequence
from pathlib import Path

from orchestrator.cli.console import say
from orchestrator.cli.tables import entries, width
from orchestrator.plan.catalog import load_catalog
from orchestrator.report.comparison import cells, closing
from orchestrator.report.input import with_learned
from orchestrator.results import source
from orchestrator.stats.compare import Ratio, compare
from orchestrator.text import printable

#: Heads of the fields that `cells` gives, short enough for a narrow terminal.
HEADS = ("cell, seconds per epoch", "first", "second", "ratio", "95 % interval", "n", "verdict on the second")


def compared(first: Path, second: Path, only: str | None = None) -> list[Ratio]:
    """Two runs or merged sets, cell by cell, with the quality gate of a report. `only`: one job of the first."""
    catalog = load_catalog()
    a, b = source.read_source(first), source.read_source(second)
    for note in dict.fromkeys([*a.notes, *b.notes]):
        say(note)
    rows = [row for row in a.rows if only in (None, row["job_id"])]
    return compare(with_learned(rows, catalog), with_learned(b.rows, catalog), a.steady, b.steady)


def comparison_text(ratios: Sequence[Ratio], threshold: float | None = None, columns: int | None = None) -> str:
    """A row for each cell, and the closing lines: the mean, and what is above the threshold."""
    rows = [[printable(field) for field in cells(ratio)] for ratio in ratios]
    indented = [[f"  {row[0]}", *row[1:]] for row in (HEADS, *rows)]
    columns = columns or width()
    table = [*itertools.chain(*entries(indented, columns)), ""] if rows else []
    words = [part for line in closing(ratios, threshold) for part in textwrap.wrap(line, columns)]
    return "\n".join([*table, *words]) + "\n"
