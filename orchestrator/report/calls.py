"""The calls of a job that does not train, as its row has them: each way of calling at each batch, in figures."""

from __future__ import annotations

from typing import Any

from orchestrator.model import Row
from orchestrator.results.own_figures import unpacked


def series(row: Row) -> list[dict[str, Any]]:
    """Each way of calling at each batch of one job (results/call_figures.py)."""
    found = unpacked(row.get("calls"))
    each_way = found if isinstance(found, list) else []  # a stranger's set may hold anything
    return [each for each in each_way if isinstance(each, dict) and {"way", "batch"} <= each.keys()]


def fastest(row: Row) -> dict[str, Any] | None:
    """The way that its latency is of: at one sample, or a token; None where none was timed."""
    way = row.get("latency_way")
    return next((each for each in series(row) if each["way"] == way and each["batch"] == 1), None)


def seconds_per_sample(row: Row) -> float | None:
    """Of its fastest calls of batches."""
    rate = row.get("predicted_per_s")
    return 1 / rate if rate else None
