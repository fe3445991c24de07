"""Compares the same cells in two sets of rows: the ratio of their times, and whether it is more than noise."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from orchestrator.model import NOT_RUN, UNFINISHED, Noun, Row, without_record
from orchestrator.stats.disturbance import disturbed, most_frequent
from orchestrator.stats.inference import Difference, difference, holm
from orchestrator.stats.repeats import (
    MACHINE,
    TRAIN,
    Steady,
    by_cell,
    named_cell,
    repeats_of,
    seconds_of,
    timed,
    unlearned,
    with_node_kind,
)
from orchestrator.stats.sameness import unlike

#: Columns that must be equal for a ratio of times to mean anything. How and where a cell ran may differ.
CONDITIONS = (
    *("scale", "epochs", "train", "validation", "batch_size", "threads", "cpu_quota", "deterministic"),
    *("data_sha256", "workloads_sha256"),
)
#: The same of files of one's own: what was asked of them. What they then did is judged as a whole (sameness.py).
OWN_CONDITIONS = (
    *("scale", "asked_epochs", "asked_batch_size", "asked_steps", "asked_arguments"),
    *("threads", "cpu_quota", "deterministic"),
    "workloads_sha256",
)
#: Kinds of data that are a data set, which also a model of today may read.
DATA_SETS = ("official", "given", "synthetic")
#: What may differ between the two sides, but not within one: such rows are no repeats of one another.
IDENTITY = (*MACHINE, "launcher", "gpu_name", "framework_version", "keras_version", "image_digest", "packages_sha256")
#: What people read of times, by what was timed.
UNITS = {"train": "s/epoch", "predict": "ms/call", "generate": "ms/token"}
#: The rows of each cell.
Cells = dict[tuple[Any, ...], list[Row]]


class Ratio(Noun, frozen=True, kw_only=True):
    """Seconds per epoch, or per call, of one cell in both sets; `ratio` is b / a, None where there is none.

    `n_*` counts jobs. `low` and `high` are the smallest and the largest ratio of any job of b to any of a;
    `difference` is the statistical comparison. `expected`: the cell gave a time in a, and b was to measure it.
    `broken`: it failed there, or its model no longer learns. `why_not`: why there is no ratio. `samples`: `b` is the
    time of so many, those of an epoch of a, where an epoch of b has others.
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
    expected: bool = False
    broken: bool = False
    why_not: str = ""
    samples: int | None = None
    #: What disturbed jobs of either side, in words.
    disturbed: list[str] = []
    #: The columns of IDENTITY in which the sides differ.
    differs: list[str] = []

    @property
    def unit(self) -> str:
        """What people read of its times."""
        return UNITS[self.cell.get("mode", TRAIN)]

    @property
    def figures(self) -> tuple[float | None, float | None]:
        """Both times in that unit."""
        scale = 1000 if self.unit.startswith("ms") else 1
        return (None if self.a is None else scale * self.a, None if self.b is None else scale * self.b)

    @property
    def name(self) -> str:
        """The cell in words."""
        return " ".join(value for value in self.cell.values() if value not in ("faithful", "own"))

    @property
    def verdict(self) -> str:
        """The result in words: how much slower or faster, no significant difference, or why there is no ratio."""
        if self.difference is None:
            return self.why_not
        doubt = f"; rests on disturbed figures ({', '.join(self.disturbed)})" if self.disturbed else ""
        amount = f"; both times are of {self.samples:,} samples" if self.samples else ""
        return self.difference.words + amount + doubt


def compare(
    first: Sequence[Row], second: Sequence[Row], steady_a: Steady | None = None, steady_b: Steady | None = None
) -> list[Ratio]:
    """One entry per cell that either set planned, in the order of the first. Verdicts are corrected for their number.

    `steady_*` hold the epochs behind the rows (repeats.steady_epochs); without them a job is its median.
    """
    a, b = by_cell([*map(with_node_kind, first)]), by_cell([*map(with_node_kind, second)])
    other = _not_the_same(a, b)
    found = [
        ratio_of(
            named_cell(cell),
            a.get(cell, []),
            b.get(cell, []),
            steady_a or {},
            steady_b or {},
            other.get(_task(cell), ""),
        )
        for cell in {**a, **b}
    ]
    return corrected(found)


def _task(cell: tuple[Any, ...]) -> tuple[str, str]:
    """The workload of a cell, and what is varied of it."""
    return str(cell[0]), named_cell(cell).get("axes", "")


def _not_the_same(a: Cells, b: Cells) -> dict[tuple[str, str], str]:
    """By workload of one's own and what was varied: why its contenders, in both sets, did not do the same thing.

    Only what was asked for alike is held against each other; two versions of a file are other conditions.
    """
    sides = [
        (row, where)
        for cells, where in ((a, "first"), (b, "second"))
        for rows in cells.values()
        for row in rows
        if row.get("variant") == "own"  # of the project's own workloads the steps are known
    ]
    asked = by_cell([{**row, "side": where} for row, where in sides], ("workload", "axes", *OWN_CONDITIONS))
    found = {(str(key[0]), str(key[1])): unlike(rows, _contender) for key, rows in asked.items()}
    return {task: reason.words for task, reason in found.items() if reason}


def _contender(row: Row) -> str:
    return f"{row['backend']} in {row['stack']}, {row['side']}"


def overall(ratios: Sequence[Ratio]) -> tuple[float, int] | None:
    """Geometric mean of the ratios and how many there are."""
    values = [r.ratio for r in ratios if r.ratio is not None]
    return (statistics.geometric_mean(values), len(values)) if values else None


def regressions(ratios: Sequence[Ratio], threshold: float) -> list[Ratio]:
    """The cells that are significantly slower and by more than `threshold` (0.05 is 5 %), and those that broke."""
    return [r for r in ratios if r.broken or (_above(r, threshold) and r.difference and r.difference.significant)]


def undecided(ratios: Sequence[Ratio], threshold: float) -> list[Ratio]:
    """The cells that are slower by more than `threshold`, but within the noise, or with one repeat on a side."""
    return [r for r in ratios if _above(r, threshold) and not (r.difference and r.difference.significant)]


def judged(ratios: Sequence[Ratio]) -> list[Ratio]:
    """The cells with a verdict, whatever it says."""
    return [r for r in ratios if r.difference is not None and r.difference.p is not None]


def unjudged(ratios: Sequence[Ratio]) -> list[Ratio]:
    """The cells that should have got a verdict and did not: other conditions, nothing measured, one repeat."""
    known = judged(ratios)
    return [r for r in ratios if r.expected and not r.broken and r not in known]


def passes(ratios: Sequence[Ratio], threshold: float) -> bool:
    """Whether a gate at `threshold` is green: something was judged, all that should be, and nothing regressed."""
    return bool(judged(ratios)) and not unjudged(ratios) and not regressions(ratios, threshold)


def _above(found: Ratio, threshold: float) -> bool:
    return found.ratio is not None and found.ratio > 1 + threshold


def corrected(found: Sequence[Ratio]) -> list[Ratio]:
    """The same with verdicts that hold for all of them together."""
    known = [i for i, r in enumerate(found) if r.difference is not None]
    tested = holm([found[i].difference for i in known])  # type: ignore[misc]
    by_position = dict(zip(known, tested, strict=True))
    return [msgspec.structs.replace(r, difference=by_position.get(i)) for i, r in enumerate(found)]


def ratio_of(
    cell: dict[str, str],
    a: list[Row],
    b: list[Row],
    steady_a: Steady,
    steady_b: Steady,
    other: str = "",
    varied: Collection[str] = (),
) -> Ratio:
    """The rows of one cell on both sides, not yet corrected.

    `other`: why nothing of this workload may be compared, "" where it may be. `varied`: conditions that differ on
    purpose.
    """
    rows_a, rows_b = timed(a), timed(b)
    known: dict[str, Any] = {
        **{"cell": cell, "n_a": len(rows_a), "n_b": len(rows_b)},
        "expected": bool(rows_a) and any(row["status"] != "excluded" for row in b),
    }
    if not rows_a or not rows_b:
        return _without_times(known, a, b)
    differs, short = _unlike(rows_a, rows_b, varied) or other, (unlearned(rows_a), unlearned(rows_b))
    if differs or any(short):
        broken = not differs and not short[0]
        return Ratio(**known, broken=broken, why_not=differs or _short(short))
    times_a, times_b = ([seconds_of(row) or 0.0 for row in rows] for rows in (rows_a, rows_b))
    middle_a, middle_b = statistics.median(times_a), statistics.median(times_b)
    return Ratio(
        **known,
        a=middle_a,
        b=middle_b,
        ratio=middle_b / middle_a,
        low=min(times_b) / max(times_a),
        high=max(times_b) / min(times_a),
        difference=difference(repeats_of(rows_a, steady_a), repeats_of(rows_b, steady_b)),
        disturbed=most_frequent(disturbed([*a, *b])),
        differs=[name for name in IDENTITY if _values(name, rows_a) != _values(name, rows_b)],
    )


def _without_times(known: dict[str, Any], a: list[Row], b: list[Row]) -> Ratio:
    """A cell without a time that counts on a side: why, and whether it had one in the first and then broke."""
    where, its = ("the second", b) if known["n_a"] else ("the first", a)
    unread = next((str(row["reason"]) for row in its if without_record(row)), "")
    why = f" ({unread.partition(':')[0]})" if unread else ""
    broke = any(row["status"] not in UNFINISHED | NOT_RUN and not without_record(row) and _measured(row) for row in b)
    return Ratio(**known, broken=bool(known["n_a"]) and broke, why_not=f"no steady time in {where}{why}")


def _measured(row: Row) -> bool:
    """Whether a job failed, or ended well with figures that are no numbers; one epoch gives none, and is no fault."""
    return row["status"] != "ok" or seconds_of(row) is not None


def _unlike(a: list[Row], b: list[Row], varied: Collection[str]) -> str:
    """Why the times of these rows must not be divided, "" where they may be."""
    conditions = OWN_CONDITIONS if a[0]["variant"] == "own" else CONDITIONS
    if any(row.get("data_kind") in DATA_SETS for row in (*a, *b)):
        conditions = (*conditions, "data_sha256")
    conditions = (*conditions, "axes_got")  # what was asked is a part of the cell
    differing = [name for name in conditions if name not in varied and len(_values(name, (*a, *b))) > 1]
    if differing:
        return "different " + ", ".join(differing)
    mixed = [name for name in IDENTITY if len(_values(name, a)) > 1 or len(_values(name, b)) > 1]
    return f"more than one {', '.join(mixed)} on one side" if mixed else ""


def _short(sides: Sequence[tuple[float, float] | None]) -> str:
    """Which side's model did not learn: its time counts for nothing."""
    named = zip(sides, ("the first", "the second"), strict=True)
    return "; ".join(f"did not learn in {where} ({side[0]:.3f} < {side[1]:.3f})" for side, where in named if side)


def _values(name: str, rows: Sequence[Row]) -> set[Any]:
    return {row.get(name) for row in rows}
