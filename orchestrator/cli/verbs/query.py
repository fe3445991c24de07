"""`orchestrate query`: SQL over a merged set."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli.console import tell_document
from orchestrator.cli.options import FOLDER, JSON
from orchestrator.cli.output import print_json
from orchestrator.text import printable, public


@click.command()
@click.argument("sql")
@click.argument("folder", default="results/all", type=FOLDER)
@JSON
def query(sql: str, folder: Path, as_json: bool) -> None:
    """Run an SQL query over a merged set, or over a run, which is merged for it.

    One DuckDB statement that reads the tables results, epochs, samples and cells.

    \b
    Examples:
      orchestrate query "select workload, backend, n, epoch_s from cells" results/all
      orchestrate query "select backend, epoch_s from cells" results/latest
      orchestrate query "select host, count(*) from results group by host" results/all --json
    """
    from orchestrator.results import merged_set

    names, rows = merged_set.query(folder, sql)
    if as_json:
        document = {"columns": names, "rows": [dict(zip(names, row, strict=True)) for row in rows]}
        print_json(document)
        return
    for line in (names, *rows):
        tell_document("\t".join("" if value is None else printable(public(str(value))) for value in line))
