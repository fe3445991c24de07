"""`orchestrate run`: measures every job of a configuration and reports."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli import output
from orchestrator.cli.options import BUILD, DATA_DIR, JSON, OUT, RESUME, ROOT, UNTIL, WISHES, build_settings, wished
from orchestrator.cli.output import console, left_behind, say
from orchestrator.cli.verbs.plan import plan
from orchestrator.executors.local import executor as local
from orchestrator.executors.prepared import Prepared
from orchestrator.executors.slurm import executor as slurm
from orchestrator.host.probe import probe_host
from orchestrator.plan import config
from orchestrator.plan.catalog import Catalog, load_catalog
from orchestrator.plan.draft import check_names, decide
from orchestrator.run.session import carry_out, new_run, resume
from orchestrator.stacks import choose


@click.command()
@WISHES
@DATA_DIR
@OUT
@ROOT
@BUILD
@JSON
@click.option(
    "--keras-spec", metavar="SPEC", help="Another Keras for the stacks of today: 'keras @ git+...', a folder."
)
@click.option("--no-fetch", is_flag=True, help="Never download data; synthetic data where there is none.")
@click.option("--no-build", is_flag=True, help="Never build; the jobs of a missing image fail.")
@click.option("--dry-run", is_flag=True, help="The same as `plan`.")
@UNTIL
@RESUME
@click.option("--detach", is_flag=True, help="Slurm: submit, and leave; `orchestrate attach` collects the results.")
@click.pass_context
def run(ctx: click.Context, /, **given: Any) -> None:
    """Build what is missing, run every job, merge, report.

    \b
    Examples:
      orchestrate run --config smoke
      orchestrate run --scale quick --data-dir ~/.keras/datasets
      orchestrate run --workload 'mnist_*' --repeats 5 --out /data/results
      orchestrate run --workload mnist_mlp --repeats 5 --until 2% --budget 30m
      orchestrate run --resume latest                  the jobs that have no result yet
    """
    if given["dry_run"]:
        ctx.invoke(plan, **{parameter.name: given[parameter.name] for parameter in plan.params if parameter.name})
        return
    given["keras_spec"] = slurm.absolute_spec(given["keras_spec"])  # a run goes on from any folder
    if given["resume"]:
        if given["detach"]:
            raise click.UsageError("--detach does not go with --resume; `orchestrate attach RUN --detach` does")
        resume(ctx, given)
        return
    wish, catalog = wished(given), load_catalog(given["root"])
    config.parse_duration(given["budget"])
    if given["detach"] and (wish.executor != "slurm" or given["until"] is not None):
        raise click.UsageError("--detach goes with --executor slurm, and without --until")
    ready, launcher = (
        prepared_away(wish, catalog, given) if wish.executor == "slurm" else prepared(wish, catalog, given)
    )
    folder = new_run(ready, launcher, given, given["keras_spec"])
    with folder.locked():
        if given["detach"]:
            left_behind(slurm.hand_in(ready, folder, console), folder)
            return
        rows, interrupted = carry_out(ready, catalog, folder, given, {"plan.json"})
    ctx.exit(output.exit_code([row["status"] for row in rows], interrupted))


def prepared(wish: config.Config, catalog: Catalog, given: dict[str, Any]) -> tuple[Prepared, str]:
    """A run on this host, and the name of its launcher."""
    decide(wish, probe_host())  # a host that cannot serve the wish, before anything else
    check_names(wish, catalog)
    settings = build_settings(given)
    site = choose.choose_provisioner(wish.launcher, catalog, settings, not given["no_build"], say, given["keras_spec"])
    ready = local.prepare(wish, catalog, site, given["data_dir"], given["out"], not given["no_fetch"], say)
    return ready, site.name


def prepared_away(wish: config.Config, catalog: Catalog, given: dict[str, Any]) -> tuple[Prepared, str]:
    """The same on a cluster."""
    away = slurm.find(wish, catalog, say, given["keras_spec"])
    return slurm.prepare(away, given["data_dir"], given["out"], not given["no_fetch"]), away.launcher
