"""`orchestrate attach`: collects the results of a run that goes on, or went on, without the orchestrator."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli.console import console
from orchestrator.cli.live.progress import Progress
from orchestrator.cli.options import DATA_DIR, JSON, OUT, ROOT, command, resume_request
from orchestrator.cli.output import end, print_standing
from orchestrator.run.resume import collect, resume


@command()
@click.argument("name", metavar="RUN")
@OUT
@ROOT
@DATA_DIR
@JSON
@click.option("--no-wait", is_flag=True, help="Collect finished jobs, print how the others stand, and return.")
@click.option("--detach", is_flag=True, help="Like --no-wait, and submit what the queue has room for.")
@click.pass_context
def attach(ctx: click.Context, /, name: str, **given: Any) -> None:
    """Collect a run that goes on on a cluster.

    Records the jobs that have ended, submits what is not submitted yet, and reports at the end.

    For runs started with --detach, and for those whose orchestrator was killed: their jobs go on by themselves.
    Ctrl-C stops the run; --no-wait and --detach leave it running. Cancelled jobs stay cancelled: `orchestrate run
    --resume RUN` runs them again.

    \b
    Examples:
      orchestrate attach latest --no-wait
      orchestrate attach results/20261125-101500-ab12
    """
    request = resume_request({**given, "no_fetch": True}, name, typed={}, keep_cancelled=True)
    with Progress(console) as progress:
        if given["no_wait"] or given["detach"]:
            print_standing(*collect(request, given["detach"], progress))
            return
        finished = resume(request, progress, away=True)
    ctx.exit(end(finished, given["as_json"]))
