"""One run from request to report."""

from __future__ import annotations

import datetime
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from orchestrator.cli import output
from orchestrator.cli.options import build_settings, explicit
from orchestrator.cli.output import console, say, tell
from orchestrator.cli.progress import Progress
from orchestrator.errors import HostError, OrchestrateError
from orchestrator.executors.local import executor as local
from orchestrator.executors.pending import Choice
from orchestrator.executors.prepared import Prepared
from orchestrator.executors.slurm import executor as slurm
from orchestrator.files import check_writable, write_atomic
from orchestrator.model import Plan
from orchestrator.plan import config
from orchestrator.plan.catalog import Catalog, load_catalog
from orchestrator.report.build import Report
from orchestrator.results.folder import RunFolder
from orchestrator.results.manifest import MANIFEST, write_run_manifest
from orchestrator.run.resume import checked_plan, config_of, prepare
from orchestrator.stacks import choose

if TYPE_CHECKING:
    from orchestrator.results.collect import Merged


def new_run(ready: Prepared, launcher: str, given: dict[str, Any], keras_spec: str | None) -> RunFolder:
    """The run's folder, with a plan that says all that a resumed run must take over."""
    root = str(given["root"].absolute()) if given["root"] else None
    setup = {"launcher": launcher, "root": root, "keras_spec": keras_spec}
    return RunFolder.create(given["out"], msgspec.structs.replace(ready.plan, setup=setup))


def resume(ctx: click.Context, given: dict[str, Any]) -> None:
    """Continues a recorded run with the jobs that have no valid result."""
    folder = RunFolder.locate(given["out"], given["resume"])
    with folder.locked():
        check_writable(folder.path)
        plan = checked_plan(folder, explicit(ctx, given))
        root = plan.setup.get("root")
        catalog = load_catalog(given["root"] or (Path(root) if root else None))
        choice = Choice(retry_failed=given["retry_failed"], rerun_changed=given["rerun_changed"])
        ready = resumed(folder, plan, catalog, choice, given)
        renewed = {f"jobs/{job.id}/{MANIFEST}" for job in ready.pending}
        if ready.plan != plan:
            folder.write_plan(ready.plan)
            renewed.add("plan.json")
        rows, interrupted = carry_out(ready, catalog, folder, given, renewed)
    ctx.exit(output.exit_code([row["status"] for row in rows], interrupted))


def resumed(folder: RunFolder, plan: Plan, catalog: Catalog, choice: Choice, given: dict[str, Any]) -> Prepared:
    """What is left of a run, made ready where it was begun."""
    keras, launcher = given["keras_spec"] or plan.setup.get("keras_spec"), plan.setup.get("launcher") or "auto"
    fetch = not given["no_fetch"]
    if config_of(plan).executor == "slurm":
        away = slurm.find(slurm.decided_config(plan), catalog, say, keras)
        return slurm.resume(folder, plan, away, choice, given["data_dir"], fetch)
    site = choose.choose_provisioner(launcher, catalog, build_settings(given), not given["no_build"], say, keras)
    return prepare(folder, plan, catalog, site, choice, given["data_dir"], fetch, say)


def carry_out(
    ready: Prepared, catalog: Catalog, folder: RunFolder, given: dict[str, Any], renewed: set[str]
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
                interrupted = local.execute(ready, catalog, folder, progress, say)
            else:
                from orchestrator.run.repeat import execute_until  # numpy comes along

                budget_s = config.parse_duration(given["budget"])
                interrupted, closing = execute_until(ready, catalog, folder, progress, say, given["until"], budget_s)
                renewed |= {"plan.json", "until.json"}
    except OrchestrateError as error:
        hint = "; ".join(filter(None, [error.hint, f"`orchestrate run --resume {folder.path}` goes on from here"]))
        broken = HostError(error.message, hint)
    for line in closing:
        say(line)
    rows = conclude([folder], folder.path, catalog, given["as_json"], broken)
    write_run_manifest(folder.path, renewed)
    return rows, interrupted


def conclude(
    folders: list[RunFolder],
    out: Path,
    catalog: Catalog,
    as_json: bool,
    broken: OrchestrateError | None = None,
) -> list[dict[str, Any]]:
    """Merges, writes tables and report, prints the summary (or the one JSON document).

    What cannot be written is raised only after the rows are told; `broken` is what went wrong before.
    """
    from orchestrator.results import collect  # it brings the charts along, a second to import

    say("merging and reporting")
    merged = collect.merge_runs(folders)
    try:
        collect.write_tables(merged, out)
        report_merged(merged, out, catalog)
    except HostError as error:
        broken = broken or error
    try:
        tell(merged.rows, out, as_json)
    except BrokenPipeError:  # nobody listens any more; the exit code must still tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if broken is not None:
        raise broken
    return merged.rows


def report_merged(merged: Merged, out: Path, catalog: Catalog) -> None:
    from orchestrator.report import input
    from orchestrator.report.build import build_report

    command = shlex.join(["orchestrate", *sys.argv[1:]])
    created = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    write_report(build_report(input.report_input(merged, catalog, command, created)), out)


def write_report(report: Report, out: Path) -> None:
    for name, content in report.files().items():
        write_atomic(out / name, content)
