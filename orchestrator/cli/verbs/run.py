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
    DETACH,
    DRY_RUN,
    FILES,
    JSON,
    KERAS_SPEC,
    NO_BUILD,
    NO_FETCH,
    OUT,
    RESUME,
    ROOT,
    UNTIL,
    command,
    explicit,
    resume_request,
    run_request,
)
from orchestrator.cli.output import end, print_parts, print_plan, print_standing
from orchestrator.cli.price import PRICE
from orchestrator.errors import UserError
from orchestrator.executors.choose import DETACHABLE, choose_executor
from orchestrator.plan.request import refuse_price
from orchestrator.results.folder import RunFolder
from orchestrator.run import owner, session, stranger
from orchestrator.run.bring import brought
from orchestrator.run.resume import resume
from orchestrator.run.session import Finished


@command()
@FILES
@CONFIGURATION
@DATA_DIR
@OUT
@ROOT
@BUILD
@JSON
@KERAS_SPEC
@NO_FETCH
@NO_BUILD
@DRY_RUN
@UNTIL
@PRICE
@RESUME
@DETACH
@click.pass_context
def run(ctx: click.Context, /, **given: Any) -> None:
    """Measure every job of a configuration and report.

    FILE is a Keras script of your own, which is measured in place of the built-in workloads (docs/OWN.md).
    Builds what is missing, runs every job, merges the results and writes the report.

    \b
    Examples:
      orchestrate run my.py --repeats 5       a script of yours, on every backend
      orchestrate run my.py -- --lr 0.1       with arguments for the script
      orchestrate run --config smoke
      orchestrate run --scale quick --data-dir ~/.keras/datasets
      orchestrate run --workload 'mnist_*' --repeats 5 --out /data/results
      orchestrate run --workload mnist_mlp --repeats 5 --until 2% --budget 30m
      orchestrate run --resume latest         the jobs that have no result yet
    """
    if given["detach"] and given["resume"]:
        raise UserError("--detach does not go with --resume", "orchestrate attach RUN --detach")
    if given["price"] and given["resume"]:
        raise UserError("--price is set when a run begins", "orchestrate report RUN --price N/h sets it afterwards")
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
    refuse_price(request.price, request.config.mode)
    may_lock = request.may_build and not given["dry_run"]
    request, catalog = brought(request, progress.say, may_lock)
    if given["detach"] and (request.config.executor not in DETACHABLE or request.until is not None):
        raise UserError(f"--detach goes with --executor {' or '.join(DETACHABLE)}, and without --until", "leave it out")
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
