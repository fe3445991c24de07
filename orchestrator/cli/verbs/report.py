"""`orchestrate report`: reports recorded runs, or a merged set, again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from msgspec.structs import replace

from orchestrator.cli.console import console, say
from orchestrator.cli.live.progress import Progress
from orchestrator.cli.options import JSON, OUT, ROOT, command
from orchestrator.cli.options.command import OUTPUT, folder
from orchestrator.cli.output import end, print_rows
from orchestrator.cli.price import PRICE
from orchestrator.errors import UserError
from orchestrator.executors.signals import not_hung_up
from orchestrator.plan.catalog import Catalog, load_catalog
from orchestrator.results.folder import LATEST, RunFolder
from orchestrator.results.manifest import read_manifest, write_run_manifest
from orchestrator.results.source import is_set
from orchestrator.run import session
from orchestrator.run.bring import recorded


@command()
@click.argument("runs", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@folder(OUTPUT, "--to", help="Folder to write to; required for several runs.")
@PRICE
@OUT
@ROOT
@JSON
def report(
    runs: Sequence[Path], to: Path | None, price: float | None, out: Path, root: Path | None, as_json: bool
) -> None:
    """Report recorded runs again.

    Nothing is run. Default: the latest run.

    A merged set is reported alone; to add runs to it, merge again.

    \b
    Examples:
      orchestrate report
      orchestrate report results/20261122-*  --to results/together
      orchestrate report results/all                   a merged set
      orchestrate report --price 0.90/h                with money per epoch
    """
    if any(is_set(path) for path in runs):
        _report_set(runs, to, load_catalog(root), as_json, price)
        return
    folders = [RunFolder.open(path) for path in runs] or [RunFolder.locate(out, LATEST)]
    if to is None and len(folders) > 1:
        raise UserError("several runs have one report in a folder of its own", "name it: --to FOLDER")
    own = folders[0].path
    with Progress(console) as progress, not_hung_up():
        catalog = recorded(load_catalog(root), (folder.plan() for folder in folders))
        finished = session.report(folders, to or own, catalog, session.made_by(folders), progress, price)
        if to is None and finished.broken is None and read_manifest(own):
            write_run_manifest(own, set())
    end(finished, as_json)


def _report_set(paths: Sequence[Path], to: Path | None, catalog: Catalog, as_json: bool, price: float | None) -> None:
    """The report of a merged set, written into it or to `to`."""
    if len(paths) > 1:
        raise UserError("a merged set is reported alone", "merge everything: orchestrate merge PATH... --to SET")
    from orchestrator.results.collect import merged_set  # numpy and DuckDB come along, a quarter of a second to import

    merged = merged_set(paths[0])
    session.check_price(price, merged.rows)
    view = session.view_of(merged, catalog, command="", price=price)  # which runs it is of, the set does not tell
    for line in session.write_report(view, to or paths[0]):
        say(line)
    print_rows(replace(session.summary(view, to or paths[0]), rows=merged.rows), as_json)
