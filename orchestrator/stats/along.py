"""Compares the values of one varied setting: every cell at each value against itself at the first that counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from orchestrator.model import Row
from orchestrator.stats.compare import Ratio, corrected, ratio_of
from orchestrator.stats.repeats import TRAIN, Steady, cell_of, mode_of, named_cell, timed, unlearned, with_node_kind
from orchestrator.stats.sweeps import axes_of, in_order, otherwise

#: Conditions of a comparison that follow from what is varied.
FOLLOWS = {"batch_size": ("batch_size", "asked_batch_size"), "threads": ("threads",)}
NO_MEMORY = "ran out of memory in the second"


def compare_along(rows: Sequence[Row], axis: str, steady: Steady) -> list[Ratio]:
    """One entry per cell and value of `axis` but its base, the first by size or by name of which there is a time.

    The other settings of a grid are parts of the cell; a cell with one value has no entry. Verdicts are corrected for
    their number. A value at which all jobs ran out of memory is a finding, and is not expected to have a verdict.
    """
    found = (
        _ratio(cell, values, axis, (base, value), steady)
        for cell, values in _cells(rows, axis).items()
        for base in [_base(values)]
        for value in in_order(values)
        if value != base
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


def _base(values: Mapping[str, Sequence[Row]]) -> str:
    """The first value that others can be set against, or just the first where none can be."""
    order = in_order(values)
    return next((value for value in order if _stands(timed(values[value]))), order[0])


def _stands(rows: Sequence[Row]) -> bool:
    """Whether there are times, of what was asked for, and of models that learned."""
    return bool(rows) and not any(map(otherwise, rows)) and unlearned(rows) is None


def _ratio(
    cell: tuple[Any, ...], values: Mapping[str, list[Row]], axis: str, pair: tuple[str, str], steady: Steady
) -> Ratio:
    named = {**named_cell(cell), "along": f"{axis}={pair[0]} to {pair[1]}"}
    a, b = (values[value] for value in pair)
    varied = ("axes_got", *FOLLOWS.get(axis, ("data_sha256",)))
    theirs, epochs, samples = _as_many(a, b, steady)
    found = ratio_of(named, a, theirs, steady, epochs, "; ".join(_other(a, b)), varied)
    if {row["status"] for row in b} == {"oom"}:
        return replace(found, expected=False, broken=False, why_not=NO_MEMORY)
    return replace(found, samples=samples) if found.ratio is not None else found


def _as_many(a: Sequence[Row], b: list[Row], steady: Steady) -> tuple[list[Row], Steady, int | None]:
    """The second rows and epochs as if they had as many samples as the first, and how many; None where they have."""
    ours, theirs = _samples(a), _samples(b)
    if len(ours) != 1 or len(theirs) != 1 or ours == theirs or mode_of(b[0]) != TRAIN:
        return b, steady, None
    (samples,), (other,) = ours, theirs
    if not samples or not other:
        return b, steady, None
    share, keys = samples / other, {(row.get("run_id"), row.get("job_id")) for row in b}
    epochs = {key: [second * share for second in seconds] for key, seconds in steady.items() if key in keys}
    rows = [{**row, "epoch_s": row["epoch_s"] and row["epoch_s"] * share} for row in b]
    return rows, epochs, samples


def _samples(rows: Sequence[Row]) -> set[int | None]:
    """How many samples an epoch of them has."""
    return {row.get("samples") for row in timed(rows)}


def _other(a: Sequence[Row], b: list[Row]) -> Iterator[str]:
    """Why the two are not what they are called, or not to be brought to the same amount of work."""
    for rows, where in ((timed(a), "first"), (timed(b), "second")):
        said = dict.fromkeys(filter(None, map(otherwise, rows)))
        if said:
            yield f"{'; '.join(said)} in the {where}"
    if len(_samples(a) | _samples(b)) > 1 and _as_many(a, b, {})[2] is None:
        yield "different samples per epoch"
