"""Whether models that were called without training gave the same on all backends: they have equal weights and inputs.

The one gate for the speed of a call: whoever answers something else has not done the work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from orchestrator.model import Row
from orchestrator.stats.sameness import Unlike, told

WHAT = "not the same outputs"
#: Outputs agree where their norms, and each value of theirs that is known, differ by no more than this share of the
#: largest of those values. Sums in float32 differ by less than a tenth of it, sums of TF32 by about as much.
CLOSE = 1e-3


def unlike_outputs(rows: Sequence[Row], name: Callable[[Row], str]) -> Unlike | None:
    """Why the calls of one task must not be compared, None where they may be. `name`: the contender of a row, in words.

    Weights depend on the seed, and what a model computes on its variant: only rows that share both are held against
    each other. What a row does not tell contradicts nothing.
    """
    draws: dict[tuple[Any, Any], list[tuple[Row, dict[str, Any]]]] = {}
    for row in rows:
        for output in _outputs(row):
            draws.setdefault((row.get("seed"), row.get("variant")), []).append((row, output))
    for its in draws.values():
        first = its[0][1]
        other = [(row, output) for row, output in its if not _same(first, output)]
        if other:
            shown = [(row, _in_words(first, output)) for row, output in [its[0], *other]]
            return Unlike(what=WHAT, numbers=told(shown, name))
    return None


def _outputs(row: Row) -> Iterator[dict[str, Any]]:
    """The outputs of each way of calling, as far as they can be held against others."""
    found = row.get("outputs")
    try:
        found = msgspec.json.decode(found) if isinstance(found, str) else found
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return
    for each in found if isinstance(found, list) else []:
        if isinstance(each, dict) and (_numbers(each.get("tokens")) or _numbers(each.get("values"))):
            yield each


def _numbers(values: Any) -> bool:
    return isinstance(values, list) and bool(values) and all(isinstance(value, int | float) for value in values)


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    if "tokens" in one or "tokens" in other:
        return one.get("tokens") == other.get("tokens")
    if one.get("shape") != other.get("shape") or len(one["values"]) != len(other["values"]):
        return False
    size = max(abs(value) for value in (*one["values"], *other["values"]))
    norms = (one.get("norm"), other.get("norm"))
    near = all(abs(a - b) <= CLOSE * size for a, b in zip(one["values"], other["values"], strict=True))
    return near and (None in norms or abs(norms[0] - norms[1]) <= CLOSE * max(abs(norms[0]), abs(norms[1])))  # type: ignore[operator, arg-type]


def _in_words(first: dict[str, Any], output: dict[str, Any]) -> str:
    """`predict: norm 0.919024`, or `compiled: 12, 7, 3 from token 5 on`."""
    way = str(output.get("way"))
    if "tokens" in output:
        mine, theirs = output["tokens"], first.get("tokens") or []
        apart = next((i for i, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b), 0)
        return f"{way}: {', '.join(f'{token:g}' for token in mine[apart : apart + 3])} from token {apart + 1} on"
    norm, shape = output.get("norm"), output.get("shape")
    other = f"shape {shape}, " if shape != first.get("shape") else ""
    values = ", ".join(f"{value:.4g}" for value in output["values"][:3])
    return f"{way}: {other}{f'norm {norm:.6g}, ' if isinstance(norm, int | float) else ''}{values}"
