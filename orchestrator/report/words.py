"""How the report writes figures: three significant digits, units, a dash for what was not measured."""

from __future__ import annotations

import math
from collections.abc import Iterable

from orchestrator.stats.describe import Value, finite

#: What a figure that was not measured looks like.
ABSENT = "–"


def figure(value: Value, digits: int = 3) -> str:
    """`value` to `digits` significant digits, never in scientific notation."""
    if value is None or not math.isfinite(value):
        return ABSENT
    if value == 0:
        return "0"
    decimals = digits - 1 - math.floor(math.log10(abs(value)))
    return f"{value:,.{min(max(decimals, 0), 6)}f}"


def seconds(value: Value) -> str:
    return ABSENT if value is None else f"{figure(value)} s"


def ratio(value: float) -> str:
    return f"{value:.2f}×" if value < 10 else f"{figure(value)}×"


def percent(value: Value) -> str:
    return ABSENT if value is None else f"{value:,.0f} %"


def megabytes(value: Value) -> str:
    if value is None:
        return ABSENT
    return f"{value / 1024:.1f} GB" if value >= 1024 else f"{value:.0f} MB"


def measured(value: Value, unit: str) -> str:
    """The value of a metric of a device in its unit (`Metric.unit`)."""
    if unit == "MB":
        return megabytes(value)
    if unit == "%":
        return percent(value)
    if value is None:
        return ABSENT
    number = f"{value:.0f}" if unit in ("MHz", "readings") else figure(value)
    return f"{number} {unit}".rstrip()


def share(value: Value) -> str:
    """An accuracy with three decimals: a fourth would claim more than a validation set of thousands can tell."""
    return ABSENT if value is None else f"{value:.3f}"


def span(low: float, high: float) -> str:
    """A range, or the one value where both ends read the same."""
    ends = figure(low), figure(high)
    return ends[0] if ends[0] == ends[1] else "–".join(ends)


def spread(values: Iterable[Value]) -> str:
    """`(0.97–0.98, n = 3)` for several values, nothing for one."""
    known = finite(values).tolist()
    return f"({span(min(known), max(known))}, n = {len(known)})" if len(known) > 1 else ""
