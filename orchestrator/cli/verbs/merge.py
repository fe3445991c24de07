"""`orchestrate merge`: several runs as one merged set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.console import tell
from orchestrator.cli.options import FOLDER, JSON, command
from orchestrator.cli.options.command import OUTPUT, folder
from orchestrator.cli.output import print_document


@command()
@click.argument("runs", nargs=-1, required=True, type=FOLDER)
@folder(OUTPUT, "--to", required=True, help="Folder to write the merged set to.")
@JSON
def merge(runs: Sequence[Path], to: Path, as_json: bool) -> None:
    """Merge runs of any hosts into one set.

    Takes runs and merged sets; each job once, only comparable rows averaged.

    Exit 1: two records of one job do not agree (the first is kept, and set.json lists them).

    \b
    Examples:
      orchestrate merge results/2026* --to results/all
      orchestrate merge results/all host-b/results/2026* --to results/both
    """
    from orchestrator.results import merged_set

    done = merged_set.merge_sources(runs, to)
    if as_json:
        print_document(to / "results.json")
    else:
        for line in merge_lines(done, to):
            tell(line)
    raise SystemExit(1 if done.conflicts else 0)


def merge_lines(done: Any, to: Path) -> list[str]:
    lines = [f"{count} jobs from {source}" for source, count in done.sources.items()]
    lines.append(f"{done.jobs} jobs in {to}; {done.identical} were there twice and are kept once")
    lines += [f"{u.run_id}/{u.job_id}: the record in {u.dropped} cannot be read; kept {u.kept}" for u in done.unread]
    lines += [
        f"CONFLICT {c.run_id}/{c.job_id}: {', '.join(c.differs[:5])} differ; kept {c.kept}, not {c.dropped}"
        for c in done.conflicts
    ]
    lines += [f"{workload} stays apart: not all the same {', '.join(names)}" for workload, names in done.apart.items()]
    return lines
