"""`orchestrate plan`: prints every job and its command."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli.console import say
from orchestrator.cli.options import CONFIGURATION, DATA_DIR, FILES, JSON, OUT, ROOT, run_request
from orchestrator.cli.output import print_plan
from orchestrator.executors.choose import choose_executor
from orchestrator.run.bring import brought
from orchestrator.run.session import describe


@click.command()
@FILES
@CONFIGURATION
@DATA_DIR
@OUT
@ROOT
@JSON
@click.pass_context
def plan(ctx: click.Context, /, **given: Any) -> None:
    """Print every job and its exact command.

    Nothing is built, fetched, written or started, but what --python and --image name, to look into it.
    Exit 3: nothing of it can run on this host.

    \b
    Examples:
      orchestrate plan --config azure-nc6 --device cpu
      orchestrate plan --workload mnist_mlp --json
    """
    request = run_request(given)
    request, catalog = brought(request, say, may_lock=False)
    ctx.exit(print_plan(*describe(catalog, choose_executor(request, catalog, say)), given["as_json"]))
