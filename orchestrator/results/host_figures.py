"""Makes figures of a job and of its epochs from the readings of its host. Nothing is read or written here.

Use is counted over all epochs; what the job lacked and how long it slept over the training of its steady epochs, as
its speed is. `stats/disturbance.py` says what a lack is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from orchestrator.model import Result
from orchestrator.results.columns import HOST_METRICS
from orchestrator.results.job_events import EpochEvent, number
from orchestrator.results.samples import Readings
from orchestrator.stats.disturbance import Counted, lack, slept

#: Counters of the readings -> the field of `Counted`.
COUNTERS = {"cpu_s": "cpu", "wait_s": "wait", "busy_s": "busy", "throttled_s": "throttled", "steal_s": "steal"}
#: The least part of a window that readings must cover.
COVERED = 0.5
#: The least part of the time between two readings that counts as sleep: the kernel counts use in steps of 10 ms.
ASLEEP = 0.1
#: The shortest time whose energy is told, seconds: the readings come up to 0.2 s late.
LEAST_ENERGY_S = 2.0
#: What is made of the readings of `cpu_s`: a counter of the seconds in which not even one core was used.
UNUSED = "unused"
#: The columns that need a known lack.
LACKS = ("lost_s", "lost_percent", "others_s", "disturbed", "idle_s", "idle_percent", "slept")


#: Begin and end, CLOCK_MONOTONIC in seconds.
Window = tuple[float, float]


def job_part(result: Result, epochs: Sequence[EpochEvent], readings: Readings) -> dict[str, Any]:
    """The host's columns of one result row."""
    part: dict[str, Any] = {m.column: readings.peak(m.field) for m in HOST_METRICS if m.how == "peak"}
    part |= {m.column: _use(m.field, epochs, readings) for m in HOST_METRICS if m.how == "share"}
    windows = [window for window in map(window_of_training, epochs[1:] or epochs) if window]
    if not windows or not readings.length:
        return part
    grown = Grown.of(readings, windows)
    part |= _figures(result, grown.whole()) | _means(readings, (windows[0][0], windows[-1][1]))
    alone = [_figures(result, counted) for counted in grown.each()]
    marked = [figures for figures in alone if figures["disturbed"]]
    if marked and not part["disturbed"]:  # one epoch of many: small in the sum, and still an epoch that is shown
        part["disturbed"] = max(marked, key=lambda figures: figures["lost_percent"])["disturbed"]
    known = any(figures["disturbed"] is not None for figures in alone)
    return {**part, "disturbed_epochs": len(marked) if known else None}


def energy_part(result: Result, epochs: Sequence[EpochEvent]) -> dict[str, Any]:
    """The energy of the host's processors from the begin of the first epoch to the end of the last."""
    told = result.cpu_energy
    if told is None or told.trouble:
        return {"cpu_energy_source": told.trouble} if told is not None else {}
    window = _whole(epochs)
    if window is None or told.joules is None or told.begin_t is None or told.end_t is None:
        return {}
    seconds, between = window[1] - window[0], told.end_t - told.begin_t
    if seconds < LEAST_ENERGY_S:
        return {"cpu_energy_source": f"epochs of less than {LEAST_ENERGY_S:g} s together are too short"}
    if min(window[1], told.end_t) - max(window[0], told.begin_t) < COVERED * seconds:
        return {"cpu_energy_source": "the readings do not cover the epochs"}
    return {"cpu_energy_j": number(told.joules * seconds / between), "cpu_energy_source": "RAPL"}


def epoch_parts(result: Result, epochs: Sequence[EpochEvent], readings: Readings) -> list[dict[str, Any]]:
    """The host's columns of each epoch; empty where nothing is known."""
    windows = [window_of_training(epoch) for epoch in epochs]
    known = [window for window in windows if window]
    if not known or not readings.length:
        return [{} for _ in epochs]
    found = iter(Grown.of(readings, known).each())
    return [_of_epoch(_figures(result, next(found))) if window else {} for window in windows]


def window_of_training(epoch: EpochEvent) -> Window | None:
    """Begin and end of the training of one epoch; None where a time is missing."""
    if epoch.t is None or not epoch.train_s or epoch.train_s < 0:
        return None
    end = float(epoch.t) - float(epoch.validation_s or 0)
    return end - float(epoch.train_s), end


class Grown(Struct, frozen=True):
    """By how much each counter grew in each of several windows; nan where readings cover too little of it."""

    seconds: np.ndarray
    counters: dict[str, np.ndarray]

    @classmethod
    def of(cls, readings: Readings, windows: Sequence[Window]) -> Grown:
        edges = np.array(windows, dtype=float)
        with np.errstate(over="ignore", invalid="ignore"):  # what no figure can hold becomes nan, hence None
            counters = {name: _grown(*readings.known(field), edges) for field, name in COUNTERS.items()}
            idle = _grown(*readings.once(UNUSED, lambda: _unused(readings)), edges)
            return cls(edges[:, 1] - edges[:, 0], {**counters, "idle": idle})

    def each(self) -> list[dict[str, float]]:
        names, columns = ("seconds", *self.counters), (self.seconds, *self.counters.values())
        return [dict(zip(names, map(float, line), strict=True)) for line in zip(*columns, strict=True)]

    def whole(self) -> dict[str, float]:
        """All windows together, without those that readings do not cover."""
        covered = ~np.isnan(self.counters["cpu"])
        sums = {name: float(values[covered].sum()) for name, values in self.counters.items()}
        return {"seconds": float(self.seconds[covered].sum()), **sums}


def _grown(t: np.ndarray, values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Growth of a counter in each window, linear between its readings; a little that lacks at an end is made up."""
    if len(t) < 2:
        return np.full(len(edges), np.nan)
    inside = edges.clip(t[0], t[-1])
    covered, wanted = inside[:, 1] - inside[:, 0], edges[:, 1] - edges[:, 0]
    grown = np.interp(inside[:, 1], t, values) - np.interp(inside[:, 0], t, values)
    enough = covered >= COVERED * wanted
    return np.where(enough, grown * wanted / np.where(enough, covered, 1.0), np.nan)


def _unused(readings: Readings) -> tuple[np.ndarray, np.ndarray]:
    """A counter of the seconds in which the job used not even one core: times and values."""
    t, used = readings.known("cpu_s")
    if len(t) < 2:
        return t, used
    between = np.diff(t)
    gaps = between - np.diff(used)
    return t, np.concatenate(([0.0], np.cumsum(np.where(gaps > ASLEEP * between, gaps, 0.0))))


def _figures(result: Result, counted: dict[str, float]) -> dict[str, Any]:
    """The columns of one window. `disturbed`: by what, "" for nothing worth a mark, None where nothing is known."""
    values = {name: None if np.isnan(value) else value for name, value in counted.items()}
    idle, seconds = values.pop("idle"), counted["seconds"]
    fingerprint = result.fingerprint
    cores = len(fingerprint.pinned_cores) if fingerprint else 0
    growth = {name: values[name] for name in COUNTERS.values()}
    found = lack(Counted(seconds=seconds, cores=cores or result.job.threads, **growth))
    part: dict[str, Any] = {f"{name}_s": _figure(values[name]) for name in ("wait", "throttled", "steal")}
    if found is None:
        return {**dict.fromkeys(LACKS), **part}
    asleep = None if idle is None else max(0.0, idle - found.lost)
    share = None if asleep is None else min(1.0, asleep / seconds)
    return {
        **part,
        "lost_s": _figure(found.lost),
        "lost_percent": _figure(100 * found.share),
        "others_s": _figure(found.others),
        "disturbed": ", ".join(found.causes) if found.marked else "",
        "idle_s": _figure(asleep),
        "idle_percent": None if share is None else _figure(100 * share),
        "slept": None if share is None else slept(asleep or 0.0, share) and result.job.device == "cpu",
    }


def _figure(value: float | None) -> float | None:
    """To the microsecond: the rest is what was lost between two large counters."""
    known = number(value)
    return None if known is None else round(known, 6)


def _of_epoch(figures: dict[str, Any]) -> dict[str, Any]:
    wanted = {metric.column for metric in HOST_METRICS if metric.per_epoch}
    return {name: value for name, value in figures.items() if name in wanted}


def _means(readings: Readings, window: Window) -> dict[str, Any]:
    found = {}
    for metric in HOST_METRICS:
        if metric.how == "mean":
            t, values = readings.known(metric.field)
            inside = values[(t >= window[0]) & (t <= window[1])]
            found[metric.column] = float(inside.mean()) if inside.size else None
    return found


def _whole(epochs: Sequence[EpochEvent]) -> Window | None:
    """From the begin of the first epoch to the end of the last."""
    begin, end = (epochs[0].t, epochs[-1].t) if epochs else (None, None)
    if begin is None or end is None:
        return None
    return begin - (epochs[0].train_s or 0) - (epochs[0].validation_s or 0), end


def _use(field: str, epochs: Sequence[EpochEvent], readings: Readings) -> float | None:
    """Percent of one core from the begin of the first epoch to the end of the last."""
    window = _whole(epochs)
    if window is None:
        return None
    growth = readings.growth(field, *window)
    return None if growth is None else number(100 * growth)  # 200 % is two busy cores
