"""`orchestrate attach`: comes back to a run that goes on, or went on, on a cluster without us."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from orchestrator import cluster_run, records, resuming, seals, wiring
from orchestrator.catalog import load_catalog
from orchestrator.cli_options import DATA_DIR, JSON, OUT, ROOT
from orchestrator.cli_run import carry_out, console, left_behind, resumed
from orchestrator.errors import UserError


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
    folder = records.RunFolder.locate(given["out"], name)
    with folder.locked():
        records.check_writable(folder.path)
        plan = resuming.checked_plan(folder, {})
        if resuming.config_of(plan).executor != "slurm":
            raise UserError(f"{folder.path} did not run on a cluster", "`orchestrate run --resume` goes on with it")
        root = plan.setup.get("root")
        catalog = load_catalog(given["root"] or (Path(root) if root else None))
        choice = resuming.Choice(keep_cancelled=True)
        ready = resumed(folder, plan, catalog, choice, {**given, "keras_spec": None, "no_fetch": True})
        renewed = {f"jobs/{job.id}/{seals.MANIFEST}" for job in ready.pending}
        if given["no_wait"] or given["detach"]:
            look = cluster_run.hand_in if given["detach"] else cluster_run.look
            left_behind(look(ready, folder, console), folder)
            if seals.read_manifest(folder.path):  # of an earlier session: it must vouch for what this one collected
                seals.seal_run(folder.path, renewed)
            return
        rows, interrupted = carry_out(ready, catalog, folder, given, renewed)
    ctx.exit(wiring.exit_code([row["status"] for row in rows], interrupted))
