"""Two runs compared, and the comparison as a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestrator.cli.console import say
from orchestrator.cli.tables import Column, figures, paragraph, table
from orchestrator.errors import UserError
from orchestrator.model import Row
from orchestrator.plan.catalog import Catalog, load_catalog
from orchestrator.report.comparison import cells, closing
from orchestrator.report.input import with_learned
from orchestrator.results import source
from orchestrator.stats.along import compare_along, known_axes
from orchestrator.stats.compare import Ratio, compare
from orchestrator.stats.sweeps import axes_of, in_order
from orchestrator.text import plural

#: Of the fields that `cells` gives, short enough for a narrow terminal.
COLUMNS = (
    Column("cell, {}"),
    *(Column(head, "figure") for head in ("first", "second", "ratio", "95 % interval", "n")),
    Column("verdict on the second", "words"),
)


def compared(first: Path, second: Path, only: str | None = None) -> list[Ratio]:
    """Two runs or merged sets, cell by cell, with the quality gate of a report. `only`: one job of the first."""
    catalog = load_catalog()
    a, b = (source.read_source(path, source.TIMES) for path in (first, second))
    for note in dict.fromkeys([*a.notes, *b.notes]):
        say(note)
    source.refuse_modes([*a.rows, *b.rows])
    rows = [row for row in a.rows if only in (None, row["job_id"])]
    found = compare(with_learned(rows, catalog), with_learned(b.rows, catalog), a.steady, b.steady)
    return sorted(found, key=lambda ratio: _place(ratio, catalog))


def compared_along(folders: Sequence[Path], axis: str) -> list[Ratio]:
    """The values of one setting against its first, over all of these runs or merged sets together.

    Jobs without the setting are left out, which is said. Raises UserError where no cell has two values of it.
    """
    catalog, sources = load_catalog(), [source.read_source(folder) for folder in folders]
    for note in dict.fromkeys(note for each in sources for note in each.notes):
        say(note)
    rows = {(row["run_id"], row["job_id"]): row for each in sources for row in each.rows}
    source.refuse_modes([*rows.values()])
    known = known_axes([*rows.values()])
    if axis not in known:
        hint = f"--along {' or '.join(known)}" if known else "`orchestrate run --vary` varies one"
        raise UserError(f"nothing here has several values of {axis!r}", hint)
    for folder, each in zip(folders, sources, strict=True):
        _say_without(folder, each.rows, axis)
    steady = {key: epochs for each in sources for key, epochs in each.steady.items()}
    found = compare_along(with_learned([*rows.values()], catalog), axis, steady)
    if not found:
        raise _one_value([*rows.values()], axis)
    return sorted(found, key=lambda ratio: _place(ratio, catalog))


def _say_without(folder: Path, rows: Sequence[Row], axis: str) -> None:
    lacking = sum(axis not in axes_of(row.get("axes")) for row in rows)
    if lacking:
        which = f"{plural(lacking, 'job')} of {len(rows)}"
        say(f"{which} in {folder} left out: {axis} was not varied there")


def _one_value(rows: Sequence[Row], axis: str) -> UserError:
    """That there is nothing to set a value against."""
    values = in_order({its[axis] for its in (axes_of(row.get("axes")) for row in rows) if axis in its})
    hint = f"`orchestrate run --vary {axis}=V1,V2` runs several, and a second run may have the others"
    if len(values) == 1:
        return UserError(f"only one value of {axis} is here: {values[0]}", hint)
    return UserError(f"no cell here has several values of {axis} ({', '.join(values)})", hint)


def _place(ratio: Ratio, catalog: Catalog) -> tuple[int, ...]:
    """Cells as the catalog has models and stacks, not as a plan has shuffled them; what it does not know comes last."""
    models, stacks = ([each.name for each in found] for found in (catalog.workloads, catalog.stacks))
    return tuple(
        known.index(name) if name in known else len(known)
        for known, name in ((models, ratio.cell["workload"]), (stacks, ratio.cell["stack"]))
    )


def comparison_text(ratios: Sequence[Ratio], threshold: float | None = None, columns: int | None = None) -> str:
    """A row for each cell, and the closing lines: the mean, and what is above the threshold."""
    numbers = [figures(column) for column in zip(*([*ratio.figures, ratio.ratio] for ratio in ratios), strict=True)]
    unit = {"s/epoch": "seconds per epoch", "ms/call": "milliseconds per call", "ms/token": "milliseconds per token"}
    rows = [[each[0], *own, *each[4:]] for each, *own in zip(map(cells, ratios), *numbers, strict=True)]
    heads = [Column(COLUMNS[0].head.format(unit[ratios[0].unit])), *COLUMNS[1:]] if rows else []
    found = [*table(heads, rows, columns), ""] if rows else []
    return (
        "\n".join([*found, *(part for line in closing(ratios, threshold) for part in paragraph(line, columns))]) + "\n"
    )
