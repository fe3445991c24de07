"""`orchestrate run` and `plan`, and what every command that runs jobs ends with: merge, report, summary."""

from __future__ import annotations

import datetime
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from rich.console import Console

from orchestrator import cluster_run, config, devices, records, resuming, seals, sites, wiring
from orchestrator.catalog import Catalog, load_catalog
from orchestrator.cli_options import BUILD, DATA_DIR, JSON, OUT, RESUME, ROOT, UNTIL, WISHES, explicit, wished
from orchestrator.errors import HostError, OrchestrateError
from orchestrator.images import BuildSettings
from orchestrator.model import Plan
from orchestrator.progress import Progress

if TYPE_CHECKING:
    from orchestrator.outputs import Merged

console = Console(stderr=True, highlight=False, soft_wrap=True)


def say(line: str) -> None:
    console.print(line, markup=False)


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
    given["keras_spec"] = cluster_run.absolute_spec(given["keras_spec"])  # a run goes on from any folder
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
            left_behind(cluster_run.hand_in(ready, folder, console), folder)
            return
        rows, interrupted = carry_out(ready, catalog, folder, given, {"plan.json"})
    ctx.exit(wiring.exit_code([row["status"] for row in rows], interrupted))


def prepared(wish: config.Config, catalog: Catalog, given: dict[str, Any]) -> tuple[wiring.Prepared, str]:
    """A run on this host, and the name of its launcher."""
    wiring.decide(wish, devices.probe_host())  # a host that cannot serve the wish, before anything else
    wiring.check_names(wish, catalog)
    settings = build_settings(given)
    site = sites.choose(wish.launcher, catalog, settings, not given["no_build"], say, given["keras_spec"])
    ready = wiring.prepare(wish, catalog, site, given["data_dir"], given["out"], not given["no_fetch"], say)
    return ready, site.name


def prepared_away(wish: config.Config, catalog: Catalog, given: dict[str, Any]) -> tuple[wiring.Prepared, str]:
    """The same on a cluster."""
    away = cluster_run.find(wish, catalog, say, given["keras_spec"])
    return cluster_run.prepare(away, given["data_dir"], given["out"], not given["no_fetch"]), away.launcher


def left_behind(standing: dict[str, int], folder: records.RunFolder) -> None:
    """Where the jobs of a run stand that goes on without us, and how to come back to it."""
    say(", ".join(f"{n} {where}" for where, n in standing.items()))
    click.echo(f"orchestrate attach {folder.path}")


def new_run(ready: wiring.Prepared, launcher: str, given: dict[str, Any], keras_spec: str | None) -> records.RunFolder:
    """The run's folder, with a plan that says all that a resumed run must take over."""
    root = str(given["root"].absolute()) if given["root"] else None
    setup = {"launcher": launcher, "root": root, "keras_spec": keras_spec}
    return records.RunFolder.create(given["out"], msgspec.structs.replace(ready.plan, setup=setup))


def resume(ctx: click.Context, given: dict[str, Any]) -> None:
    """Continues a recorded run with the jobs that have no valid result."""
    folder = records.RunFolder.locate(given["out"], given["resume"])
    with folder.locked():
        records.check_writable(folder.path)
        plan = resuming.checked_plan(folder, explicit(ctx, given))
        root = plan.setup.get("root")
        catalog = load_catalog(given["root"] or (Path(root) if root else None))
        choice = resuming.Choice(retry_failed=given["retry_failed"], rerun_changed=given["rerun_changed"])
        ready = resumed(folder, plan, catalog, choice, given)
        renewed = {f"jobs/{job.id}/{seals.MANIFEST}" for job in ready.pending}
        if ready.plan != plan:
            folder.write_plan(ready.plan)
            renewed.add("plan.json")
        rows, interrupted = carry_out(ready, catalog, folder, given, renewed)
    ctx.exit(wiring.exit_code([row["status"] for row in rows], interrupted))


def resumed(
    folder: records.RunFolder, plan: Plan, catalog: Catalog, choice: resuming.Choice, given: dict[str, Any]
) -> wiring.Prepared:
    """What is left of a run, made ready where it was begun."""
    keras, launcher = given["keras_spec"] or plan.setup.get("keras_spec"), plan.setup.get("launcher") or "auto"
    fetch = not given["no_fetch"]
    if resuming.config_of(plan).executor == "slurm":
        away = cluster_run.find(cluster_run.config_of(plan), catalog, say, keras)
        return cluster_run.resume(folder, plan, away, choice, given["data_dir"], fetch)
    site = sites.choose(launcher, catalog, build_settings(given), not given["no_build"], say, keras)
    return resuming.prepare(folder, plan, catalog, site, choice, given["data_dir"], fetch, say)


def carry_out(
    ready: wiring.Prepared, catalog: Catalog, folder: records.RunFolder, given: dict[str, Any], renewed: set[str]
) -> tuple[list[dict[str, Any]], bool]:
    """Runs the pending jobs, reports, seals; gives the rows, and whether the user stopped it.

    A disk that fails ends the run; what is on record is told all the same. `renewed` names the files that this
    run may have changed since it was last sealed.
    """
    broken: OrchestrateError | None = None
    interrupted = False
    closing: list[str] = []
    try:
        with Progress(console, len(ready.pending)) as progress:
            if given.get("until") is None:
                interrupted = wiring.execute(ready, catalog, folder, progress, say)
            else:
                from orchestrator.repeating import execute_until  # numpy comes along

                budget_s = config.parse_duration(given["budget"])
                interrupted, closing = execute_until(ready, catalog, folder, progress, say, given["until"], budget_s)
                renewed |= {"plan.json", "until.json"}
    except OrchestrateError as error:
        hint = "; ".join(filter(None, [error.hint, f"`orchestrate run --resume {folder.path}` goes on from here"]))
        broken = HostError(error.message, hint)
    for line in closing:
        say(line)
    rows = conclude([folder], folder.path, catalog, given["as_json"], broken)
    seals.seal_run(folder.path, renewed)
    return rows, interrupted


@click.command()
@WISHES
@DATA_DIR
@OUT
@ROOT
@JSON
def plan(**given: Any) -> None:
    """Print every job and its exact command. Nothing is built, fetched, written or started.

    \b
    Examples:
      orchestrate plan --config azure-nc6 --device cpu
      orchestrate plan --workload mnist_mlp --json
    """
    catalog = load_catalog(given["root"])
    wish = wished(given)
    if wish.executor == "slurm":
        draft, commands = cluster_run.describe(cluster_run.find(wish, catalog, say, None), given["out"])
    else:
        draft, commands = wiring.describe(wish, catalog, given["data_dir"], given["out"])
    if given["as_json"]:
        jobs = [{"id": j.id, **msgspec.to_builtins(j), "command": commands.get(j.id, [])} for j in draft.planned]
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode({"jobs": jobs}), indent=1) + b"\n")
        return
    for job in draft.jobs:
        click.echo(f"# {job.id}\n{shlex.join(commands[job.id])}")
    for skip in draft.skipped:
        click.echo(f"# {skip.job.id}: {skip.status}, {skip.reason}")
    say(f"{len(draft.planned)} jobs, {len(draft.skipped)} of them not to be run")


def build_settings(given: dict[str, Any]) -> BuildSettings:
    names = ("base_mode", "base_image", "ca_bundle", "pip_index_url", "debian_mirror", "no_cache")
    cuda = ("without_cuda", "cuda_dir", "cuda_base")
    return BuildSettings(cuda_routes=list(given["cuda_routes"]), **{name: given[name] for name in (*names, *cuda)})


def conclude(
    folders: list[records.RunFolder],
    out: Path,
    catalog: Catalog,
    as_json: bool,
    broken: OrchestrateError | None = None,
) -> list[dict[str, Any]]:
    """Merges, writes tables and report, prints the summary (or the one JSON document).

    What cannot be written is raised only after the rows are told; `broken` is what went wrong before.
    """
    from orchestrator import outputs  # it brings the charts along, a second to import

    say("merging and reporting")
    merged = outputs.merge_runs(folders)
    try:
        outputs.write_tables(merged, out)
        write_report(merged, out, catalog)
    except HostError as error:
        broken = broken or error
    try:
        tell(merged.rows, out, as_json)
    except BrokenPipeError:  # nobody listens any more; the exit code must still tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if broken is not None:
        raise broken
    return merged.rows


def write_report(merged: Merged, out: Path, catalog: Catalog) -> None:
    from orchestrator import outputs
    from orchestrator.report import build_report

    command = shlex.join(["orchestrate", *sys.argv[1:]])
    created = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    outputs.write_report(build_report(outputs.report_input(merged, catalog, command, created)), out)


def tell(rows: list[dict[str, Any]], out: Path, as_json: bool) -> None:
    """The one JSON document, or the summary for people."""
    from orchestrator import outputs
    from orchestrator.tablefiles import document

    if as_json:
        sys.stdout.buffer.write(document(rows))
        sys.stdout.buffer.flush()
        return
    click.echo(outputs.text_summary(rows))
    for line in outputs.closing_lines(rows, out):
        click.echo(line)
