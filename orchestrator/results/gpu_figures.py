"""Makes figures of a job and of its epochs from the readings of its GPU. Nothing is read or written here.

A reading belongs to a job by the GPU's UUID and the job's time window. Means are weighted with time: a polled reading
stands for the time that is nearer to it than to its neighbours, and never for more than HOLD_S to either side; an entry
of the driver's own record stands for the time since the entry before it. A window that is too short for the card's
counters, or half of which nobody saw, has no figure. docs/GPU.md says what was seen on a real card.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from orchestrator.host.nvidia.throttling import slowing
from orchestrator.model import GpuProcess, GpuSample, Result
from orchestrator.results.columns import EPOCH_METRICS, GPU_METRICS, How, Metric
from orchestrator.results.job_events import EpochEvent, job_epochs
from orchestrator.stats.disturbance import EVERYDAY

#: The most that one reading can stand for, seconds to either side.
HOLD_S = 1.0
#: The shortest window that has a figure, seconds: ten of the driver's entries of utilization, twenty steps of its
#: energy counter. On an H200, bursts of work at 700 W and 98 % came out 1 to 5 % and 6 points too low in 2 s (1 to 3 %
#: and 1 point in 4 s), but up to 8 % too low in 1 s and 38 % in 0.25 s; polls of the power gave 397 W in 1 s.
LEAST_S = 2.0
#: The same for energy on cards of compute capability 3 (Kepler), whose power sensor follows a load seconds later
#: (Burtscher, Zecena, Zong, "Measuring GPU power with the K20 built-in sensor", 2014).
LEAST_KEPLER_S = 10.0
#: A counter of energy that differs from power times time by more than this factor is not believed.
FACTOR = 2.0
#: What few cards tell, once a second, of what goes on in them and on their bus.
FINER = (
    "sm_active",
    "sm_occupancy",
    "tensor_active",
    "dram_active",
    "pcie_received_mib_s",
    "pcie_sent_mib_s",
)
#: Begin and end, CLOCK_MONOTONIC in seconds.
Window = tuple[float, float]
#: (value, seconds that it stands for)
Weighted = list[tuple[float, float]]
#: Reads one gauge or counter out of a reading.
Get = Callable[[GpuSample], float | None]


def window_of(epoch: EpochEvent) -> Window | None:
    """From the begin of the training to the end of the validation of one epoch; None where a time is missing."""
    if epoch.t is None or epoch.train_s is None or epoch.validation_s is None:
        return None
    end, train, validation = float(epoch.t), float(epoch.train_s), float(epoch.validation_s)
    return end - train - validation, end


def job_part(result: Result, epochs: Sequence[EpochEvent], samples: Sequence[GpuSample]) -> dict[str, Any]:
    """The GPU columns of one result row: means and counters over all epochs, peaks over the whole job."""
    if not samples or result.launched_t is None or result.exited_t is None:
        return {}
    samples = believed(samples)
    inside = [s for s in samples if result.launched_t <= s.t <= result.exited_t]
    windows = [w for w in map(window_of, epochs) if w]
    part = {m.column: OF_JOB[m.how](_known(inside, m.field), result) for m in GPU_METRICS if m.how in OF_JOB}
    if windows:
        whole = (windows[0][0], windows[-1][1])
        part.update(window_part(whole, samples, GPU_METRICS, result.job.id, least_s(result)))
    return part


def epoch_part(epoch: EpochEvent, samples: Sequence[GpuSample], result: Result) -> dict[str, Any]:
    """The GPU columns of one epoch of a job, from all readings of its GPU while it ran."""
    window = window_of(epoch)
    metrics = [metric for metric in EPOCH_METRICS if metric.device == "gpu"]
    if not window or not samples:
        return {}
    return window_part(window, samples, metrics, result.job.id, least_s(result))


def least_s(result: Result) -> float:
    """The shortest window whose energy this job's card can tell, seconds."""
    capability = result.fingerprint.compute_capability if result.fingerprint else None
    return LEAST_KEPLER_S if (capability or "").startswith("3.") else LEAST_S


def believed(samples: Sequence[GpuSample]) -> Sequence[GpuSample]:
    """The readings without a utilization that is 0 throughout while the card's power says that it worked.

    Some drivers answer 0 instead of "not supported", such as those of Jetson Thor.
    """
    used = [s.util for s in samples if s.util is not None]
    power = [s.power_w for s in samples if s.power_w]
    if not used or any(used) or not power or max(power) < 1.5 * min(power):
        return samples
    return [msgspec.structs.replace(s, util=None) for s in samples]


def window_part(
    window: Window, samples: Sequence[GpuSample], metrics: Sequence[Metric], job: str = "", least: float = LEAST_S
) -> dict[str, Any]:
    """The figures of one window, for those of the metrics that are made of a window; None where nothing was read.

    `least`: the shortest window whose energy is told, seconds.
    """
    gauges = {metric.field for metric in metrics if metric.how in OF_GAUGE}
    weights = {field: readings(window, samples, attrgetter(field)) for field in gauges}
    counters = {metric.field: metric.rate for metric in metrics if metric.how in OF_COUNTER}
    grown = {field: growth(window, samples, field, rate, least) for field, rate in counters.items()}
    inside = [s for s in samples if window[0] <= s.t <= window[1]]
    return {
        **{m.column: _of_gauge(m, window, weights[m.field], samples) for m in metrics if m.how in OF_GAUGE},
        **{m.column: grown[m.field][OF_COUNTER[m.how]] for m in metrics if m.how in OF_COUNTER},
        **{m.column: time_of(m, window, inside, job) for m in metrics if m.how in OF_TIME},
        **{m.column: OF_READING[m.how](window, samples, attrgetter(m.field)) for m in metrics if m.how in OF_READING},
    }


def _of_gauge(metric: Metric, window: Window, values: Weighted, samples: Sequence[GpuSample]) -> float | None:
    """A figure of a gauge. Where the card counts what the gauge is the rate of, the counter gives the mean."""
    seconds = window[1] - window[0]
    if metric.how == "readings":
        return len(values)
    if metric.counter:
        grown, source = growth(window, samples, metric.counter, metric.field)
        if grown is not None and source == "counter":
            return grown / seconds
    if seconds < LEAST_S or sum(weight for _, weight in values) < 0.5 * seconds:
        return None
    return OF_GAUGE[metric.how](values)


def readings(window: Window, samples: Sequence[GpuSample], get: Get) -> Weighted:
    """The readings that the driver itself recorded, else the polled ones: a poll repeats the driver's newest value."""
    found = recorded(window, [s for s in samples if s.kind == "buffer"], get)
    return found or weighted(window, [s for s in samples if s.kind == "poll"], get)


def source_of(window: Window, samples: Sequence[GpuSample], get: Get) -> str | None:
    """Whose readings the figures of a gauge are made of; None without any."""
    if recorded(window, [s for s in samples if s.kind == "buffer"], get):
        return "record"
    return "polls" if weighted(window, [s for s in samples if s.kind == "poll"], get) else None


def hz_of(window: Window, samples: Sequence[GpuSample], get: Get) -> float | None:
    """How many times a second the card was really read in a window; None where it was not."""
    polls = sum(s.kind == "poll" and window[0] <= s.t <= window[1] for s in samples)
    return polls / (window[1] - window[0]) if polls and window[1] > window[0] else None


def recorded(window: Window, samples: Sequence[GpuSample], get: Get) -> Weighted:
    """The driver's entries for the time in the window, each with its seconds: it tells of the time before its stamp."""
    points = [(s.t, value) for s in samples if (value := get(s)) is not None]
    spans = [
        (max(t0, t - HOLD_S, window[0]), min(t, window[1]), value) for (t0, _), (t, value) in itertools.pairwise(points)
    ]
    return [(value, end - begin) for begin, end, value in spans if end > begin]


def weighted(window: Window, samples: Sequence[GpuSample], get: Get) -> Weighted:
    """The readings inside the window, each with the seconds that it stands for."""
    begin, end = window
    points = [(s.t, value) for s in samples if begin <= s.t <= end and (value := get(s)) is not None]
    found = []
    for i, (t, value) in enumerate(points):
        left = (points[i - 1][0] + t) / 2 if i else begin
        right = (t + points[i + 1][0]) / 2 if i + 1 < len(points) else end
        found.append((value, min(right, t + HOLD_S) - max(left, t - HOLD_S)))
    return found


def mean(values: Weighted) -> float | None:
    """The mean weighted with time, None without a value."""
    total = sum(weight for _, weight in values)
    if not values:
        return None
    return sum(v * w for v, w in values) / total if total > 0 else sum(v for v, _ in values) / len(values)


def percentile(values: Weighted, q: float) -> float | None:
    """The smallest reading that covers `q` percent of the time together with all below it."""
    if not values:
        return None
    need = q / 100 * sum(weight for _, weight in values)
    covered = 0.0
    for value, weight in sorted(values):
        covered += weight
        if covered >= need - 1e-12:
            return value
    return max(value for value, _ in values)


def growth(
    window: Window, samples: Sequence[GpuSample], field: str, rate: str = "", least: float = LEAST_S
) -> tuple[float | None, str | None]:
    """Growth of a counter in a window, and how that is known: from the counter, else from its `rate` over time.

    A counter that stood still, was reset, or is far from its rate says nothing. Windows shorter than `least` seconds
    have no figure.
    """
    get = attrgetter(field)
    counter = [(s.t, value) for s in samples if (value := get(s)) is not None]
    begin, end = window
    if end - begin < least:
        return None, None
    rates = weighted(window, samples, attrgetter(rate)) if rate else []
    average, seen = mean(rates), sum(weight for _, weight in rates)
    if len(counter) >= 2 and counter[0][0] <= end and counter[-1][0] >= begin and end > begin:
        covered = max(begin, counter[0][0]), min(end, counter[-1][0])
        grown = _interpolated(counter, covered[1]) - _interpolated(counter, covered[0])
        seconds = covered[1] - covered[0]
        told = average is None or seen < 0.5 * (end - begin) or average / FACTOR <= grown / seconds <= average * FACTOR
        if seconds >= 0.9 * (end - begin) and grown > 0 and told:
            return grown, "counter"
    if average is not None and seen >= 0.9 * (end - begin):
        return average * (end - begin), "integrated"
    return None, None


def time_of(metric: Metric, window: Window, samples: Sequence[GpuSample], job: str) -> float | None:
    """Seconds of a window in which something held, or their share in percent; None where the device does not tell."""
    holds = OF_TIME[metric.how]
    found = weighted(window, samples, attrgetter(metric.field))
    if not found:
        return None
    seconds = sum(weight for value, weight in found if holds(value, job))
    if metric.unit == "s":
        return seconds
    return 100 * seconds / (window[1] - window[0]) if window[1] > window[0] else None


def _slowed(mask: Any, job: str) -> bool:
    return bool({*slowing(mask)} - EVERYDAY)


def _with_others(processes: Any, job: str) -> bool:
    return any(process.job != job for process in processes)


def peak(values: Sequence[float], result: Result) -> float | None:
    """The largest reading."""
    return max(values, default=None)


def throttle_reasons(masks: Sequence[int], result: Result) -> str | None:
    """Names of everything that slowed the GPU in these readings, "" for nothing, None where it does not tell."""
    return ", ".join(slowing(functools.reduce(operator.or_, masks))) if masks else None


def shared(lists: Sequence[Sequence[GpuProcess]], result: Result) -> bool | None:
    """Whether a process that is not this job was on its GPU; None where the driver lists no processes."""
    if result.fingerprint and result.fingerprint.gpu_busy:
        return True
    if not lists:
        return None
    return any(process.job != result.job.id for processes in lists for process in processes)


def summed(counts: Sequence[int], result: Result) -> int | None:
    """How many there were while the job ran; None where the card does not report them."""
    return sum(counts) if counts else None


def errors(lists: Sequence[Sequence[int]], result: Result) -> str | None:
    """The numbers of all errors while the job ran, "" for none, None where the card does not report them."""
    found = dict.fromkeys(str(number) for numbers in lists for number in numbers)
    return ", ".join(found) if lists else None


def own_memory(lists: Sequence[Sequence[GpuProcess]], result: Result) -> float | None:
    """The most memory that the job's own processes had, MiB; None where the driver does not tell."""
    own = [
        sum(process.memory_mb for process in processes if process.job == result.job.id and process.memory_mb)
        for processes in lists
    ]
    return max(own, default=0.0) or None


def chart_rows(result: Result, samples: Sequence[GpuSample]) -> list[dict[str, Any]]:
    """The readings of one job for a chart, by seconds since its launch; utilization as in the figures."""
    begin, end = result.launched_t, result.exited_t
    if begin is None or end is None:
        return []
    inside = [s for s in samples if begin <= s.t <= end]
    buffered = any(s.kind == "buffer" and s.util is not None for s in inside)
    return [
        {
            "run_id": result.run_id,
            "job_id": result.job.id,
            "t_s": s.t - begin,
            "util": s.util if s.kind == "buffer" or not buffered else None,
            "power_w": s.power_w,
            "mem_mb": s.mem_mb,
            "throttled": bool(slowing(s.throttle)),
            **{field: value for field in FINER if (value := getattr(s, field)) is not None},
        }
        for s in inside
    ]


def epoch_marks(result: Result) -> list[dict[str, Any]]:
    """Begin and end of each epoch for a chart, in seconds since the launch of its job."""
    found = []
    for number, epoch in enumerate(job_epochs(result), 1):
        window = window_of(epoch)
        if window and result.launched_t is not None:
            begin, end = (t - result.launched_t for t in window)
            mark = {"epoch": number, "begin_s": begin, "end_s": end}
            found.append({"run_id": result.run_id, "job_id": result.job.id, **mark})
    return found


def _known(samples: Sequence[GpuSample], field: str) -> list[Any]:
    return [value for value in map(attrgetter(field), samples) if value is not None]


def _interpolated(points: Sequence[tuple[float, float]], t: float) -> float:
    for (t0, v0), (t1, v1) in itertools.pairwise(points):
        if t0 <= t <= t1:
            return v0 + (v1 - v0) * (t - t0) / (t1 - t0) if t1 > t0 else v1
    return points[-1][1]


#: What is made of the readings of a gauge in a window.
OF_GAUGE: dict[How, Callable[[Weighted], float | None]] = {
    "mean": mean,
    "p50": functools.partial(percentile, q=50),
    "p95": functools.partial(percentile, q=95),
    "readings": len,
}
#: Which part of `growth` is meant.
OF_COUNTER: dict[How, int] = {"counter": 0, "source": 1}
#: What is said of the readings themselves.
OF_READING: dict[How, Callable[[Window, Sequence[GpuSample], Get], object]] = {"from": source_of, "hz": hz_of}
#: Whether a reading is one of those whose time is added up; the second argument is the job's id.
OF_TIME: dict[How, Callable[[Any, str], bool]] = {
    "slowed_s": _slowed,
    "slowed_percent": _slowed,
    "shared_s": _with_others,
    "shared_percent": _with_others,
}
#: What is made of all readings of a job.
OF_JOB: dict[How, Callable[[list[Any], Result], object]] = {
    "peak": peak,
    "reasons": throttle_reasons,
    "shared": shared,
    "sum": summed,
    "errors": errors,
    "own": own_memory,
}
