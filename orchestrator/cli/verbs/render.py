"""`orchestrate render`: writes the Dockerfiles and compose.yaml from docker/stacks.yaml."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator import __version__
from orchestrator.cli.console import tell
from orchestrator.cli.options import ROOT, command
from orchestrator.doors import own
from orchestrator.errors import UserError
from orchestrator.files import PACKAGE, write_atomic
from orchestrator.plan.catalog import load_catalog
from orchestrator.stacks.images.dockerfile import rendered_files


@command()
@ROOT
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file differs from its template.")
def render(root: Path | None, check: bool) -> None:
    """Write Dockerfiles and compose.yaml from stacks.yaml."""
    catalog = load_catalog(root)
    if Path(catalog.root).is_relative_to(PACKAGE):
        raise UserError("an installed copy renders nothing", "run it in a checkout, or name a folder with --root")
    stale = 0
    for name, text in rendered_files(catalog, __version__).items():
        path = Path(catalog.root) / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        tell(f"{name} {'differs from its template' if check else 'written'}")
        if not check:
            write_atomic(own(path.parent) / path.name, text.encode())
    raise SystemExit(1 if check and stale else 0)
