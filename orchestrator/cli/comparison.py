"""A comparison of two runs as a table for a terminal."""

from __future__ import annotations

import io
from collections.abc import Sequence

import rich.box
from rich.console import Console
from rich.table import Table

from orchestrator.report.comparison import TITLES, cells, closing
from orchestrator.stats.compare import Ratio


def comparison_text(ratios: Sequence[Ratio], threshold: float | None = None) -> str:
    """A row for each cell, and the closing lines: the mean, and what is above the threshold."""
    table = Table(box=rich.box.SIMPLE_HEAD)
    for title in TITLES:
        table.add_column(title, justify="left" if title.startswith(("cell", "verdict")) else "right")
    for ratio in ratios:
        table.add_row(*cells(ratio))
    out = io.StringIO()
    Console(file=out, width=150, highlight=False, markup=False, emoji=False).print(table)
    return out.getvalue() + "\n".join(closing(ratios, threshold)) + "\n"
