"""`orchestrate merge`, `query` and `compare`: what is done with recorded runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from orchestrator import cli_run
from orchestrator.catalog import Catalog
from orchestrator.cli_options import JSON, percent
from orchestrator.errors import UserError

FORMATS = ("text", "markdown", "json", "junit", "github-action-benchmark")
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("runs", nargs=-1, required=True, type=FOLDER)
@click.option("--to", required=True, type=click.Path(file_okay=False, path_type=Path), help="Where the set is written.")
@JSON
def merge(runs: Sequence[Path], to: Path, as_json: bool) -> None:
    """Runs and merged sets, of any hosts, into one set: every job once, nothing averaged that must not be.

    \b
    Exit 1: two records of one job do not agree (the first is kept, and set.json lists them).
    Examples:
      orchestrate merge results/2026* --to results/all
      orchestrate merge results/all host-b/results/2026* --to results/both
    """
    from orchestrator import resultset
    from orchestrator.tablefiles import document

    done, rows = resultset.merge_sources(runs, to)
    if as_json:
        sys.stdout.buffer.write(document(rows))
    else:
        for line in merge_lines(done, to):
            click.echo(line)
    raise SystemExit(1 if done.conflicts else 0)


def merge_lines(done: Any, to: Path) -> list[str]:
    lines = [f"{count} jobs from {source}" for source, count in done.sources.items()]
    lines.append(f"{done.jobs} jobs in {to}; {done.identical} were there twice and are kept once")
    lines += [
        f"CONFLICT {c.run_id}/{c.job_id}: {', '.join(c.differs[:5])} differ; kept {c.kept}, not {c.dropped}"
        for c in done.conflicts
    ]
    lines += [f"{workload} stays apart: not all the same {', '.join(names)}" for workload, names in done.apart.items()]
    return lines


def report_set(paths: Sequence[Path], to: Path | None, catalog: Catalog, as_json: bool) -> None:
    """The report of a merged set, written into it or to `to`."""
    if len(paths) > 1:
        raise UserError("a merged set is reported alone", "merge everything: orchestrate merge PATH... --to SET")
    from orchestrator.outputs_set import merged_set  # it brings the charts along, a second to import

    merged = merged_set(paths[0])
    cli_run.write_report(merged, to or paths[0], catalog)
    cli_run.tell(merged.rows, to or paths[0], as_json)


@click.command()
@click.argument("sql")
@click.argument("folder", default="results/all", type=FOLDER)
@JSON
def query(sql: str, folder: Path, as_json: bool) -> None:
    """One SQL statement (DuckDB) over a merged set: tables results, epochs, samples, and cells. It only reads.

    \b
    Examples:
      orchestrate query "select workload, backend, n, epoch_s from cells" results/all
      orchestrate query "select host, count(*) from results group by host" results/all --json
    """
    from orchestrator import sources

    names, rows = sources.query(folder, sql)
    if as_json:
        document = {"columns": names, "rows": [dict(zip(names, row, strict=True)) for row in rows]}
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")
        return
    click.echo("\t".join(names))
    for row in rows:
        click.echo("\t".join("" if value is None else str(value) for value in row))


@click.command()
@click.argument("first", type=FOLDER)
@click.argument("second", type=FOLDER)
@click.option("--threshold", type=percent, metavar="5%", help="Exit 1 where a cell got slower by more, beyond noise.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="Of the output.")
@JSON
def compare(first: Path, second: Path, threshold: float | None, form: str, as_json: bool) -> None:
    """Seconds per epoch of the same cells in two runs or merged sets: a release against a change, one launcher
    against another.

    With --threshold a cell that no longer runs counts as a regression, too.

    \b
    Examples:
      orchestrate compare results/20261122-101500-1a2b results/20261122-113000-3c4d
      orchestrate compare results/main results/change --threshold 5% --format markdown
    """
    from orchestrator import compare as comparing
    from orchestrator import compare_formats, sources

    a, b = sources.read(first), sources.read(second)
    ratios = comparing.compare(a.rows, b.rows, a.steady, b.steady)
    click.echo(compare_formats.render("json" if as_json else form, ratios, threshold).rstrip("\n"))
    if threshold is not None and comparing.regressions(ratios, threshold):
        raise SystemExit(1)
