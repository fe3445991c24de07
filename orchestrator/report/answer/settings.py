"""The best value of each contender along each varied setting, as data for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.model import Noun
from orchestrator.report.layout import Layout
from orchestrator.report.swept import NO_MEMORY, Along, Sweep, Track


class BestValue(Noun, frozen=True, kw_only=True):
    """One contender along one axis, the settings `fixed` held.

    `value`: the fastest, None where fewer than two values have a time that counts; `samples_per_s` and `seconds` of it.
    `slower`: values that are surely slower, `not_told`: those that no test tells from it, `oom`: those that did not
    fit into memory, `not_got`: value and reason where a job did not get what it asked for.
    """

    workload: str
    machine: str
    contender: str
    axis: str
    fixed: dict[str, str]
    value: str | None = None
    seconds: float | None = None
    samples_per_s: float | None = None
    slower: list[str] = []
    not_told: list[str] = []
    oom: list[str] = []
    not_got: dict[str, str] = {}


def best_values(layout: Layout, found: Sequence[Sweep]) -> Iterator[BestValue]:
    """In the order of the section Sweeps."""
    for sweep in found:
        for along in sweep.alongs:
            yield from (_best(layout, sweep, along, track) for track in along.tracks)


def _best(layout: Layout, sweep: Sweep, along: Along, track: Track) -> BestValue:
    best, others = track.best, [stop for stop in track.stops if stop.found]
    return BestValue(
        workload=sweep.task.workload,
        machine=sweep.where,
        contender=layout.contenders[track.column].label,
        axis=along.axis,
        fixed=along.fixed,
        value=best.value if best else None,
        seconds=best.speed.seconds if best and best.speed else None,
        samples_per_s=best.rate if best else None,
        slower=[stop.value for stop in others if stop.told],
        not_told=[stop.value for stop in others if not stop.told],
        oom=[stop.value for stop in track.stops if stop.why == NO_MEMORY],
        not_got={stop.value: stop.speed.otherwise for stop in track.stops if stop.speed and stop.speed.otherwise},
    )
