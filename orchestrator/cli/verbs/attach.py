"""`orchestrate attach`: collects the results of a run that goes on, or went on, without the orchestrator."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli.console import console
from orchestrator.cli.options import DATA_DIR, JSON, OUT, ROOT, resume_request
from orchestrator.cli.output import end, print_standing
from orchestrator.cli.progress import Progress
from orchestrator.run.resume import collect, resume


@click.command()
@click.argument("name", metavar="RUN")
@OUT
@ROOT
@DATA_DIR
@JSON
@click.option("--no-wait", is_flag=True, help="Collect what has ended, say how the rest stands, and leave it alone.")
@click.option("--detach", is_flag=True, help="The same, and submit what Slurm's queue has room for by now.")
@click.pass_context
def attach(ctx: click.Context, /, name: str, **given: Any) -> None:
    """Collect the results of RUN from its Slurm cluster, submit what is not submitted yet, and report at the end.

    For runs with --detach, and for those whose orchestrator was killed or lost its host: their jobs go on by
    themselves. Ctrl-C stops the run, as it does everywhere; --no-wait and --detach leave it alone. What was
    cancelled stays so: `orchestrate run --resume RUN` runs it again.

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
