"""`orchestrate replay`: a recorded run, or one job of it, run again and compared with itself."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from orchestrator.cli import output
from orchestrator.cli.options import BUILD, DATA_DIR, JSON, LAUNCHER, OUT, ROOT, build_settings
from orchestrator.cli.output import say
from orchestrator.errors import UserError
from orchestrator.executors.local import executor as local
from orchestrator.executors.prepared import Prepared
from orchestrator.launchers.runtimes import check_launcher
from orchestrator.measure.fingerprint import fingerprint, git_commit
from orchestrator.model import Plan, Result
from orchestrator.plan.catalog import Catalog, load_catalog, workloads_sha256
from orchestrator.plan.config import Config
from orchestrator.plan.draft import new_run_id
from orchestrator.results.folder import RunFolder
from orchestrator.run.replay import differences, same_plan
from orchestrator.run.session import carry_out, new_run
from orchestrator.stacks import choose


@click.command()
@click.argument("run", type=click.Path(exists=True, path_type=Path))
@LAUNCHER
@click.option("--no-fetch", is_flag=True, help="Never download data.")
@click.option("--no-build", is_flag=True, help="Never build; the jobs of a missing image fail.")
@click.option(
    "--dry-run", is_flag=True, help="Only say what would not be the same; images are made ready all the same."
)
@DATA_DIR
@OUT
@ROOT
@BUILD
@JSON
@click.pass_context
def replay(ctx: click.Context, /, run: Path, as_json: bool, **given: Any) -> None:
    """Run the plan of a recorded RUN again (or of one job: its folder or result.json): the same jobs, seeds, threads
    and amounts of data, in the same order. What cannot be the same is said first, the ratios at the end.

    \b
    Examples:
      orchestrate replay results/20261122-101500-1a2b
      orchestrate replay results/20261122-101500-1a2b/jobs/mnist_mlp.keras3-jax.jax.cpu.1
    """
    from orchestrator.results import source
    from orchestrator.stats import compare as comparing

    folder, only = find_run(run)
    old, recorded = folder.plan(), folder.results()
    catalog = load_catalog(given["root"])
    config = configured(old, recorded, given["launcher"])
    spec = next(
        (r.fingerprint.keras_spec for r in recorded.values() if r.fingerprint and r.fingerprint.keras_spec), None
    )
    site = choose.choose_provisioner(config.launcher, catalog, build_settings(given), not given["no_build"], say, spec)
    now = datetime.datetime.now(datetime.timezone.utc)
    draft = same_plan(old, new_run_id(now), now.isoformat(timespec="seconds"), only)
    ready = local.prepare(config, catalog, site, given["data_dir"], given["out"], not given["no_fetch"], say, draft)
    for line in differences(recorded, fingerprints(ready, catalog), ready.plan.jobs):
        say(f"not the same: {line}")
    if given["dry_run"]:
        return
    fresh = new_run(ready, site.name, given, spec)
    with fresh.locked():
        rows, interrupted = carry_out(ready, catalog, fresh, {**given, "as_json": as_json}, {"plan.json"})
    before, after = source.read_source(folder.path), source.read_source(fresh.path)
    rows_before = [row for row in before.rows if only in (None, row["job_id"])]
    ratios = comparing.compare(rows_before, after.rows, before.steady, after.steady)
    click.echo(output.comparison_text(ratios), err=as_json)
    ctx.exit(output.exit_code([row["status"] for row in rows], interrupted))


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


def configured(plan: Plan, recorded: dict[str, Result], launcher: str | None) -> Config:
    """The recorded configuration with the launcher that was used then, unless another is asked for."""
    try:
        config = msgspec.convert(plan.config, Config)
    except msgspec.ValidationError as error:
        raise UserError(f"the configuration of {plan.run_id} is of another version: {error}") from error
    used = next((r.fingerprint.launcher for r in recorded.values() if r.fingerprint), None)
    chosen = launcher or plan.setup.get("launcher") or used or config.launcher
    check_launcher(chosen)
    return msgspec.structs.replace(config, launcher=chosen)


def fingerprints(ready: Prepared, catalog: Catalog) -> dict[str, Any]:
    """What each job's fingerprint will be, before any is started."""
    root = Path(catalog.root)
    scripts, commit = workloads_sha256(root), git_commit(root)
    return {
        job.id: fingerprint(
            job,
            ready.slots[0],
            ready.launcher.describe(job, ready.slots[0], Path("/nowhere")),
            host=ready.host,
            files=ready.plan.data,
            scripts=scripts,
            commit=commit,
        )
        for job in ready.plan.jobs
    }
