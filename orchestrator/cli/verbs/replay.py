"""`orchestrate replay`: a recorded run, or one job of it, run again and compared with itself."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from orchestrator.cli.console import console, tell_document
from orchestrator.cli.live.progress import Progress
from orchestrator.cli.options import (
    BUILD,
    DATA_DIR,
    JSON,
    KERAS_SPEC,
    LAUNCHER,
    NO_BUILD,
    NO_FETCH,
    OUT,
    ROOT,
    command,
    replay_request,
)
from orchestrator.cli.output import end, print_parts
from orchestrator.errors import UserError
from orchestrator.executors.choose import choose_executor
from orchestrator.executors.local.executor import planned_data
from orchestrator.executors.prepared import ready_data
from orchestrator.model import OWN_DATA, Plan
from orchestrator.plan.catalog import load_catalog, refuse_unknown, workloads_sha256
from orchestrator.plan.draft import new_run_id
from orchestrator.plan.request import RunRequest
from orchestrator.results.folder import RunFolder, has_plan
from orchestrator.run import owner, session, stranger
from orchestrator.run.bring import recorded, reopened
from orchestrator.run.replay import differences, known_beforehand, refuse_other_data, same_config, same_plan
from orchestrator.run.session import Finished
from orchestrator.run.stranger import Part
from orchestrator.text import silent


@command()
@click.argument("run", type=click.Path(exists=True, path_type=Path))
@LAUNCHER
@NO_FETCH
@NO_BUILD
@click.option("--dry-run", is_flag=True, help="Print what would be started and what would differ; make nothing ready.")
@click.option("--other-data", is_flag=True, help="Replay although the data are not those on record.")
@KERAS_SPEC
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
    of the times at the end. Other data than those on record are refused. Exit 1 also where no time can be compared with
    the recorded one.

    A run that is not your own is only shown, until you name what it may start: --launcher, and --root and --keras-spec
    where it has its own.

    \b
    Examples:
      orchestrate replay results/20261122-101500-1a2b
      orchestrate replay results/latest/jobs/mnist_mlp.keras3-jax.jax.cpu.1
    """
    folder, only = find_run(run)
    if given["dry_run"]:
        print_parts(*described(folder, only, given), as_json)
        return
    request = again(folder, only, given)
    with Progress(console) as progress:
        finished = _run(request, folder, given["other_data"], progress)
    code = end(finished, as_json)
    from orchestrator.cli.comparison import compared, comparison_text  # numpy and DuckDB come along
    from orchestrator.stats.compare import overall

    ratios = compared(folder.path, finished.out, only)
    tell_document(comparison_text(ratios), err=as_json)
    ctx.exit(code or (1 if overall(ratios) is None else 0))


def again(folder: RunFolder, only: str | None, given: Mapping[str, Any]) -> RunRequest:
    """The request for the same jobs under a new run id. Raises UserError for what must be named and is not."""
    old, why = owner.recorded(folder)
    if why:
        typed = stranger.Typed(launcher=given["launcher"], root=given["root"], keras_spec=given["keras_spec"])
        stranger.refuse_unnamed(folder, old, why, "orchestrate replay RUN", typed, whole=False)
        old = stranger.taken_over(old, typed)
    return _request(old, only, given)


def _request(old: Plan, only: str | None, given: Mapping[str, Any]) -> RunRequest:
    now = datetime.datetime.now(datetime.timezone.utc)
    plan = same_plan(old, new_run_id(now), now.isoformat(timespec="seconds"), only)
    return replay_request(given, same_config(old, given["launcher"]), plan, old.setup)


def described(folder: RunFolder, only: str | None, given: Mapping[str, Any]) -> tuple[str, list[Part], list[str]]:
    """Whose the run is not, what it would have started, and what is known to differ. Starts and opens nothing of it."""
    old, why = owner.recorded(folder)
    results = folder.results()
    mine = old
    if why:
        typed = stranger.Typed(launcher=given["launcher"], root=given["root"], keras_spec=given["keras_spec"])
        mine = stranger.taken_over(old, typed)
    request = _request(mine, only, given)
    plan = request.seed_plan
    assert plan is not None
    catalog = recorded(load_catalog(request.root), [plan])
    host = choose_executor(request, catalog, silent).host()
    now = known_beforehand(host, workloads_sha256(Path(catalog.root)), request.config.launcher)
    data = {name: planned_data(name, request.data_dir).sha256 for name in {j.dataset for j in plan.jobs if j.dataset}}
    found = {name: {"data_sha256": sha256} for name, sha256 in data.items() if sha256 != OWN_DATA.sha256}
    current = {job.id: {**now, **found.get(job.dataset or "", {})} for job in plan.jobs}
    return why, stranger.parts(old, results), differences(results, current, plan.jobs)


def _run(request: RunRequest, old: RunFolder, other_data: bool, progress: Progress) -> Finished:
    assert request.seed_plan is not None
    ours = load_catalog(request.root)
    request = msgspec.structs.replace(request, seed_plan=reopened(request.seed_plan, ours))
    assert request.seed_plan is not None
    catalog = recorded(ours, [request.seed_plan])
    refuse_unknown(request.seed_plan.jobs, catalog)
    request = with_data(request, old, other_data, progress)
    executor = choose_executor(request, catalog, progress.say)
    ready = session.prepare(catalog, executor)
    now = executor.identities(ready, ready.plan.jobs)
    for line in differences(old.results(), now, ready.plan.jobs):
        progress.say(f"not the same: {line}")
    return session.start(catalog, executor, ready, progress)


def with_data(request: RunRequest, old: RunFolder, other_data: bool, progress: Progress) -> RunRequest:
    """The request with its data at hand, before anything is built. Raises UserError for other data than on record."""
    plan = request.seed_plan
    assert plan is not None
    files, _ = ready_data(plan, request, progress.say)
    if not other_data:
        refuse_other_data(old.plan(), files, plan.jobs)
    return msgspec.structs.replace(request, seed_plan=msgspec.structs.replace(plan, data=files))


def find_run(path: Path) -> tuple[RunFolder, str | None]:
    """The run's folder, and the job's id where one job was named. Raises UserError."""
    if has_plan(path):
        return RunFolder.open(path), None
    job = path.parent if path.name == "result.json" else path
    run = job.absolute().parent.parent
    if not has_plan(run):
        raise UserError(f"{path} is neither a run nor a job of one", "name results/RUN or results/RUN/jobs/JOB")
    folder = RunFolder.open(run)
    if job.absolute().name not in {planned.id for planned in folder.plan().jobs}:
        raise UserError(f"{job.name} was not run by {run.name}")
    return folder, job.absolute().name
