"""`orchestrate plan`: what a run would do, as an overview or job by job."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli.console import say
from orchestrator.cli.options import CONFIGURATION, DATA_DIR, FILES, JSON, OUT, ROOT, command, run_request
from orchestrator.cli.options.command import OUTPUT, option
from orchestrator.cli.output import print_plan
from orchestrator.cli.overview import overview
from orchestrator.executors.choose import choose_executor
from orchestrator.plan.names import names
from orchestrator.run.bring import brought
from orchestrator.run.forecast import forecast
from orchestrator.run.session import describe


@command()
@FILES
@CONFIGURATION
@DATA_DIR
@OUT
@ROOT
@JSON
@option(OUTPUT, "--commands", is_flag=True, help="Print every job and the exact command that starts it.")
@click.pass_context
def plan(ctx: click.Context, /, **given: Any) -> None:
    """Show what would run, and what it takes.

    Models, contenders and repeats, what will not run and why, time (from earlier runs here), disk, network and data.
    With --commands, every job and its exact command.

    Nothing is built, fetched, written or started, but what --python and --image name, to look into it.
    Exit 3: nothing of it can run on this host.

    \b
    Examples:
      orchestrate plan --config azure-nc6 --device cpu
      orchestrate plan --config smoke --commands
      orchestrate plan --workload mnist_mlp --json
    """
    request = run_request(given)
    request, catalog = brought(request, say, may_lock=False)
    executor = choose_executor(request, catalog, say)
    found, commands = describe(catalog, executor)

    def whole() -> list[str]:
        called = names(found.planned, catalog.workloads, catalog.stacks)
        return overview(found, called, forecast(executor.request, catalog, executor.host(), found))

    ctx.exit(print_plan(found, commands, given["as_json"], None if given["commands"] else whole))
