"""The same cells in two sets of rows: how many times slower is the second? Pure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.model import Noun

Row = Mapping[str, Any]
#: What makes two rows the same cell; how and where it ran is what may differ.
CELL = ("workload", "variant", "stack", "backend", "device")
#: What must be equal for a ratio of times to mean anything.
CONDITIONS = ("scale", "epochs", "train", "validation", "batch_size", "threads", "data_sha256", "workloads_sha256")


class Ratio(Noun, frozen=True, kw_only=True):
    """Steady training seconds per epoch of one cell in both sets; `ratio` is b / a, None where there is none.

    `n_*` counts jobs. `low` and `high` are the smallest and the largest ratio of any job of b to any of a.
    """

    cell: dict[str, str]
    n_a: int
    n_b: int
    a: float | None = None
    b: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    why_not: str = ""


def compare(first: Sequence[Row], second: Sequence[Row]) -> list[Ratio]:
    """One entry per cell that either set planned, in the order of the first."""
    cells = dict.fromkeys(tuple(row[name] for name in CELL) for row in (*first, *second))
    return [_ratio(cell, _of(cell, first), _of(cell, second)) for cell in cells]


def overall(ratios: Sequence[Ratio]) -> tuple[float, int] | None:
    """Geometric mean of the ratios and how many there are."""
    values = [r.ratio for r in ratios if r.ratio is not None]
    return (statistics.geometric_mean(values), len(values)) if values else None


def _of(cell: tuple[str, ...], rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if tuple(row[name] for name in CELL) == cell]


def _ratio(cell: tuple[str, ...], a: list[Row], b: list[Row]) -> Ratio:
    times_a, times_b = _times(a), _times(b)
    known: dict[str, Any] = {"cell": dict(zip(CELL, cell, strict=True)), "n_a": len(times_a), "n_b": len(times_b)}
    if not times_a or not times_b:
        return Ratio(**known, why_not="no steady time in " + ("the first" if not times_a else "the second"))
    differing = [name for name in CONDITIONS if len({row[name] for row in (*a, *b) if row["status"] == "ok"}) > 1]
    if differing:
        return Ratio(**known, why_not="different " + ", ".join(differing))
    middle_a, middle_b = statistics.median(times_a), statistics.median(times_b)
    return Ratio(
        **known,
        a=middle_a,
        b=middle_b,
        ratio=middle_b / middle_a,
        low=min(times_b) / max(times_a),
        high=max(times_b) / min(times_a),
    )


def _times(rows: Sequence[Row]) -> list[float]:
    return [row["epoch_s"] for row in rows if row["status"] == "ok" and row["epoch_s"]]
