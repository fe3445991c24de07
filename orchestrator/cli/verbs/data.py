"""`orchestrate data`: fetch, verify and list the data sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from orchestrator.cli.bars import byte_bar
from orchestrator.cli.console import say, say_error, tell, tell_document
from orchestrator.cli.options import DATA_DIR, JSON
from orchestrator.cli.options.command import Group
from orchestrator.cli.output import print_json
from orchestrator.cli.tables import Column, figures, table
from orchestrator.data import download
from orchestrator.data import find as datasets
from orchestrator.data.declared import Dataset, load_datasets
from orchestrator.data.find import DataRow, cache_dir, listing
from orchestrator.errors import OrchestrateError

COLUMNS = (
    *(Column("data set"), Column("state"), Column("kind"), Column("MB", "figure"), Column("sha256")),
    *(Column("file", "words"), Column("note", "words")),
)
NAMES = click.argument("names", nargs=-1, metavar="[mnist] [cifar10] [babi]")


@click.group(cls=Group)
def data() -> None:
    """Fetch, check and list the data sets (mnist, cifar10, babi)."""


@data.command()
@NAMES
@click.pass_context
def fetch(ctx: click.Context, names: Sequence[str]) -> None:
    """Download data sets into the cache.

    They come from their official places, or from mirrors in turn; each is checked, and a download goes on.

    \b
    Examples:
      orchestrate data fetch
      orchestrate data fetch mnist
    """
    failed = 0
    for dataset in _chosen(names):
        try:
            with byte_bar(dataset.name) as progress:
                path = download.fetch(dataset.name, dataset.places, cache_dir() / dataset.file, progress, say=say)
            tell(f"{dataset.name}: {path}")
        except OrchestrateError as error:
            failed = error.exit_code
            say_error(error)
    ctx.exit(failed)


@data.command()
@NAMES
@DATA_DIR
@JSON
@click.pass_context
def verify(ctx: click.Context, names: Sequence[str], data_dir: Path | None, as_json: bool) -> None:
    """Read and hash every data file that is found.

    Exit 1 if one is corrupt.
    """
    rows = datasets.verify(load_datasets(), names, data_dir)
    _print(rows, as_json)
    ctx.exit(1 if any(row.state == "corrupt" for row in rows) else 0)


@data.command("list")
@NAMES
@DATA_DIR
@JSON
def list_(names: Sequence[str], data_dir: Path | None, as_json: bool) -> None:
    """List the data files found.

    The first of each data set is the one that a run uses.
    """
    _print(listing(load_datasets(), names, data_dir), as_json)


def _chosen(names: Sequence[str]) -> list[Dataset]:
    known = load_datasets()
    for name in names:
        if name not in known:
            raise click.BadParameter(f"{name!r}; there are {', '.join(known)}", param_hint="NAMES")
    return [known[name] for name in names or known]


def _print(rows: Sequence[DataRow], as_json: bool) -> None:
    if as_json:
        document = {"data": [msgspec.to_builtins(row) for row in rows]}
        print_json(document)
        return
    sizes = [None if row.size is None else row.size / 1e6 for row in rows]
    fields = [
        [row.dataset, row.state, row.kind or "", size, (row.sha256 or "")[:12], row.path or "", row.note]
        for row, size in zip(rows, figures(sizes), strict=True)
    ]
    tell_document("\n".join(table(COLUMNS, fields)))
