"""The samples of one job as numpy columns, so that thousands of them are added up or written without a loop.

A value that was not read is nan here, as numpy has no other word for it, and absent again wherever it is shown. A field
that was never read has no column.
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


def _numbers(samples: Sequence[Sample], get: Callable[[Sample], Any]) -> np.ndarray | None:
    """The values of a field; None where it was never read."""
    if samples and get(samples[0]) is None and list(map(get, samples)).count(None) == len(samples):
        return None
    return np.fromiter(map(get, samples), float, len(samples))


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
    #: What was made of them and is asked for again.
    made: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    @classmethod
    def of(cls, samples: Sequence[Sample] | Readings) -> Readings:
        if isinstance(samples, Readings):
            return samples
        read = {name: _numbers(samples, attrgetter(name)) for name in NUMBERS}
        numbers = {name: values for name, values in read.items() if values is not None}
        return cls(len(samples), numbers, {name: _words(samples, attrgetter(name)) for name in WORDS})

    def peak(self, name: str) -> float | None:
        """The largest value of a field, None where none was read."""
        values = self.known(name)[1]
        return float(values.max()) if values.size else None

    def known(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """The times and the values of a field where it was read, in order of time."""
        return self.once(name, lambda: self._known(name))

    def once(self, name: str, make: Callable[[], tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
        """Times and values of something that is made of these readings, at the first time only."""
        if name not in self.made:
            self.made[name] = make()
        return self.made[name]

    def _known(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        if name not in self.numbers:
            return np.empty(0), np.empty(0)
        t, values = self.numbers["t"], self.numbers[name]
        there = ~np.isnan(values)
        if not there.all():
            t, values = t[there], values[there]
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
