"""`orchestrate query`: SQL over a merged set."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import click

from orchestrator.cli.console import tell_document
from orchestrator.cli.options import FOLDER, JSON, command
from orchestrator.cli.output import print_json
from orchestrator.cli.tables import Column, table
from orchestrator.text import printable, public


@command()
@click.argument("sql")
@click.argument("folder", default="results/all", type=FOLDER)
@JSON
def query(sql: str, folder: Path, as_json: bool) -> None:
    """Run an SQL query over a merged set or a run.

    A run is merged for it. One DuckDB statement that reads the tables results, epochs, samples and cells.

    \b
    Examples:
      orchestrate query "select backend, epoch_s from cells" results/latest
      orchestrate query "select workload, backend, n, epoch_s from cells"
      orchestrate query "select host, count(*) from results group by host" --json
    """
    from orchestrator.results import merged_set

    names, rows = merged_set.query(folder, sql)
    if as_json:
        document = {"columns": names, "rows": [dict(zip(names, row, strict=True)) for row in rows]}
        print_json(document)
        return
    shown = [["" if value is None else printable(public(str(value))) for value in row] for row in rows]
    if sys.stdout.isatty():
        columns = [Column(name, _kind(row[i] for row in rows)) for i, name in enumerate(names)]
        tell_document("\n".join(table(columns, shown)))
        return
    for line in (map(printable, names), *shown):  # for programs: one line a row, a tab between fields
        tell_document("\t".join(line))


def _kind(values: Iterable[object]) -> Literal["name", "figure"]:
    numbers = [isinstance(value, int | float) for value in values if value is not None]
    return "figure" if numbers and all(numbers) else "name"
