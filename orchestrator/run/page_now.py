"""The program that writes the report of a run that goes on, as it would be now (run/page.py starts it)."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.files import write_atomic
from orchestrator.model import to_json
from orchestrator.plan.catalog import load_catalog
from orchestrator.report.blocks import Drawn
from orchestrator.results import collect
from orchestrator.results.folder import RunFolder
from orchestrator.results.own_figures import for_programs
from orchestrator.run import session
from orchestrator.run.bring import recorded

#: The least urgent that there is.
NICE = 19
LATER = Drawn(lacking=["Charts are drawn when the run has ended."])


def main(folder: str, root: str, cores: str) -> None:
    """`root`: of the catalog; `cores`: those that may be used, with commas between them, "" for all."""
    os.nice(NICE)
    if cores:
        os.sched_setaffinity(0, set(map(int, cores.split(","))))
    write_page(RunFolder(Path(folder)), Path(root))


def write_page(folder: RunFolder, root: Path) -> None:
    """The report and results.json: without charts, which take longer. Raises UserError, HostError."""
    catalog = recorded(load_catalog(root), [folder.plan()])
    merged = collect.merge_runs([folder])
    write_atomic(folder.path / "results.json", to_json({"results": for_programs(merged.rows)}))
    view = session.view_of(merged, catalog, session.made_by([folder]), asked=session.asked_for([folder]))
    session.write_report(view, folder.path, lambda view: LATER)
