"""The nouns of a trend: points (nights), gaps, steps and lines, and what they say in words."""

from __future__ import annotations

import re
from typing import Any, Literal

from orchestrator.model import Noun
from orchestrator.stats.inference import Difference
from orchestrator.stats.steps import LEAST_NIGHTS
from orchestrator.text import plural

By = Literal["date", "commit", "version"]
_COMMIT = re.compile(r"@([0-9a-f]{7,40})(?=$|[#&\s])")


class Point(Noun, frozen=True, kw_only=True):
    """One night of a line. `seconds`: median over its `n` repeats of the seconds per epoch after the first.

    `low` and `high` bound it with 95 % confidence over the repeats of this night; None with one repeat, whose spread is
    not known. `failed` counts repeats without a time that counts.
    """

    run_id: str
    when: str
    n: int
    seconds: float
    low: float | None = None
    high: float | None = None
    failed: int = 0
    keras: str = ""
    commit: str = ""
    disturbed: list[str] = []
    told: dict[str, Any] = {}

    @property
    def version(self) -> str:
        """The version of Keras without what `--keras-spec` named."""
        return self.keras.partition(" from ")[0]

    @property
    def name(self) -> str:
        """`20260320-020000-00abcd (Keras 3.15.1, commit 1a2b3c4d5e6f)`."""
        return f"{self.run_id} (Keras {keras_in_words(self.keras)})" if self.keras else self.run_id


class Gap(Noun, frozen=True, kw_only=True):
    """A night in which the cell was planned and gave no time that counts."""

    run_id: str
    when: str
    why: str
    broken: bool


class LineStep(Noun, frozen=True, kw_only=True):
    """A step of a line: the last night before it, the first one after it, its size, and what else changed there.

    `difference` is after / before over nights; `p` and `p_adjusted` are those of the cut. `nights_after` counts the
    nights that the line has had since.
    """

    before: Point
    first: Point
    difference: Difference
    nights_after: int
    changed: dict[str, list[Any]] = {}

    @property
    def slower(self) -> bool:
        return self.difference.ratio > 1

    @property
    def words(self) -> str:
        """`takes 1.03 to 1.07 times as long from RUN on (Keras ...); last before it RUN`."""
        others = {name: values for name, values in self.changed.items() if name not in ("keras_version",)}
        also = f"; {', '.join(others)} changed, too" if others else ""
        return f"{self.size} from {self.first.name} on; last before it {self.before.name}{also}"

    @property
    def size(self) -> str:
        low, high = self.difference.low, self.difference.high
        if low is not None and high is not None and (low > 1 or high < 1):
            return self.difference.words
        return f"{'slower' if self.slower else 'faster'} by about {100 * abs(self.difference.ratio - 1):.1f} %"


class Line(Noun, frozen=True, kw_only=True):
    """The nights of one cell that may be compared, in order, and the steps between them.

    `steps` is None for too few nights. `ended`: why the line does not reach the newest night of its host, "" where it
    does. `odd_end`: newest night / the nights before it since the last step, where it stands out.
    """

    cell: dict[str, str]
    conditions: dict[str, Any]
    #: The conditions in which this line differs from others of its cell.
    apart: list[str] = []
    points: list[Point]
    gaps: list[Gap] = []
    steps: list[LineStep] | None = None
    ended: str = ""
    #: Why the newest night, which planned the cell, has no figure of it; `broken` where it failed or no longer learns.
    missing: str = ""
    broken: bool = False
    odd_end: float | None = None

    @property
    def name(self) -> str:
        """The cell, and what tells this line from others of it, in words."""
        cell = [value for value in self.cell.values() if value not in ("faithful", "own")]
        return " ".join([*cell, *(f"{name}={short(self.conditions[name])}" for name in self.apart)])

    @property
    def goes_on(self) -> bool:
        """Whether it reaches the newest night of its host, or should."""
        return not self.ended

    @property
    def is_judged(self) -> bool:
        """Whether it reaches the newest night and has enough nights to be judged, whatever came of it."""
        return not self.ended and not self.missing and self.steps is not None

    @property
    def verdict(self) -> str:
        """What the line says, in words: the last step, that there is none, or why that cannot be told."""
        if self.ended or self.missing:
            return self.ended or self.missing
        if self.steps is None:
            few = f"{plural(len(self.points), 'night')} of the {LEAST_NIGHTS} that a step needs at least"
            return f"not judged: {few}"
        words = self.steps[-1].words if self.steps else "no step"
        if len(self.steps) > 1:
            words += f"; {plural(len(self.steps) - 1, 'earlier step')}"
        if self.odd_end is not None:
            words += f"; the newest night is {_percent(self.odd_end)} than those before: one night is no step yet"
        return words


class Trend(Noun, frozen=True, kw_only=True):
    """All lines, in order of appearance; `apart` says by cell in what its lines differ, `notes` what is left out."""

    by: By
    nights: int
    lines: list[Line]
    apart: dict[str, list[str]] = {}
    notes: list[str] = []


def commit_of(keras: str) -> str:
    """The commit that the version of Keras in a row names (`3.16.0 from keras @ git+https://...@1a2b...`), or ""."""
    found = _COMMIT.search(keras)
    return found[1] if found else ""


def keras_in_words(keras: str) -> str:
    """`3.15.1`, `3.16.0, commit 1a2b3c4d5e6f`, or the version and what else was asked for."""
    version, _, spec = keras.partition(" from ")
    commit = commit_of(keras)
    return ", ".join(filter(None, [version, f"commit {commit[:12]}" if commit else spec]))


def short(value: Any) -> str:
    """A condition for a name: hashes by their begin."""
    text = str(value)
    return text[:8] if re.fullmatch("[0-9a-f]{32,}", text) else text


def _percent(ratio: float) -> str:
    share = abs(ratio - 1) if ratio > 1 else 1 - ratio
    return f"{100 * share:.1f} % {'slower' if ratio > 1 else 'faster'}"
