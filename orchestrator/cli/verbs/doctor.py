"""`orchestrate doctor`: whether this host can run a configuration, and what to do where it cannot."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click

from orchestrator.cli.console import tell, tell_coloured
from orchestrator.cli.options import CONFIGURATION, DATA_DIR, FILES, JSON, OUT, ROOT, command, run_request
from orchestrator.cli.options.command import WHERE, option
from orchestrator.cli.output import print_json
from orchestrator.cli.tables import INDENT, Column, table
from orchestrator.errors import OrchestrateError, UserError
from orchestrator.executors.choose import choose_executor
from orchestrator.executors.executor import Executor
from orchestrator.executors.local.examine import trials
from orchestrator.host.checks import Check, Level, counts, worst
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.request import RunRequest
from orchestrator.run import session
from orchestrator.run.bring import brought
from orchestrator.stacks.own_locks import NoLock
from orchestrator.text import listed, plural, public, silent

COLOURS: dict[Level, str] = {"ok": "green", "warn": "yellow", "bad": "red"}


@command()
@FILES
@CONFIGURATION
@DATA_DIR
@OUT
@ROOT
@option(WHERE, "--deep", is_flag=True, help="Also let a program start CUDA on each GPU, and take memory of it.")
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
      orchestrate doctor --executor slurm     one node of each kind of a cluster
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
        show(checks)
        for line in closing(checks, None if worst(checks) == "bad" else _jobs(catalog, executor)):
            tell(line)
    ctx.exit(3 if worst(checks) == "bad" else 0)


def deep_checks(request: RunRequest, executor: Executor) -> list[Check]:
    """What programs say that use the GPUs of this host. Raises UserError on a cluster."""
    if request.config.executor != "local":
        raise UserError("--deep tries the GPUs of the host that it is typed on", "type it on a node: --executor local")
    return trials(executor.host().gpus, os.environ)


def _jobs(catalog: Catalog, executor: Executor) -> int | None:
    """How many jobs a run would have here; None where that is not known before it."""
    try:
        return len(session.describe(catalog, executor)[0].jobs)
    except OrchestrateError:
        return None


def fault_check(fault: OrchestrateError) -> Check:
    """What is wrong with the file of a stack of one's own; a lock that is not there yet is made by a run."""
    level: Level = "warn" if isinstance(fault, NoLock) else "bad"
    return Check(level=level, what="stack of your own", seen=fault.message, mend=fault.hint)


#: What each level is called.
WORDS: dict[Level, str] = {"ok": "ok", "warn": "warning", "bad": "problem"}
COLUMNS = (Column(""), Column("what was found", "words"))


def show(checks: Sequence[Check]) -> None:
    """A row for each check; below it what is needed and what mends it."""
    rows = [[WORDS[check.level], list(_found(check))] for check in checks]
    colours = {word: COLOURS[level] for level, word in WORDS.items()}
    for line in table(COLUMNS, rows):
        level = line[: len(INDENT) + len("problem")].strip()
        tell_coloured(line, level, colours.get(level))


def _found(check: Check) -> Iterator[str]:
    yield public(f"{check.what}: {check.seen}")
    if check.needed:
        yield f"needed: {check.needed}"
    if check.mend and check.level != "ok":
        yield f"-> {public(check.mend)}"


def closing(checks: Sequence[Check], jobs: int | None) -> list[str]:
    """How many of what, and what comes next, or what stands in the way of it."""
    tally = counts(checks)
    line = f"{tally['ok']} ok, {plural(tally['warn'], WORDS['warn'])}, {plural(tally['bad'], WORDS['bad'])}"
    if tally["bad"]:
        return [line, f"Not ready: {listed(dict.fromkeys(check.what for check in checks if check.level == 'bad'))}"]
    ready = "Ready" if jobs is None else f"Ready: {plural(jobs, 'job')}"
    return [line, f"{ready}. Next: {next_command()}"]


def next_command() -> str:
    """The same words for a run."""
    return shlex.join(["orchestrate", *(public(word) for word in sys.argv[1:] if word != "doctor")])
