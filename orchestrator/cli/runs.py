"""The runs of a results folder as a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.cli.tables import Column, table
from orchestrator.history.runs import Listed, several, when
from orchestrator.text import one_line

COLUMNS = (
    *map(Column, ("run", "when (UTC)", "host", "device", "scale")),
    Column("jobs", "words"),
    Column("command", "words"),
)
#: Letters of a host's or a device's name; names of GPUs are long.
NAME = 20


def runs_text(runs: Sequence[Listed], columns: int) -> str:
    """A row for each run, as wide as the terminal allows."""
    return "\n".join(table(COLUMNS, [[one_line(field) for field in _fields(run)] for run in runs], columns))


def _fields(run: Listed) -> tuple[str, ...]:
    names = (one_line(several(of), NAME) for of in (run.hosts, run.devices, run.scales))
    said = "; ".join(filter(None, [run.words, run.command]))
    return (run.name, when(run.created), *names, run.jobs, said)
