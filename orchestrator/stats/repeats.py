"""Groups rows into repeats of a cell, and finds the steady epochs of each repeat."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from orchestrator.model import Row
from orchestrator.stats.describe import median

#: (run_id, job_id) -> training seconds of the epochs after the first.
Steady = Mapping[tuple[Any, Any], Sequence[float]]
#: Seconds. No epoch takes less or more: ratios of times beyond these are no figures, and overflow.
SHORTEST, LONGEST = 1e-9, 1e9
#: Columns that say on what machine a job ran. Figures of different ones are never averaged.
MACHINE = ("host", "machine", "cpu", "cores", "cpu_quota", "memory_gib", "os", "kernel", "virtualization")
#: The mode of rows that say nothing of one.
TRAIN = "train"
#: Columns that the repeats of one cell share; beside them the mode, where it is not training, and what is varied.
CELL = ("workload", "variant", "stack", "backend", "device")


def with_node_kind(row: Row) -> Row:
    """The row with the kind of node as its `host`, so that identical nodes of a cluster count as one host.

    Nodes are identical if they have the same processor and driver, and all of MACHINE but the machine's own id; a row
    of no cluster is left as it is.
    """
    if not row.get("cluster"):
        return row
    driver = f", driver {row['driver']}" if row.get("driver") else ""
    return {**row, "host": f"{row['cluster']} ({row.get('cpu')}{driver})", "machine": None}


def steady_epochs(epochs: Sequence[Row]) -> dict[tuple[Any, Any], list[float]]:
    """Training seconds of each job's epochs after the first, in order; epochs without a time are left out."""
    found: dict[tuple[Any, Any], list[float]] = {}
    for epoch in epochs:
        if (epoch["epoch"] or 0) > 1 and is_time(epoch["train_s"]):
            found.setdefault((epoch["run_id"], epoch["job_id"]), []).append(epoch["train_s"])
    return found


def mode_of(row: Row) -> str:
    """What its job timed; rows of the time before there was a choice are of training."""
    return str(row.get("mode") or TRAIN)


def seconds_of(row: Row) -> float | None:
    """The figure that a row is ranked by: seconds per steady epoch; of a job that does not train those of a call."""
    if mode_of(row) == TRAIN:
        return row.get("epoch_s")
    latency = row.get("latency_ms")
    return None if latency is None else latency / 1000


def repeats_of(rows: Sequence[Row], steady: Steady) -> list[list[float]]:
    """The steady epochs of every job that ended well; the figure of its row where the epochs are not known."""
    return [
        list(steady.get((row.get("run_id"), row.get("job_id")), ())) or [seconds_of(row) or 0.0] for row in timed(rows)
    ]


def is_time(value: float | None) -> bool:
    """Whether it is a time that can be ranked and divided: a number of seconds that an epoch can take."""
    return value is not None and SHORTEST < value < LONGEST


def timed(rows: Sequence[Row], figure: Callable[[Row], float | None] = seconds_of) -> list[Row]:
    """The rows whose time counts: the job ended well, its time is one, and its loss, where known, was finite."""
    return [
        row
        for row in rows
        if row["status"] == "ok"
        and is_time(figure(row))
        and all(row.get(name) is None or math.isfinite(row[name]) for name in ("loss", "val_loss"))
    ]


def unlearned(rows: Sequence[Row]) -> tuple[float, float] | None:
    """(median validation accuracy, the least that counts as learning) where the rows fall short of it."""
    wanted = max((row["learned"] for row in rows if row.get("learned") is not None), default=None)
    reached = median(row.get("val_accuracy") for row in rows)
    if wanted is None or (reached is not None and reached >= wanted):
        return None
    return reached or 0.0, wanted


def cell_of(row: Row) -> tuple[Any, ...]:
    """The cell that a row is a repeat of, as its job has it (model.Job.cell)."""
    mode, axes = mode_of(row), row.get("axes")
    return (*(row.get(name) for name in CELL), *(() if mode == TRAIN else (mode,)), *((axes,) if axes else ()))


def named_cell(cell: Sequence[Any]) -> dict[str, str]:
    """The parts of a cell by their names; mode and axes are there where the cell has them."""
    more = {"axes" if "=" in str(part) else "mode": str(part) for part in cell[len(CELL) :]}
    return {**dict(zip(CELL, map(str, cell), strict=False)), **more}


def by_cell(rows: Sequence[Row], fields: Sequence[str] = ()) -> dict[tuple[Any, ...], list[Row]]:
    """The rows that agree in `fields`, by default those of one cell, in order of appearance."""
    cells: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        # Rows of older versions know no axes.
        key = tuple(row.get(name) or "" if name == "axes" else row.get(name) for name in fields)
        cells.setdefault(key if fields else cell_of(row), []).append(row)
    return cells
