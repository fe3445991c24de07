"""Small descriptive statistics. Every summary carries its n and its spread; nothing measured gives None.

Values that are None or not finite are left out first: a metric that was not read is absent, not 0.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct

Value = float | int | None


class Summary(Struct, frozen=True):
    """Location and spread of `n` values. `sd` is the sample deviation, None for a single value."""

    n: int
    median: float
    mean: float
    sd: float | None
    q1: float
    q3: float
    minimum: float
    maximum: float

    @property
    def iqr(self) -> float:
        return self.q3 - self.q1


def finite(values: Iterable[Value]) -> np.ndarray:
    """The measured values as a float array: None, NaN and infinities are left out."""
    array = np.array([np.nan if value is None else value for value in values], dtype=float)
    known: np.ndarray = array[np.isfinite(array)]
    return known


def summarize(values: Iterable[Value]) -> Summary | None:
    """The summary of the measured values, or None when there are none."""
    array = finite(values)
    if not array.size:
        return None
    q1, middle, q3 = (float(value) for value in np.percentile(array, [25, 50, 75]))
    return Summary(
        n=int(array.size),
        median=middle,
        mean=float(array.mean()),
        sd=float(array.std(ddof=1)) if array.size > 1 else None,
        q1=q1,
        q3=q3,
        minimum=float(array.min()),
        maximum=float(array.max()),
    )


def mean(values: Iterable[Value]) -> float | None:
    array = finite(values)
    return float(array.mean()) if array.size else None


def median(values: Iterable[Value]) -> float | None:
    known = finite(values).tolist()
    return statistics.median(known) if known else None  # far cheaper than a percentile of a few values


def percentile(values: Iterable[Value], q: float) -> float | None:
    """The `q`-th percentile (0-100), linear between neighbours."""
    array = finite(values)
    return float(np.percentile(array, q)) if array.size else None


def time_weighted_mean(times: Sequence[float], values: Sequence[Value]) -> float | None:
    """Mean over time of a gauge read at irregular `times` (seconds), linear between readings.

    A plain mean would count a burst of close readings as much as a long quiet stretch. Readings
    need not be sorted; where all share one moment this is their plain mean. Raises ValueError when
    the two lengths differ.
    """
    pairs = sorted((float(t), float(v)) for t, v in zip(times, values, strict=True) if v is not None and np.isfinite(v))
    if not pairs:
        return None
    t, v = np.array(pairs).T
    duration = t[-1] - t[0]
    if duration <= 0:
        return float(v.mean())
    return float(((v[1:] + v[:-1]) / 2 * np.diff(t)).sum() / duration)
