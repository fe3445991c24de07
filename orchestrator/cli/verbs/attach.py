"""`orchestrate attach`: comes back to a run that goes on, or went on, on a cluster without us."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from orchestrator.cli import output
from orchestrator.cli.options import DATA_DIR, JSON, OUT, ROOT
from orchestrator.cli.output import console, left_behind
from orchestrator.errors import UserError
from orchestrator.executors.pending import Choice
from orchestrator.executors.slurm import executor as slurm
from orchestrator.files import check_writable
from orchestrator.plan.catalog import load_catalog
from orchestrator.results.folder import RunFolder
from orchestrator.results.manifest import MANIFEST, read_manifest, write_run_manifest
from orchestrator.run import resume
from orchestrator.run.session import carry_out, resumed


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
    folder = RunFolder.locate(given["out"], name)
    with folder.locked():
        check_writable(folder.path)
        plan = resume.checked_plan(folder, {})
        if resume.config_of(plan).executor != "slurm":
            raise UserError(f"{folder.path} did not run on a cluster", "`orchestrate run --resume` goes on with it")
        root = plan.setup.get("root")
        catalog = load_catalog(given["root"] or (Path(root) if root else None))
        choice = Choice(keep_cancelled=True)
        ready = resumed(folder, plan, catalog, choice, {**given, "keras_spec": None, "no_fetch": True})
        renewed = {f"jobs/{job.id}/{MANIFEST}" for job in ready.pending}
        if given["no_wait"] or given["detach"]:
            look = slurm.hand_in if given["detach"] else slurm.look
            left_behind(look(ready, folder, console), folder)
            if read_manifest(folder.path):  # of an earlier session: it must vouch for what this one collected
                write_run_manifest(folder.path, renewed)
            return
        rows, interrupted = carry_out(ready, catalog, folder, given, renewed)
    ctx.exit(output.exit_code([row["status"] for row in rows], interrupted))
