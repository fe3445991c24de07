"""The samples of one job as numpy columns, so that thousands of them are added up or written without a loop.

A value that was not read is nan here, as numpy has no other word for it, and absent again wherever it is shown.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
from msgspec import Struct

from orchestrator.model import Sample


def _is_number(hint: Any) -> bool:
    return bool(set(typing.get_args(hint) or (hint,)) <= {float, int, type(None)})


def _numbers(samples: Sequence[Sample], get: Callable[[Sample], Any]) -> np.ndarray:
    try:
        return np.fromiter(map(get, samples), float, len(samples))
    except TypeError:  # some are absent: twice the work, for few jobs
        return np.array(list(map(get, samples)), dtype=float)


def _words(samples: Sequence[Sample], get: Callable[[Sample], Any]) -> list[str | None]:
    different = set(map(get, samples))
    return list(different) if len(different) == 1 else list(map(get, samples))


_HINTS = typing.get_type_hints(Sample)
#: The fields of a Sample that are numbers, and those that are words.
NUMBERS = tuple(name for name in Sample.__struct_fields__ if _is_number(_HINTS[name]))
WORDS = tuple(name for name in Sample.__struct_fields__ if name not in NUMBERS)


class Readings(Struct, frozen=True):
    """The samples by field: `numbers` as floats; `words` as text, a single one where all samples share it."""

    length: int
    numbers: dict[str, np.ndarray]
    words: dict[str, list[str | None]]

    @classmethod
    def of(cls, samples: Sequence[Sample] | Readings) -> Readings:
        if isinstance(samples, Readings):
            return samples
        numbers = {name: _numbers(samples, attrgetter(name)) for name in NUMBERS}
        return cls(len(samples), numbers, {name: _words(samples, attrgetter(name)) for name in WORDS})

    def peak(self, name: str) -> float | None:
        """The largest value of a field, None where none was read."""
        values = self.numbers[name]
        known = values[~np.isnan(values)]
        return float(known.max()) if known.size else None

    def known(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """The times and the values of a field where it was read, in order of time."""
        there = ~np.isnan(self.numbers[name])
        t, values = self.numbers["t"][there], self.numbers[name][there]
        if (t[1:] < t[:-1]).any():
            order = np.argsort(t, kind="stable")
            t, values = t[order], values[order]
        return t, values

    def growth(self, name: str, begin: float, end: float) -> float | None:
        """Growth of a counter per second between two moments, linear between its samples.

        None with fewer than two samples, and where they cover nothing of that time.
        """
        t, values = self.known(name)
        if len(t) < 2:
            return None
        begin, end = max(begin, float(t[0])), min(end, float(t[-1]))
        if end <= begin:
            return None
        first, last = np.interp((begin, end), t, values).tolist()
        return float(last - first) / (end - begin)
