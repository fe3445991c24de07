"""`orchestrate doctor`: whether this host can run a configuration, and what to do where it cannot."""

from __future__ import annotations

import os
from typing import Any

import click

from orchestrator.cli.console import tell
from orchestrator.cli.options import CONFIGURATION, DATA_DIR, FILES, JSON, OUT, ROOT, run_request
from orchestrator.cli.output import print_json
from orchestrator.errors import OrchestrateError, UserError
from orchestrator.executors.choose import choose_executor
from orchestrator.executors.executor import Executor
from orchestrator.executors.local.examine import cuda_checks
from orchestrator.host.checks import Check, Level, counts, worst
from orchestrator.plan.request import RunRequest
from orchestrator.run.bring import brought
from orchestrator.stacks.own_locks import NoLock
from orchestrator.text import silent

COLOURS = {"ok": "green", "warn": "yellow", "bad": "red"}


@click.command()
@FILES
@CONFIGURATION
@DATA_DIR
@OUT
@ROOT
@click.option("--deep", is_flag=True, help="Also let a program start CUDA on each GPU, and take memory of it.")
@JSON
@click.pass_context
def doctor(ctx: click.Context, /, **given: Any) -> None:
    """Check whether this host can run a configuration.

    Prints what was found, what is needed and how to fix it.

    Nothing is built or fetched. A Python that is here already is asked for its packages. Exit 0 when a run can start,
    3 when something stands in its way.

    \b
    Examples:
      orchestrate doctor
      orchestrate doctor --config azure-nc6
      orchestrate doctor --config modern --launcher process --json
      orchestrate doctor --device gpu --deep
      orchestrate doctor --executor slurm              on one node of each kind of a cluster
    """
    request = run_request(given)
    faults: list[OrchestrateError] = []
    request, catalog = brought(request, silent, may_lock=False, on_fault=faults.append)
    executor = choose_executor(request, catalog, silent)
    checks = [*map(fault_check, faults), *executor.examine()]
    if given["deep"]:
        checks += deep_checks(request, executor)
    if given["as_json"]:
        print_json({"checks": checks, "verdict": worst(checks)})
    else:
        for check in checks:
            show(check)
        tally = counts(checks)
        tell(f"{tally['ok']} ok, {tally['warn']} to know, {tally['bad']} in the way")
    ctx.exit(3 if worst(checks) == "bad" else 0)


def deep_checks(request: RunRequest, executor: Executor) -> list[Check]:
    """What programs say that use the GPUs of this host. Raises UserError on a cluster."""
    if request.config.executor != "local":
        raise UserError("--deep tries the GPUs of the host that it is typed on", "type it on a node: --executor local")
    return cuda_checks(executor.host().gpus, os.environ)


def fault_check(fault: OrchestrateError) -> Check:
    """What is wrong with the file of a stack of one's own; a lock that is not there yet is made by a run."""
    level: Level = "warn" if isinstance(fault, NoLock) else "bad"
    return Check(level=level, what="stack of your own", seen=fault.message, mend=fault.hint)


def show(check: Check) -> None:
    level = f"{check.level:5}"
    coloured = level if os.environ.get("NO_COLOR") else click.style(level, fg=COLOURS[check.level])
    tell(f"{check.what}: {check.seen}", mark=coloured)
    if check.needed:
        tell(f"     needed: {check.needed}")
    if check.mend and check.level != "ok":
        tell(f"     -> {check.mend}")
