"""What the command line prints: JSON documents, tables for a terminal, closing lines, exit codes."""

from __future__ import annotations

import io
import shlex
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
import rich.box
from rich.console import Console
from rich.table import Table

from orchestrator import streams
from orchestrator.cli.console import say
from orchestrator.model import NOT_RUN, Plan, Row, to_json
from orchestrator.results.folder import RunFolder
from orchestrator.run.session import Finished


def print_json(value: Any) -> None:
    """The one JSON document that `--json` puts on standard output."""
    sys.stdout.buffer.write(to_json(value))
    sys.stdout.buffer.flush()


def print_standing(folder: RunFolder, standing: Mapping[str, int]) -> None:
    """Where the jobs of a run stand that goes on without us, and how to come back to it."""
    say(", ".join(f"{n} {where}" for where, n in standing.items()))
    click.echo(f"orchestrate attach {folder.path}")


def print_plan(plan: Plan, commands: Mapping[str, list[str]], as_json: bool) -> None:
    """Every job and its command; what is not to be run, with the reason."""
    if as_json:
        jobs = [{"id": j.id, **msgspec.to_builtins(j), "command": commands.get(j.id, [])} for j in plan.planned]
        print_json({"jobs": jobs})
        return
    for job in plan.jobs:
        click.echo(f"# {job.id}\n{shlex.join(commands[job.id])}")
    for skip in plan.skipped:
        click.echo(f"# {skip.job.id}: {skip.status}, {skip.reason}")
    say(f"{len(plan.planned)} jobs, {len(plan.skipped)} of them not to be run")


def print_rows(rows: Sequence[Row], out: Path, as_json: bool) -> None:
    """The result rows as one JSON document, or their summary for people. They are on record, whoever reads this."""
    if as_json:
        print_json({"results": rows})
    else:
        click.echo(text_summary(rows))
        for line in closing_lines(rows, out):
            click.echo(line)
    loss = streams.take_loss()
    if loss:
        say(f"standard output could not be written: {loss}; the same is in {out}")


def end(finished: Finished, as_json: bool) -> int:
    """Prints how a run ended and gives the exit code. Raises what broke, once the rows are told."""
    print_rows(finished.rows, finished.out, as_json)
    if finished.broken is not None:
        raise finished.broken
    return exit_code([row["status"] for row in finished.rows], finished.interrupted)


def exit_code(statuses: Sequence[str], interrupted: bool) -> int:
    """0 every job ok (or not meant to run here), 1 some job failed, 3 nothing can run here, 130 stopped by the user."""
    if interrupted:
        return 130
    if "unsupported" in statuses and set(statuses) <= NOT_RUN:
        return 3
    return 0 if set(statuses) <= {"ok", *NOT_RUN} else 1


def text_summary(rows: Sequence[Row]) -> str:
    """The matrix for a terminal: workloads down, backends across, steady seconds per epoch."""
    columns = sorted({column_name(row) for row in rows})
    table = Table(box=rich.box.SIMPLE_HEAD)
    table.add_column("workload")
    for column in columns:
        table.add_column(column, justify="right")
    for workload in dict.fromkeys(row["workload"] for row in rows):
        line = [row for row in rows if row["workload"] == workload]
        best = min((row["epoch_s"] for row in line if row["epoch_s"] and row["status"] == "ok"), default=None)
        table.add_row(workload, *(_cell([r for r in line if column_name(r) == c], best) for c in columns))
    title = "training seconds per epoch after the first (median); * is the best of its row\n"
    return title + _rendered(table, max(80, 16 + 26 * len(columns)))


def _rendered(table: Table, width: int) -> str:
    text = io.StringIO()
    Console(file=text, width=width, highlight=False, markup=False, emoji=False).print(table)
    return text.getvalue()


def closing_lines(rows: Sequence[Row], out: Path) -> list[str]:
    """The last words of a run: how many jobs are ok, what failed and why, what was left out, where the report is."""
    meant = [row for row in rows if row["status"] not in NOT_RUN]
    lines = [f"{sum(row['status'] == 'ok' for row in meant)} of {len(meant)} jobs ok"]
    lines += _disturbances(rows)
    reasons: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["status"] != "ok":
            reasons.setdefault((row["status"], row["reason"]), []).append(row)
    for (status, reason), affected in reasons.items():
        kind = "stack" if status == "unsupported" else "job_id"
        names = sorted({row[kind] for row in affected})
        shown = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
        lines.append(f"  {len(affected)} {status}: {shown}: {reason}")
    if any(row["data_kind"] == "synthetic" for row in rows):
        lines.append("SYNTHETIC data was used: accuracies say nothing about the real data sets.")
    return [*lines, f"report: {out / 'report.html'}"]


def _disturbances(rows: Sequence[Row]) -> list[str]:
    from orchestrator.report.disturbed import sentences  # imported here because it loads numpy
    from orchestrator.report.layout import lay_out

    return sentences(lay_out(rows))


def column_name(row: Row) -> str:
    extra = [] if row["variant"] == "faithful" else [row["variant"]]
    return "\n".join([row["stack"].partition("-")[0] + f" {row['device']}", row["backend"], *extra])


def _cell(rows: Sequence[Row], best: float | None) -> str:
    times = [row["epoch_s"] for row in rows if row["status"] == "ok" and row["epoch_s"]]
    if not times:
        return ", ".join(sorted({row["status"] for row in rows})) or "-"
    middle = statistics.median(times)
    from orchestrator.report.disturbed import marks  # imported here because it loads numpy

    mark = " *" if best is not None and min(times) <= best else ""
    return "\n".join([f"{middle:.3g}{mark}", *(tag.text for tag in marks(rows))])
