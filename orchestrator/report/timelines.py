"""Each backend from version to version, in the order of their months: who is compared with whom, and what it gives.

Dates choose these pairs and no figure does, so they are corrected for their number (docs/PROTOCOL.md).
"""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from orchestrator.report import style, words
from orchestrator.report.answer.ranking import Field, Positions, counts, fields
from orchestrator.report.layout import Contender, Layout
from orchestrator.report.speeds import Speeds
from orchestrator.report.words import numbers
from orchestrator.stats.inference import ENOUGH, Difference, holm
from orchestrator.stats.overall import overall_difference

#: What the picture is a multiple of, where it ran: the backend and version of 2017 that has come the longest way.
REFERENCE = ("tensorflow", "1.3")
#: Fewer years are no line over years.
LEAST_YEARS = 3
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
#: Two contenders, the earlier one first.
Pair = tuple[int, int]
#: The task of a gain; None: over all that both ran.
Where = int | None


class Gain(Struct, frozen=True):
    """How many times as fast the second of a pair is, over `tasks` of them. Above 1 it is faster.

    `low` and `high` bound it with 95 % confidence, corrected as the verdict is; None with one repeat. `disturbed`: it
    rests on disturbed figures, of either.
    """

    ratio: float
    found: Difference
    tasks: int
    disturbed: bool = False

    @property
    def low(self) -> float | None:
        return None if self.found.high is None else 1 / self.found.high

    @property
    def high(self) -> float | None:
        return None if self.found.low is None else 1 / self.found.low

    @property
    def told(self) -> bool:
        """Whether the difference is sure: the test says so, and the medians do not contradict it."""
        return self.found.significant and (self.found.ratio < 1) == (self.ratio > 1)

    @property
    def verdict(self) -> str:
        if self.told:
            return "faster" if self.ratio > 1 else "slower"
        if self.found.significant:
            return "no verdict: medians and means disagree"
        enough = self.found.p is not None and min(self.found.n_a, self.found.n_b) >= ENOUGH
        return "no difference seen" if enough else "not enough repeats"


class Track(Struct, frozen=True):
    """One backend: its contenders by month, then by the versions of backend and Keras."""

    backend: str
    name: str
    columns: Positions


class Timeline(Struct, frozen=True):
    """The tracks of one field, and what was compared in it.

    `steps`: from each version to the next. `whole`: from the first to the last of a track. `keras`: the same backend,
    another Keras. `backends`: the same Keras, another backend. `reference`: the contender that the picture counts
    from, None where it did not run. `gains` has every pair, and the reference with all others.
    """

    where: str
    lines: Positions
    tracks: list[Track]
    reference: int | None
    steps: list[Pair]
    whole: list[Pair]
    keras: list[Pair]
    backends: list[Pair]
    gains: dict[tuple[Pair, Where], Gain] = {}

    @property
    def columns(self) -> Positions:
        return [column for track in self.tracks for column in track.columns]

    def spans(self, layout: Layout) -> bool:
        """Whether there are years enough for a picture."""
        return len({layout.contenders[column].released[:4] for column in self.columns}) >= LEAST_YEARS


def timelines(layout: Layout, ranked: Speeds) -> list[Timeline]:
    """Those with anything to say, compared at one error rate for the report."""
    found = [_timeline(layout, ranked, field) for field in fields(layout, ranked)]
    known = [line for line in found if line.columns]
    asked = [(place, pair, where) for place, line in enumerate(known) for pair, where in _asked(layout, ranked, line)]
    tested = holm([_difference(ranked, known[place], pair, where) for place, pair, where in asked])
    for (place, pair, where), difference in zip(asked, tested, strict=True):
        known[place].gains[pair, where] = _gain(ranked, known[place], pair, where, difference)
    return known


def common(ranked: Speeds, lines: Sequence[int], columns: Iterable[int]) -> Positions:
    """The tasks on which all of these contenders have a time that counts."""
    its = list(columns)
    return [line for line in lines if all(counts(ranked.get((column, line))) for column in its)]


def month(released: str) -> str:
    """`Aug 2017`."""
    year, _, number = released.partition("-")
    return f"{words.MONTHS[int(number) - 1]} {year}"


def _timeline(layout: Layout, ranked: Speeds, field: Field) -> Timeline:
    columns = [entry.column for entry in field.overall.entries]
    dated = [c for c in columns if _MONTH.fullmatch(layout.contenders[c].released) and _timed(ranked, field, c)]
    twice = _launched_twice([layout.contenders[column] for column in dated])
    kinds: dict[tuple[str, str, str], Positions] = {}
    for column in sorted(dated, key=lambda c: _age(layout.contenders[c])):
        kinds.setdefault(_kind(layout.contenders[column], twice), []).append(column)
    tracks: list[Track] = []
    branches: list[Pair] = []
    for (backend, variant, launcher), its in kinds.items():
        name = " ".join([style.title(backend), *[variant] * (variant != "faithful"), *[launcher] * bool(launcher)])
        onward, back = _split(layout, its)
        tracks.append(Track(backend, name, onward))
        if back:
            tracks.append(Track(backend, _kept(name, layout.contenders[back[-1]]), back))
            branches += _branch(layout, onward, back[0])
    each = [track.columns for track in tracks]
    pairs = [*(pair for its in each for pair in itertools.pairwise(its)), *branches]
    steps = [pair for pair in pairs if _differ(layout, pair)]
    return Timeline(
        where=field.where,
        lines=field.lines,
        tracks=tracks,
        reference=next((c for c in dated if _is_reference(layout.contenders[c])), None),
        steps=steps,
        whole=[(its[0], its[-1]) for its in each if len(its) > 2 and _differ(layout, (its[0], its[-1]))],
        keras=[p for its in kinds.values() for p in _alike(layout, its, "framework_version", "keras_version")],
        backends=[p for its in kinds.values() for p in _alike(layout, its, "keras_version", "framework_version")],
    )


def _major(layout: Layout, column: int) -> int:
    return [*numbers(str(layout.contenders[column].identity["keras_version"] or "")), 0][0]


def _split(layout: Layout, columns: Positions) -> tuple[Positions, Positions]:
    """Those that go on, and those that keep an older Keras after a newer one was there: nobody upgrades to these."""
    onward: Positions = []
    back: Positions = []
    for column in columns:
        older = bool(onward) and _major(layout, column) < max(_major(layout, other) for other in onward)
        (back if older else onward).append(column)
    return onward, back


def _kept(name: str, contender: Contender) -> str:
    """The track of those that keep an older Keras: `tf_keras` is on TensorFlow alone."""
    keras = words.keras_name(str(contender.identity["keras_version"] or ""))
    if keras.startswith("tf_keras"):
        return name.replace(style.title("tensorflow"), "tf_keras", 1)
    return f"{name}, {keras.partition('.')[0]}"


def _branch(layout: Layout, onward: Positions, first: int) -> list[Pair]:
    """From the last that had the Keras that is kept, to the first that keeps it."""
    same = [column for column in onward if _major(layout, column) == _major(layout, first)]
    return [(same[-1], first)] if same else []


def _timed(ranked: Speeds, field: Field, column: int) -> bool:
    return any(counts(ranked.get((column, line))) for line in field.lines)


def _launched_twice(contenders: Iterable[Contender]) -> bool:
    """Whether any version ran under two launchers: then each of these has its own line."""
    found: dict[tuple[Any, ...], set[str]] = {}
    for contender in contenders:
        identity = contender.identity
        key = (contender.backend, *(identity[name] for name in ("variant", "framework_version", "keras_version")))
        found.setdefault(key, set()).add(str(identity["launcher"]))
    return any(len(launchers) > 1 for launchers in found.values())


def _kind(contender: Contender, by_launcher: bool) -> tuple[str, str, str]:
    """What the contenders of one track share."""
    identity = contender.identity
    launcher = str(identity["launcher"] or "") if by_launcher else ""
    return contender.backend, str(identity["variant"] or "faithful"), launcher


def _age(contender: Contender) -> tuple[str, list[int], list[int], str]:
    versions = (numbers(str(contender.identity[name] or "")) for name in ("framework_version", "keras_version"))
    framework, keras = versions
    return contender.released, framework, keras, contender.label


def _is_reference(contender: Contender) -> bool:
    backend, version = REFERENCE
    its = str(contender.identity["framework_version"] or "")
    return contender.backend == backend and (its == version or its.startswith(f"{version}."))


def _differ(layout: Layout, pair: Pair) -> bool:
    """Whether the two differ in a version: all else is no upgrade."""
    one, other = (layout.contenders[column].identity for column in pair)
    return any(_public(one[name]) != _public(other[name]) for name in ("framework_version", "keras_version"))


def _public(version: Any) -> str:
    """The version without what its build adds: 2.13.0 and 2.13.0+cpu are one."""
    return str(version or "").partition("+")[0]


def _alike(layout: Layout, columns: Sequence[int], same: str, other: str) -> Iterator[Pair]:
    """Neighbours in the version `other` among those that have one version `same`."""
    known: dict[str, dict[str, int]] = {}
    for column in columns:
        identity = layout.contenders[column].identity
        if identity[same] and identity[other]:
            known.setdefault(_public(identity[same]), {}).setdefault(_public(identity[other]), column)
    for versions in known.values():
        yield from itertools.pairwise([versions[version] for version in sorted(versions, key=numbers)])


def _asked(layout: Layout, ranked: Speeds, line: Timeline) -> Iterator[tuple[Pair, Where]]:
    """Every comparison once: each pair on each task that both ran, and over several."""
    pairs = [*line.steps, *line.whole, *line.keras, *line.backends]
    if line.reference is not None and line.spans(layout):
        pairs += [(line.reference, column) for column in line.columns if column != line.reference]
    for pair in dict.fromkeys(pairs):
        its = common(ranked, line.lines, pair)
        yield from ((pair, where) for where in [*([None] if len(its) > 1 else []), *its])


def _lines(ranked: Speeds, line: Timeline, pair: Pair, where: Where) -> Positions:
    return common(ranked, line.lines, pair) if where is None else [where]


def _difference(ranked: Speeds, line: Timeline, pair: Pair, where: Where) -> Difference:
    its = _lines(ranked, line, pair, where)
    first, second = ([ranked[column, each].repeats for each in its] for column in pair)
    return overall_difference(first, second)


def _gain(ranked: Speeds, line: Timeline, pair: Pair, where: Where, found: Difference) -> Gain:
    its = _lines(ranked, line, pair, where)
    speeds = [(ranked[pair[0], each], ranked[pair[1], each]) for each in its]
    ratio = statistics.geometric_mean(one.seconds / other.seconds for one, other in speeds)
    return Gain(ratio, found, len(its), any(speed.disturbed for both in speeds for speed in both))


def years(contender: Contender) -> float:
    """Its month as a number of years: 2017.5 is the middle of 2017."""
    year, _, number = contender.released.partition("-")
    return int(year) + (int(number) - 0.5) / 12
