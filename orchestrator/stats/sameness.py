"""Whether what was compared was the same thing: the one gate for files of one's own, of which nothing is known before.

The project's own workloads refuse a wrong number of parameters or samples when they run. A file of one's own has no
such number: that all contenders did the same must be seen in what each of them did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from orchestrator.model import Noun, Row

MODEL, DATA = "not the same model", "not the same data"
#: column -> (what it counts, what differs where it differs), the gravest first. All ok jobs of one task agree in these.
COUNTS = {
    "parameters": ("parameters", MODEL),
    "train": ("training samples", DATA),
    "validation": ("validation samples", DATA),
    "samples": ("samples per epoch", DATA),
    "batches": ("batches per epoch", DATA),
}
#: Outputs of untrained models of equal weights agree within this, relative to their size. Sums in float32 differ less.
CLOSE = 1e-3
#: Names that are told with a number; of more, the rest is counted.
MOST_NAMES = 4


class Unlike(Noun, frozen=True, kw_only=True):
    """That the jobs of one task were not the same thing: `what` in words, and the numbers of each contender."""

    what: str
    numbers: str

    @property
    def words(self) -> str:
        return f"{self.what} ({self.numbers})"


def unlike(rows: Iterable[Row], name: Callable[[Row], str]) -> Unlike | None:
    """Why the jobs of one task must not be compared, None where they may be. `name`: the contender of a row, in words.

    Only jobs of files of one's own that ended well are looked at. What is not known of a job contradicts nothing.
    """
    its = [row for row in rows if row.get("variant") == "own" and row["status"] == "ok"]
    for column, (counted, what) in COUNTS.items():
        known = [(row, row[column]) for row in its if row.get(column) is not None]
        if len({value for _, value in known}) > 1:
            return Unlike(what=what, numbers=f"{counted}: {told(known, name, '{:,}')}")
    return _unlike_outputs(its, name)


def told(known: Sequence[tuple[Row, Any]], name: Callable[[Row], str], form: str = "{}") -> str:
    """`407,050 (JAX, TensorFlow), 512 (PyTorch)`: each value with the contenders that have it."""
    names: dict[Any, dict[str, None]] = {}
    for row, value in known:
        names.setdefault(value, {})[name(row)] = None
    return ", ".join(f"{form.format(value)} ({_few(list(whose))})" for value, whose in names.items())


def _few(names: Sequence[str]) -> str:
    more = [f"{len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else []
    return ", ".join([*names[:MOST_NAMES], *more])


def _unlike_outputs(rows: Sequence[Row], name: Callable[[Row], str]) -> Unlike | None:
    """Whether untrained models of equal weights give other outputs. Weights and data may depend on the seed."""
    seeds: dict[Any, list[Row]] = {}
    for row in rows:
        if row.get("first_output_mean") is not None and row.get("first_output_std") is not None:
            seeds.setdefault(row.get("seed"), []).append(row)
    for its in seeds.values():
        outputs = [(row, (row["first_output_mean"], row["first_output_std"])) for row in its]
        if not all(_close(outputs[0][1], other) for _, other in outputs):
            other_data = len({row.get("arrays") for row in its}) > 1
            shown = [(row, f"{mean:.6g} ± {std:.6g}") for row, (mean, std) in outputs]
            numbers = f"first output of the untrained model: {told(shown, name)}"
            return Unlike(what=DATA if other_data else MODEL, numbers=numbers)
    return None


def _close(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Means near 0 are no measure: both figures are held against the larger of mean and deviation."""
    size = max(abs(value) for value in (*one, *other))
    return all(abs(a - b) <= CLOSE * size for a, b in zip(one, other, strict=True))
