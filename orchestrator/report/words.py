"""How the report writes figures: three significant digits, units, a dash for what was not measured."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable
from typing import TypeGuard

from orchestrator.stats.describe import Value, finite
from orchestrator.text import room

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: What a figure that was not measured looks like.
ABSENT = "–"


def numbers(version: str) -> list[int]:
    """The numbers of a version, which can be compared as its text cannot."""
    return [int(part[:9]) for part in re.findall("[0-9]+", version)]


def keras_name(version: str) -> str:
    """`Keras 3.15.1`. The last Keras 2 of that name is 2.15: later ones are the package tf_keras."""
    major, minor, *_ = [*numbers(version), 0, 0]
    return f"tf_keras {version}" if major == 2 and minor > 15 else f"Keras {version}"


def is_known(value: Value) -> TypeGuard[float]:
    """Whether it was measured, and is a number."""
    return value is not None and math.isfinite(value)


def figure(value: Value, digits: int = 3) -> str:
    """`value` to `digits` significant digits, never in scientific notation."""
    if not is_known(value):
        return ABSENT
    if value == 0:
        return "0"
    # The exponent of what is shown: 9.996 reads 10.0.
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    decimals = digits - 1 - exponent
    return f"{value:,.{min(max(decimals, 0), 6)}f}"


def seconds(value: Value) -> str:
    return f"{figure(value)} s" if is_known(value) else ABSENT


def took(value: Value, mode: str) -> str:
    """The figure that contenders are ranked by: seconds of an epoch, milliseconds of a call or a token."""
    if mode == "train":
        return seconds(value)
    return f"{figure(1000 * value)} ms" if is_known(value) else ABSENT


def ratio(value: float) -> str:
    """`1.34×`: times the seconds of another."""
    return f"{value:.2f}×" if value < 9.995 else f"{figure(value)}×"


def money(value: Value) -> str:
    """An amount in whatever currency: two digits that count, and never fewer decimals than coins have."""
    if not is_known(value):
        return ABSENT
    return f"{value:,.2f}" if value == 0 or abs(value) >= 1 else figure(value, 2)


def percent(value: Value) -> str:
    return f"{value:,.0f} %" if is_known(value) else ABSENT


def megabytes(value: Value) -> str:
    """An amount in MiB, in MiB or GiB."""
    if not is_known(value):
        return ABSENT
    return room(value)


def measured(value: Value, unit: str) -> str:
    """The value of a metric of a device in its unit (`Metric.unit`)."""
    if unit == "MiB":
        return megabytes(value)
    if unit == "%":
        return percent(value)
    if not is_known(value):
        return ABSENT
    number = f"{value:.0f}" if unit in ("MHz", "readings") else figure(value)
    return f"{number} {unit}".rstrip()


def share(value: Value) -> str:
    """`95.1 %`: an accuracy; a further digit would claim more than a validation set of thousands can tell."""
    return f"{100 * value:.1f} %" if is_known(value) else ABSENT


def count(number: int) -> str:
    """`five` repeats, but `12`: numbers in sentences."""
    return NUMBERS[number] if number < len(NUMBERS) else f"{number:,}"


def date(day: datetime.date) -> str:
    """`23 Nov 2026`, whatever language the host speaks."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def span(low: float, high: float) -> str:
    """A range, or the one value where both ends read the same."""
    ends = figure(low), figure(high)
    return ends[0] if ends[0] == ends[1] else "–".join(ends)


def spread(values: Iterable[Value]) -> str:
    """`(0.97–0.98, n = 3)` for several values, nothing for one."""
    known = finite(values).tolist()
    return f"({span(min(known), max(known))}, n = {len(known)})" if len(known) > 1 else ""
