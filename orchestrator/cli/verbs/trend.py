"""`orchestrate trend`: every cell from night to night, and the steps in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from orchestrator.cli.console import tell_document
from orchestrator.cli.options import FOLDER, JSON, OUT, ROOT, command, option, percent
from orchestrator.cli.options.command import OUTPUT, WHAT, folder
from orchestrator.cli.options.values import Number
from orchestrator.errors import UserError

FORMATS = ("text", "markdown", "json", "junit", "github-action-benchmark")


@command()
@click.argument("runs", nargs=-1, type=FOLDER)
@OUT
@option(
    WHAT,
    "--by",
    type=click.Choice(["date", "commit", "version"]),
    default="date",
    show_default=True,
    help="Order of the nights: by time, by the commit of Keras in order of appearance, or by its version.",
)
@option(
    WHAT,
    "--threshold",
    type=percent,
    metavar="5%",
    help="Exit 1 if a cell took a fresh step to slower by more than this, broke, or could not be judged.",
)
@option(
    WHAT,
    "--fresh",
    type=Number(1, 10_000),
    default=7,
    show_default=True,
    metavar="N",
    help="Nights of a line for which a step counts as fresh.",
)
@option(
    OUTPUT,
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How the trend is written.",
)
@folder(OUTPUT, "--to", help="Also write trend.html and trend.json to this folder.")
@ROOT
@JSON
def trend(
    runs: Sequence[Path],
    out: Path,
    by: str,
    threshold: float | None,
    fresh: int,
    form: str,
    to: Path | None,
    root: Path | None,
    as_json: bool,
) -> None:
    """Follow every cell from night to night.

    Seconds per epoch of each cell over RUNS (default: all in the results folder), and the steps in them.

    RUNS are runs, merged sets, or folders of runs. Each run is a night with an interval of its own; nights are never
    put together. What cannot be compared (another host, other threads, data or scripts) is another line. A step is told
    with the first night after it, the last one before it, and its size; at most 5 % of trends hold a false one
    (docs/NIGHTLY.md).

    \b
    Examples:
      orchestrate trend
      orchestrate trend results --by commit --format markdown
      orchestrate trend results --threshold 5% --to results/trend
    """
    from orchestrator.cli.trend import trend_text  # numpy and perhaps DuckDB come along
    from orchestrator.history import forms, gate, page
    from orchestrator.history import trend as history
    from orchestrator.history.nights import read_nights
    from orchestrator.plan.catalog import load_catalog

    if not runs and not out.is_dir():
        raise UserError(f"no runs in {out} yet", "`orchestrate --config smoke` makes one")
    found = history.trend(read_nights(runs or [out], load_catalog(root)), by)  # type: ignore[arg-type]
    if to is not None:
        page.write(found, to, threshold, fresh)
    write = forms.FORMATS.get("json" if as_json else form, trend_text)
    tell_document(write(found, threshold, fresh).rstrip("\n"))
    red = threshold is not None and not gate.passes(found, threshold, fresh)
    raise SystemExit(1 if red or gate.is_empty(found) else 0)
