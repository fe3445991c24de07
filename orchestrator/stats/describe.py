"""Descriptive statistics of values of which some may be absent.

Values that are None or not finite are left out first: a metric that was not read is absent, not 0.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable

import numpy as np

Value = float | int | None


def finite(values: Iterable[Value]) -> np.ndarray:
    """The measured values as a float array: None, NaN and infinities are left out."""
    array = np.array([np.nan if value is None else value for value in values], dtype=float)
    known: np.ndarray = array[np.isfinite(array)]
    return known


def median(values: Iterable[Value]) -> float | None:
    """The median of the measured values, None when there are none."""
    known = finite(values).tolist()
    return statistics.median(known) if known else None  # far cheaper than a percentile of a few values


def rate(values: Iterable[Value]) -> float | None:
    """The amount per second that goes with the median time: of two rates the harmonic mean, of three the middle one."""
    seconds = median(1 / value for value in finite(values).tolist() if value > 0)
    return 1 / seconds if seconds else None
