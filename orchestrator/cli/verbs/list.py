"""`orchestrate list`: stacks, workloads and presets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from orchestrator.cli.console import tell
from orchestrator.cli.options import JSON, ROOT
from orchestrator.cli.output import print_json
from orchestrator.plan import config
from orchestrator.plan.catalog import load_catalog


@click.command("list")
@click.argument("what", type=click.Choice(["stacks", "workloads", "presets", "all"]), default="all")
@ROOT
@JSON
def list_(what: str, root: Path | None, as_json: bool) -> None:
    """List stacks, workloads with their scales, and presets.

    A Keras script of your own needs no entry: `orchestrate my.py` measures it.
    """
    catalog = load_catalog(root)
    tables: dict[str, list[dict[str, Any]]] = {
        "stacks": [
            {
                "name": s.name,
                "title": s.title,
                "backends": [b.name for b in s.backends],
                "devices": list(s.images),
            }
            for s in catalog.stacks
        ],
        "workloads": [
            {"name": w.name, "title": w.title, "data": w.dataset, "scales": list(w.scales)} for w in catalog.workloads
        ],
        "presets": [{"name": name, "description": c.description} for name, c in config.presets().items()],
    }
    chosen = tables if what == "all" else {what: tables[what]}
    if as_json:
        print_json(chosen)
        return
    for title, rows in chosen.items():
        tell(f"{title}:")
        for row in rows:
            first, *others = (", ".join(v) if isinstance(v, list) else str(v) for v in row.values())
            tell(f"  {first:24} {'; '.join(others)}")
