"""Groups of result rows that agree in some fields, as far as their jobs lived long enough to know them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.model import Row


def group(rows: Sequence[Row], fields: Sequence[str]) -> list[tuple[dict[str, Any], list[int]]]:
    """Group the rows by `fields`: (their values, positions of the rows that have them) of each group.

    A job that failed early does not know its versions or its data. It joins the only group that it
    does not contradict (of its own run, if there are several), else it stays apart.
    """
    keys = [tuple(row.get(field) for field in fields) for row in rows]
    groups: dict[tuple[Any, ...], list[int]] = {}
    for i in sorted(range(len(rows)), key=lambda i: keys[i].count(None)):
        key = keys[i]
        if key not in groups and None in key:
            key = _only_match(key, groups, rows, rows[i].get("run_id")) or key
        groups.setdefault(key, []).append(i)
    return [(dict(zip(fields, key, strict=True)), sorted(members)) for key, members in groups.items()]


def _only_match(
    key: tuple[Any, ...], groups: Mapping[tuple[Any, ...], list[int]], rows: Sequence[Row], run: Any
) -> tuple[Any, ...] | None:
    """The one group that `key` does not contradict, of those with a row of this run if there are several."""
    fitting = [known for known in groups if all(a in (None, b) for a, b in zip(key, known, strict=True))]
    if len(fitting) > 1:
        fitting = [known for known in fitting if any(rows[i].get("run_id") == run for i in groups[known])]
    return fitting[0] if len(fitting) == 1 else None


def varying(groups: Sequence[Row]) -> set[str]:
    """The fields with more than one known value."""
    fields = groups[0] if groups else {}
    return {field for field in fields if len({g[field] for g in groups if g[field] is not None}) > 1}


def in_words(text: str, value: Any) -> str:
    """A facet or a condition as its text has it: `4 cores`, and `1 core`."""
    found = text.format(value)
    return found.removesuffix("s") if value == 1 and found.startswith("1 ") else found
