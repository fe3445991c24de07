"""`orchestrate list`: stacks, workloads, presets, runs, and what others published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.console import tell, tell_document
from orchestrator.cli.options import JSON, OUT, ROOT, command
from orchestrator.cli.output import print_json
from orchestrator.cli.runs import runs_text
from orchestrator.cli.tables import Column, table, width
from orchestrator.errors import UserError
from orchestrator.plan import config
from orchestrator.plan.catalog import load_catalog
from orchestrator.text import plural

KINDS = ("stacks", "workloads", "presets", "runs", "references", "all")

#: The data of a model that reads no data set.
MADE = "generated"
#: Over a table, where it is not its name in --json.
TITLES = {"models": "models of today, which run where they are named (--workload, --config models)"}


@command("list")
@click.argument("what", type=click.Choice(KINDS), default="all")
@ROOT
@OUT
@click.option("--html", is_flag=True, help="runs: write the page of the results folder, index.html, anew.")
@JSON
def list_(what: str, root: Path | None, out: Path, html: bool, as_json: bool) -> None:
    """List stacks, workloads, presets, runs on record, or published figures.

    A Keras script of your own needs no entry: `orchestrate my.py` measures it.

    \b
    Examples:
      orchestrate list presets
      orchestrate list runs                newest first; `all` leaves them out
      orchestrate list runs --html         results/index.html
      orchestrate list references          benchmarks of others
    """
    if what == "runs":
        _list_runs(out, html, as_json)
        return
    if what == "references":
        from orchestrator.cli.references import list_references  # need not be imported for other lists

        list_references(as_json)
        return
    if html:
        raise UserError("--html is the page of the runs", "orchestrate list runs --html")
    catalog = load_catalog(root)
    tables: dict[str, list[dict[str, Any]]] = {
        "stacks": [
            {
                "name": s.name,
                "title": s.title,
                "released": s.released,
                "backends": [b.name for b in s.backends],
                "devices": list(s.images),
            }
            for s in catalog.stacks
        ],
        "workloads": [
            {"name": w.name, "title": w.title, "data": w.dataset, "scales": list(w.scales)} for w in catalog.workloads
        ],
        "models": [
            {"name": w.name, "title": w.title, "kind": w.kind, "parameters": w.parameters, "data": w.dataset or MADE}
            for w in catalog.models
        ],
        "presets": [{"name": name, "description": c.description} for name, c in config.presets().items()],
    }
    wanted = {"all": list(tables), "workloads": ["workloads", "models"]}.get(what, [what])
    chosen = {name: tables[name] for name in wanted}
    if as_json:
        print_json(chosen)
        return
    for number, (title, rows) in enumerate(chosen.items()):
        tell_document("\n".join([*[""] * (number > 0), f"{TITLES.get(title, title)}:", *_table(rows)]))


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A column for each field; descriptions and lists may wrap."""
    heads = list(rows[0]) if rows else []
    columns = [Column(head, "words" if i else "name") for i, head in enumerate(heads)]
    fields = [[", ".join(v) if isinstance(v, list) else str(v or "") for v in row.values()] for row in rows]
    return table(columns, fields)


def _list_runs(out: Path, html: bool, as_json: bool) -> None:
    """The runs of a results folder: as a table, as JSON, or as the page that lies beside them."""
    from orchestrator.history.runs import list_runs  # these need not be imported for other lists
    from orchestrator.run.owner import strange

    runs = list_runs(out, strange)
    if html:
        from orchestrator.history.index import write_index  # loads the templates

        if not out.is_dir():
            raise UserError(f"there is no folder {out}", "`orchestrate --config smoke` makes it, with a first run")
        path = write_index(out, runs)
        if not as_json:
            tell(f"{path}: {plural(len(runs), 'run')}")
            return
    if as_json:
        print_json({"runs": runs})
    elif runs:
        tell_document(runs_text(runs, width()))
    else:
        tell(f"no runs in {out} yet: `orchestrate --config smoke` makes one")
