"""`orchestrate run`: measures every job of a configuration and reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from msgspec.structs import replace

from orchestrator.cli.console import console
from orchestrator.cli.live.progress import Progress
from orchestrator.cli.options import (
    BUILD,
    CONFIGURATION,
    DATA_DIR,
    FILES,
    JSON,
    KERAS_SPEC,
    OUT,
    RESUME,
    ROOT,
    UNTIL,
    explicit,
    resume_request,
    run_request,
)
from orchestrator.cli.output import end, print_parts, print_plan, print_standing
from orchestrator.cli.price import PRICE
from orchestrator.executors.choose import DETACHABLE, choose_executor
from orchestrator.results.folder import RunFolder
from orchestrator.run import owner, session, stranger
from orchestrator.run.bring import brought
from orchestrator.run.resume import resume
from orchestrator.run.session import Finished


@click.command()
@FILES
@CONFIGURATION
@DATA_DIR
@OUT
@ROOT
@BUILD
@JSON
@KERAS_SPEC
@click.option("--no-fetch", is_flag=True, help="Never download data; use synthetic data where there is none.")
@click.option("--no-build", is_flag=True, help="Never build images or environments; jobs that lack theirs fail.")
@click.option("--dry-run", is_flag=True, help="Print what would run, as `plan` does; with --resume, what it names.")
@UNTIL
@PRICE
@RESUME
@click.option("--detach", is_flag=True, help="Slurm: submit and return; `orchestrate attach` collects the results.")
@click.pass_context
def run(ctx: click.Context, /, **given: Any) -> None:
    """Measure every job of a configuration and report.

    FILE is a Keras script of your own, which is measured in place of the built-in workloads (docs/OWN.md).
    Builds what is missing, runs every job, merges the results and writes the report.

    \b
    Examples:
      orchestrate run my.py --repeats 5                a Keras script of your own, on every backend
      orchestrate run --config smoke
      orchestrate run --scale quick --data-dir ~/.keras/datasets
      orchestrate run --workload 'mnist_*' --repeats 5 --out /data/results
      orchestrate run --workload mnist_mlp --repeats 5 --until 2% --budget 30m
      orchestrate run --resume latest                  the jobs that have no result yet
    """
    if given["detach"] and given["resume"]:
        raise click.UsageError("--detach does not go with --resume; `orchestrate attach RUN --detach` does")
    if given["price"] and given["resume"]:
        raise click.UsageError(
            "--price is set when a run begins; `orchestrate report RUN --price N/h` does it afterwards"
        )
    if given["dry_run"] and given["resume"]:
        folder = RunFolder.locate(given["out"], given["resume"])
        plan, why = owner.recorded(folder)
        print_parts(why, stranger.parts(plan, folder.results()), [], given["as_json"])
        return
    with Progress(console) as progress:
        finished = _resume(ctx, given, progress) if given["resume"] else _run(ctx, given, progress)
    if finished is not None:
        ctx.exit(end(finished, given["as_json"]))


def _run(ctx: click.Context, given: Mapping[str, Any], progress: Progress) -> Finished | None:
    """A new run; None where it was only described, or left to go on by itself."""
    request = replace(run_request(given), price=given["price"])
    may_lock = request.may_build and not given["dry_run"]
    request, catalog = brought(request, progress.say, may_lock)
    if given["detach"] and (request.config.executor not in DETACHABLE or request.until is not None):
        raise click.UsageError(f"--detach goes with --executor {' or '.join(DETACHABLE)}, and without --until")
    executor = choose_executor(request, catalog, progress.say)
    if given["dry_run"]:
        ctx.exit(print_plan(*session.describe(catalog, executor), given["as_json"]))
    elif given["detach"]:
        print_standing(*session.hand_in(catalog, executor, progress))
    else:
        return session.run(catalog, executor, progress)
    return None


def _resume(ctx: click.Context, given: Mapping[str, Any], progress: Progress) -> Finished:
    choice = {"retry_failed": given["retry_failed"], "rerun_changed": given["rerun_changed"]}
    return resume(resume_request(given, given["resume"], explicit(ctx, given), **choice), progress)
