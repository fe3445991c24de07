"""`orchestrate plan`: prints every job and its command."""

from __future__ import annotations

import shlex
import sys
from typing import Any

import click
import msgspec

from orchestrator.cli.options import DATA_DIR, JSON, OUT, ROOT, WISHES, wished
from orchestrator.cli.output import say
from orchestrator.executors.local import executor as local
from orchestrator.executors.slurm import executor as slurm
from orchestrator.plan.catalog import load_catalog


@click.command()
@WISHES
@DATA_DIR
@OUT
@ROOT
@JSON
def plan(**given: Any) -> None:
    """Print every job and its exact command. Nothing is built, fetched, written or started.

    \b
    Examples:
      orchestrate plan --config azure-nc6 --device cpu
      orchestrate plan --workload mnist_mlp --json
    """
    catalog = load_catalog(given["root"])
    wish = wished(given)
    if wish.executor == "slurm":
        draft, commands = slurm.describe(slurm.find(wish, catalog, say, None), given["out"])
    else:
        draft, commands = local.describe(wish, catalog, given["data_dir"], given["out"])
    if given["as_json"]:
        jobs = [{"id": j.id, **msgspec.to_builtins(j), "command": commands.get(j.id, [])} for j in draft.planned]
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode({"jobs": jobs}), indent=1) + b"\n")
        return
    for job in draft.jobs:
        click.echo(f"# {job.id}\n{shlex.join(commands[job.id])}")
    for skip in draft.skipped:
        click.echo(f"# {skip.job.id}: {skip.status}, {skip.reason}")
    say(f"{len(draft.planned)} jobs, {len(draft.skipped)} of them not to be run")
