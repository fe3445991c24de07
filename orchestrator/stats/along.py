"""Compares the values of one varied setting: every cell at each value against the same cell at the first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from orchestrator.model import Row
from orchestrator.stats.compare import Ratio, corrected, ratio_of
from orchestrator.stats.repeats import Steady, cell_of, named_cell, timed, with_node_kind
from orchestrator.stats.sweeps import axes_of, in_order, otherwise

#: Conditions of a comparison that follow from what is varied.
FOLLOWS = {"batch_size": ("batch_size", "asked_batch_size"), "threads": ("threads",)}
NO_MEMORY = "ran out of memory in the second"


def compare_along(rows: Sequence[Row], axis: str, steady: Steady) -> list[Ratio]:
    """One entry per cell and value of `axis` but the first, which the others are set against: by size, or by name.

    The other settings of a grid are parts of the cell. Verdicts are corrected for their number. A value at which all
    jobs ran out of memory is a finding, and is not expected to have a verdict.
    """
    found = (
        _ratio(cell, values, axis, value, steady)
        for cell, values in _cells(rows, axis).items()
        for value in in_order(values)[1:]
    )
    return corrected(list(found))


def known_axes(rows: Sequence[Row]) -> list[str]:
    """The settings that some row has a value of, in order of appearance."""
    return list(dict.fromkeys(name for row in rows for name in axes_of(row.get("axes"))))


def _cells(rows: Sequence[Row], axis: str) -> dict[tuple[Any, ...], dict[str, list[Row]]]:
    """The rows of each value of an axis, by what else they are."""
    found: dict[tuple[Any, ...], dict[str, list[Row]]] = {}
    for row in map(with_node_kind, rows):
        axes = axes_of(row.get("axes"))
        value = axes.pop(axis, None)
        if value is not None:
            cell = cell_of({**row, "axes": " ".join(f"{name}={its}" for name, its in axes.items())})
            found.setdefault(cell, {}).setdefault(value, []).append(row)
    return found


def _ratio(cell: tuple[Any, ...], values: dict[str, list[Row]], axis: str, value: str, steady: Steady) -> Ratio:
    first = in_order(values)[0]
    named = {**named_cell(cell), "along": f"{axis}={first} to {value}"}
    a, b = values[first], values[value]
    varied = ("axes_got", *FOLLOWS.get(axis, ("data_sha256",)))
    found = ratio_of(named, a, b, steady, steady, "; ".join(_other(a, b)), varied)
    if {row["status"] for row in b} == {"oom"}:
        return replace(found, expected=False, broken=False, why_not=NO_MEMORY)
    return found


def _other(a: Sequence[Row], b: Sequence[Row]) -> Iterator[str]:
    """Why the two are not what they are called, or not the same amount of work."""
    for rows, where in ((timed(a), "first"), (timed(b), "second")):
        said = dict.fromkeys(filter(None, map(otherwise, rows)))
        if said:
            yield f"{'; '.join(said)} in the {where}"
    if len({row.get("samples") for row in (*timed(a), *timed(b))}) > 1:
        yield "different samples per epoch"
