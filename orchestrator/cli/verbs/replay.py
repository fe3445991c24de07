"""`orchestrate replay`: a recorded run, or one job of it, run again and compared with itself."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.console import console
from orchestrator.cli.options import BUILD, DATA_DIR, JSON, LAUNCHER, OUT, ROOT, replay_request
from orchestrator.cli.output import end
from orchestrator.cli.progress import Progress
from orchestrator.errors import UserError
from orchestrator.executors.choose import choose_executor
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.draft import new_run_id
from orchestrator.plan.request import RunRequest
from orchestrator.results.folder import RunFolder
from orchestrator.run import session
from orchestrator.run.replay import differences, recorded_keras, same_config, same_plan
from orchestrator.run.session import Finished


@click.command()
@click.argument("run", type=click.Path(exists=True, path_type=Path))
@LAUNCHER
@click.option("--no-fetch", is_flag=True, help="Never download data.")
@click.option("--no-build", is_flag=True, help="Never build images; jobs whose image is missing fail.")
@click.option(
    "--dry-run", is_flag=True, help="Only print what would differ; stacks and data are made ready all the same."
)
@DATA_DIR
@OUT
@ROOT
@BUILD
@JSON
@click.pass_context
def replay(ctx: click.Context, /, run: Path, as_json: bool, **given: Any) -> None:
    """Repeat a recorded run, or one job of it.

    RUN is the folder of a run, or the folder or result.json of one job.

    Jobs, seeds, threads, amounts of data and order are the same. What cannot be the same is printed first, the ratios
    of the times at the end. Exit 1 also where no time can be compared with the recorded one.

    \b
    Examples:
      orchestrate replay results/20261122-101500-1a2b
      orchestrate replay results/20261122-101500-1a2b/jobs/mnist_mlp.keras3-jax.jax.cpu.1
    """
    folder, only = find_run(run)
    request = again(folder, only, given)
    with Progress(console) as progress:
        finished = _run(request, folder, given["dry_run"], progress)
    if finished is None:
        return
    code = end(finished, as_json)
    from orchestrator.cli.comparison import compared, comparison_text  # numpy and DuckDB come along
    from orchestrator.stats.compare import overall

    ratios = compared(folder.path, finished.out, only)
    click.echo(comparison_text(ratios), err=as_json)
    ctx.exit(code or (1 if overall(ratios) is None else 0))


def again(folder: RunFolder, only: str | None, given: Mapping[str, Any]) -> RunRequest:
    """The request for the same jobs under a new run id."""
    old, recorded = folder.plan(), folder.results()
    now = datetime.datetime.now(datetime.timezone.utc)
    plan = same_plan(old, new_run_id(now), now.isoformat(timespec="seconds"), only)
    return replay_request(given, same_config(old, recorded, given["launcher"]), plan, recorded_keras(recorded))


def _run(request: RunRequest, old: RunFolder, dry_run: bool, progress: Progress) -> Finished | None:
    catalog = load_catalog(request.root)
    executor = choose_executor(request, catalog, progress.say)
    ready = session.prepare(catalog, executor)
    now = executor.identities(ready, ready.plan.jobs)
    for line in differences(old.results(), now, ready.plan.jobs):
        progress.say(f"not the same: {line}")
    if dry_run:
        return None
    return session.start(catalog, executor, ready, progress)


def find_run(path: Path) -> tuple[RunFolder, str | None]:
    """The run's folder, and the job's id where one job was named. Raises UserError."""
    if (path / "plan.json").is_file():
        return RunFolder.open(path), None
    job = path.parent if path.name == "result.json" else path
    run = job.absolute().parent.parent
    if not (run / "plan.json").is_file():
        raise UserError(f"{path} is neither a run nor a job of one", "name results/RUN or results/RUN/jobs/JOB")
    folder = RunFolder.open(run)
    if job.absolute().name not in {planned.id for planned in folder.plan().jobs}:
        raise UserError(f"{job.name} was not run by {run.name}")
    return folder, job.absolute().name
