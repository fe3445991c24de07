"""What a run that varies settings says along each of them: every contender against itself at its other values.

The other settings of a grid are held fixed. Which value is the fastest is chosen by the figures, so verdicts are
corrected for all pairs that might have been compared: those of the values of one contender for all of these in the
report, those between contenders for all pairs of contenders and settings.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.report.calls import seconds_per_sample
from orchestrator.report.grouping import group
from orchestrator.report.layout import Layout
from orchestrator.report.outcomes import word
from orchestrator.report.speeds import Speed, Speeds, speeds, why_none
from orchestrator.report.tasks import CONDITIONS, DECIDED, Task
from orchestrator.stats.inference import Difference, Repeats, holm, interval
from orchestrator.stats.overall import overall_difference
from orchestrator.stats.repeats import TRAIN
from orchestrator.stats.sweeps import axes_of, in_order

#: What is said of a value at which every repeat ran out of memory.
NO_MEMORY = "ran out of memory"
#: Position of a contender, and of a task.
Place = tuple[int, int]


class Stop(Struct, frozen=True):
    """One contender at one value of an axis.

    `rate`: samples per second, with its 95 % interval; None where it is not known. `found`: against the fastest value
    of this contender, above 1 this one takes longer. `why`: why there is no verdict, "" where there is one.
    """

    value: str
    line: int
    speed: Speed | None = None
    rate: float | None = None
    low: float | None = None
    high: float | None = None
    best: bool = False
    found: Difference | None = None
    why: str = ""

    @property
    def told(self) -> bool:
        """Whether it is surely slower than the fastest value."""
        return self.found is not None and self.found.significant and self.found.ratio > 1


class Track(Struct, frozen=True):
    """One contender along one axis, in the order of the values."""

    column: int
    stops: list[Stop]

    @property
    def best(self) -> Stop | None:
        return next((stop for stop in self.stops if stop.best), None)


class Along(Struct, frozen=True):
    """One axis of one workload; `fixed` has the other settings of a grid."""

    axis: str
    values: list[str]
    fixed: dict[str, str]
    tracks: list[Track]

    @property
    def is_numeric(self) -> bool:
        return all(is_number(value) for value in self.values)


class Rival(Struct, frozen=True):
    """The fastest setting of another contender; `found` sets it against the fastest of all, above 1 it takes longer."""

    place: Place
    found: Difference


class Sweep(Struct, frozen=True):
    """One workload on one machine at several settings.

    `where` tells the machine from the others of the report. `best`: the fastest of all contenders and settings, None
    where none has a time that counts, or where contenders did not do the same thing; `rivals`: those of the others, the
    fastest first.
    """

    task: Task
    where: str
    lines: list[int]
    columns: list[int]
    alongs: list[Along]
    best: Place | None = None
    rivals: list[Rival] = []

    @property
    def title(self) -> str:
        return f"{self.task.title} ({self.where})" if self.where else self.task.title

    @property
    def axes(self) -> list[str]:
        """Those that have several values."""
        return list(dict.fromkeys(along.axis for along in self.alongs))


def is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def sweeps(layout: Layout, ranked: Speeds) -> list[Sweep]:
    """Every workload of which some setting has several values and any speed, on each machine."""
    ranked, found = _in_batches(layout, ranked), []
    for lines, (machine, columns) in itertools.product(_tasks(layout), layout.machines.items()):
        its = [column for column in columns if any((column, line) in ranked for line in lines)]
        alongs = list(_alongs(layout, ranked, lines, its)) if its else []
        if alongs:
            found.append(Sweep(layout.tasks[lines[0]], layout.machine_words(machine), lines, its, alongs))
    return _overall(layout, ranked, _corrected(found))


def is_in_batches(layout: Layout, line: int) -> bool:
    """Whether calls are judged by the samples of their batches: where the batch is varied, as one sample knows none."""
    return layout.tasks[line].mode == "predict" and "batch_size" in setting(layout, line)


def _in_batches(layout: Layout, ranked: Speeds) -> Speeds:
    """The speeds in which tasks that are judged so have the seconds of one sample of a batch."""
    lines = {line for line in range(len(layout.tasks)) if is_in_batches(layout, line)}
    if not lines:
        return ranked
    rates = speeds(layout, lambda row: (), seconds_per_sample)
    others = {place: speed for place, speed in ranked.items() if place[1] not in lines}
    return others | {place: speed for place, speed in rates.items() if place[1] in lines}


def setting(layout: Layout, line: int) -> dict[str, str]:
    """The value of each axis of a task."""
    return axes_of(layout.tasks[line].conditions["axes"])


def counts(speed: Speed | None) -> bool:
    """Whether its time can be set against that of another setting."""
    return speed is not None and not speed.is_out and bool(speed.repeats)


def _tasks(layout: Layout) -> Iterator[list[int]]:
    """The tasks that differ in nothing but what is varied; of two with the same settings, one in each."""
    varied = [line for line in range(len(layout.tasks)) if setting(layout, line)]
    for _, members in group([_alike(layout.tasks[line]) for line in varied], (*CONDITIONS, "names")):
        apart: list[dict[str, int]] = []
        for line in (varied[i] for i in members):
            text = str(layout.tasks[line].conditions["axes"])
            fitting = next((each for each in apart if text not in each), None)
            if fitting is None:
                fitting = {}
                apart.append(fitting)
            fitting[text] = line
        yield from (list(each.values()) for each in apart)


def _alike(task: Task) -> dict[str, Any]:
    """What tasks of one sweep share."""
    names = sorted(axes_of(task.conditions["axes"]))
    own = task.conditions["asked_steps"] is not None  # what a file of one's own did may follow from what is varied
    hidden = {"axes", *(DECIDED if own else ()), *(["batch_size"] if "batch_size" in names else ())}
    return {**task.conditions, **dict.fromkeys(hidden), "names": " ".join(names)}


def _alongs(layout: Layout, ranked: Speeds, lines: Sequence[int], columns: Sequence[int]) -> Iterator[Along]:
    """Each axis with several values, once for every choice of the others."""
    settings = {line: setting(layout, line) for line in lines}
    for axis in settings[lines[0]]:
        choices: dict[tuple[tuple[str, str], ...], dict[str, int]] = {}
        for line, its in settings.items():
            others = tuple((name, value) for name, value in its.items() if name != axis)
            choices.setdefault(others, {})[its[axis]] = line
        for others, by_value in choices.items():
            values = in_order(by_value)
            if len(values) > 1:
                stops = [(value, by_value[value]) for value in values]
                tracks = [_track(layout, ranked, column, stops) for column in columns]
                varied = {name: value for name, value in others if _several(settings.values(), name)}
                yield Along(axis, values, varied, tracks)


def _several(settings: Any, name: str) -> bool:
    return len({each[name] for each in settings}) > 1


def _track(layout: Layout, ranked: Speeds, column: int, stops: Sequence[tuple[str, int]]) -> Track:
    """One contender, each value against its fastest, not yet corrected."""
    places = {line: ranked.get((column, line)) for _, line in stops}
    able = [line for line, speed in places.items() if counts(speed)]
    cost = {line: _cost(layout, ranked, (column, line), able) for line in able}
    best = min(able, key=lambda line: _middle(cost[line]), default=None) if len(able) > 1 else None
    return Track(column, [_stop(layout, column, value, line, places[line], cost, best) for value, line in stops])


def _stop(
    layout: Layout,
    column: int,
    value: str,
    line: int,
    speed: Speed | None,
    cost: dict[int, Repeats],
    best: int | None,
) -> Stop:
    if speed is None:
        return Stop(value, line, why=_why(layout, column, line))
    trained = layout.tasks[line].conditions["train"] if layout.tasks[line].mode == TRAIN else None
    samples = 1 if is_in_batches(layout, line) else trained
    bounds = interval(speed.repeats)
    found = (
        overall_difference([cost[best]], [cost[line]]) if best is not None and line in cost and line != best else None
    )
    return Stop(
        value,
        line,
        speed,
        samples / speed.seconds if samples else None,
        samples / bounds[2] if samples and bounds else None,
        samples / bounds[1] if samples and bounds else None,
        best=line == best,
        found=found,
        why=speed.verdict if speed.is_out else "",
    )


def _why(layout: Layout, column: int, line: int) -> str:
    """Why there is no time."""
    rows = layout.cells.get((column, line), [])
    statuses = list(dict.fromkeys(str(row["status"]) for row in rows))
    if not statuses:
        return "not planned"
    if statuses == ["oom"]:
        return NO_MEMORY
    if statuses == ["ok"]:
        return why_none(rows)
    return ", ".join(word(status) for status in statuses if status != "ok")


def _cost(layout: Layout, ranked: Speeds, place: Place, lines: Sequence[int]) -> Repeats:
    """Its seconds; those of a sample where the tasks do not train on equally many."""
    samples = [layout.tasks[line].conditions["train"] for line in lines]
    repeats = ranked[place].repeats
    if not all(samples) or len(set(samples)) < 2:
        return repeats
    its = layout.tasks[place[1]].conditions["train"]
    return [[seconds / its for seconds in epochs] for epochs in repeats]


def _middle(repeats: Repeats) -> float:
    return statistics.median(map(statistics.median, repeats))


def _corrected(found: Sequence[Sweep]) -> list[Sweep]:
    """The verdicts of all contenders along all axes at one error rate."""
    tracks = [track for sweep in found for along in sweep.alongs for track in along.tracks]
    stops = [stop for track in tracks for stop in track.stops]
    pairs = sum(math.comb(_tested(track), 2) for track in tracks)
    tested = iter(holm([stop.found for stop in stops if stop.found], pairs))
    made = iter([replace(stop, found=next(tested)) if stop.found else stop for stop in stops])
    return [
        replace(
            sweep,
            alongs=[
                replace(along, tracks=[replace(t, stops=[next(made) for _ in t.stops]) for t in along.tracks])
                for along in sweep.alongs
            ],
        )
        for sweep in found
    ]


def _tested(track: Track) -> int:
    """The values that have the repeats for a test."""
    return sum(counts(stop.speed) and len(stop.speed.repeats) > 1 for stop in track.stops if stop.speed)


def _overall(layout: Layout, ranked: Speeds, found: Sequence[Sweep]) -> list[Sweep]:
    """The sweeps with the fastest of all contenders and settings, and the best of the others against it."""
    led = [_led(layout, ranked, sweep) for sweep in found]
    pairs = sum(pairs for _, pairs in led)
    tested = iter(holm([rival.found for sweep, _ in led for rival in sweep.rivals], pairs))
    return [replace(s, rivals=[replace(rival, found=next(tested)) for rival in s.rivals]) for s, _ in led]


def _led(layout: Layout, ranked: Speeds, sweep: Sweep) -> tuple[Sweep, int]:
    """The same of one sweep, not yet corrected, and how many pairs of contenders and settings there are."""
    able = {c: [line for line in sweep.lines if counts(ranked.get((c, line)))] for c in sweep.columns}
    every = [line for lines in able.values() for line in lines]
    if not every:
        return sweep, 0
    cost = {(c, line): _cost(layout, ranked, (c, line), every) for c, lines in able.items() for line in lines}
    middles = {place: _middle(repeats) for place, repeats in cost.items()}
    firsts = [min(((c, line) for line in lines), key=middles.__getitem__) for c, lines in able.items() if lines]
    best, *others = sorted(firsts, key=middles.__getitem__)
    if any(layout.tasks[line].unlike for line in every):
        return sweep, 0
    rivals = [Rival(place, overall_difference([cost[best]], [cost[place]])) for place in others]
    pairs = sum(len(able[a]) * len(able[b]) for a, b in itertools.combinations(able, 2))
    return replace(sweep, best=best, rivals=rivals), pairs
