"""Compares the same cells in two sets of rows: the ratio of their times, and whether it is more than noise."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import msgspec

from orchestrator.model import NOT_RUN, Noun, Row, without_record
from orchestrator.stats.disturbance import disturbed, most_frequent
from orchestrator.stats.inference import Difference, difference, holm
from orchestrator.stats.repeats import CELL, MACHINE, Steady, by_cell, repeats_of, with_node_kind

#: Columns that must be equal for a ratio of times to mean anything. How and where a cell ran may differ.
CONDITIONS = (
    *("scale", "epochs", "train", "validation", "batch_size", "threads", "cpu_quota"),
    *("data_sha256", "workloads_sha256"),
)
#: What may differ between the two sides, but not within one: such rows are no repeats of one another.
IDENTITY = (*MACHINE, "launcher", "gpu_name", "framework_version", "keras_version", "image_digest")


class Ratio(Noun, frozen=True, kw_only=True):
    """Steady training seconds per epoch of one cell in both sets; `ratio` is b / a, None where there is none.

    `n_*` counts jobs. `low` and `high` are the smallest and the largest ratio of any job of b to any of a;
    `difference` is the statistical comparison. `broken`: the cell gave a time in a, and in b it failed. `why_not`:
    why there is no ratio.
    """

    cell: dict[str, str]
    n_a: int
    n_b: int
    a: float | None = None
    b: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    difference: Difference | None = None
    broken: bool = False
    why_not: str = ""
    #: What disturbed jobs of either side, in words.
    disturbed: list[str] = []
    #: The columns of IDENTITY in which the sides differ.
    differs: list[str] = []

    @property
    def name(self) -> str:
        """The cell in words."""
        return " ".join(value for value in self.cell.values() if value != "faithful")

    @property
    def verdict(self) -> str:
        """The result in words: how much slower or faster, no significant difference, or why there is no ratio."""
        if self.difference is None:
            return self.why_not
        doubt = f"; rests on disturbed figures ({', '.join(self.disturbed)})" if self.disturbed else ""
        return self.difference.words + doubt


def compare(
    first: Sequence[Row], second: Sequence[Row], steady_a: Steady | None = None, steady_b: Steady | None = None
) -> list[Ratio]:
    """One entry per cell that either set planned, in the order of the first. Verdicts are corrected for their number.

    `steady_*` hold the epochs behind the rows (repeats.steady_epochs); without them a job is its median.
    """
    a, b = by_cell([*map(with_node_kind, first)]), by_cell([*map(with_node_kind, second)])
    found = [_ratio(cell, a.get(cell, []), b.get(cell, []), steady_a or {}, steady_b or {}) for cell in {**a, **b}]
    return _corrected(found)


def overall(ratios: Sequence[Ratio]) -> tuple[float, int] | None:
    """Geometric mean of the ratios and how many there are."""
    values = [r.ratio for r in ratios if r.ratio is not None]
    return (statistics.geometric_mean(values), len(values)) if values else None


def regressions(ratios: Sequence[Ratio], threshold: float) -> list[Ratio]:
    """The cells that are significantly slower and by more than `threshold` (0.05 is 5 %), and those that broke."""
    return [r for r in ratios if r.broken or _slower(r.difference, threshold)]


def undecided(ratios: Sequence[Ratio], threshold: float) -> list[Ratio]:
    """The cells that are slower by more than `threshold`, but within the noise, or with one repeat on a side."""
    return [
        r
        for r in ratios
        if r.difference and r.difference.ratio > 1 + threshold and not _slower(r.difference, threshold)
    ]


def _slower(found: Difference | None, threshold: float) -> bool:
    return found is not None and found.significant and found.ratio > 1 + threshold


def _corrected(found: Sequence[Ratio]) -> list[Ratio]:
    known = [i for i, r in enumerate(found) if r.difference is not None]
    corrected = holm([found[i].difference for i in known])  # type: ignore[misc]
    by_position = dict(zip(known, corrected, strict=True))
    return [msgspec.structs.replace(r, difference=by_position.get(i)) for i, r in enumerate(found)]


def _ratio(cell: tuple[Any, ...], a: list[Row], b: list[Row], steady_a: Steady, steady_b: Steady) -> Ratio:
    times_a, times_b = _times(a), _times(b)
    known: dict[str, Any] = {"cell": dict(zip(CELL, cell, strict=True)), "n_a": len(times_a), "n_b": len(times_b)}
    if not times_a or not times_b:
        where = "the first" if not times_a else "the second"
        failed = any(row["status"] not in {"ok", *NOT_RUN} and not without_record(row) for row in b)
        unread = next((str(row["reason"]) for row in (b if times_a else a) if without_record(row)), "")
        why = f" ({unread.partition(':')[0]})" if unread else ""
        return Ratio(**known, broken=bool(times_a) and failed, why_not=f"no steady time in {where}{why}")
    differing = [name for name in CONDITIONS if len(_values(name, (*a, *b))) > 1]
    if differing:
        return Ratio(**known, why_not="different " + ", ".join(differing))
    mixed = [name for name in IDENTITY if len(_values(name, a)) > 1 or len(_values(name, b)) > 1]
    if mixed:
        return Ratio(**known, why_not=f"more than one {', '.join(mixed)} on one side")
    middle_a, middle_b = statistics.median(times_a), statistics.median(times_b)
    return Ratio(
        **known,
        a=middle_a,
        b=middle_b,
        ratio=middle_b / middle_a,
        low=min(times_b) / max(times_a),
        high=max(times_b) / min(times_a),
        difference=difference(repeats_of(a, steady_a), repeats_of(b, steady_b)),
        disturbed=most_frequent(disturbed([*a, *b])),
        differs=[name for name in IDENTITY if _values(name, a) != _values(name, b)],
    )


def _times(rows: Sequence[Row]) -> list[float]:
    return [row["epoch_s"] for row in rows if row["status"] == "ok" and row["epoch_s"]]


def _values(name: str, rows: Sequence[Row]) -> set[Any]:
    return {row.get(name) for row in rows if row["status"] == "ok"}
