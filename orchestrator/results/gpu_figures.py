"""From GPU readings to figures of a job and of its epochs. Pure.

A reading belongs to a job by the GPU's UUID and the job's time window. Means are weighted with time: a reading
stands for the time that is nearer to it than to its neighbours, and never for more than HOLD_S to either side.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from orchestrator.host.throttling import slowing
from orchestrator.model import GpuSample, Result
from orchestrator.results.job_events import EpochEvent, job_epochs

HOLD_S = 1.0
Window = tuple[float, float]
#: (value, seconds that it stands for)
Weighted = list[tuple[float, float]]


def window_of(epoch: EpochEvent) -> Window | None:
    """Begin of training to end of validation of one epoch, CLOCK_MONOTONIC."""
    if epoch.t is None or epoch.train_s is None or epoch.validation_s is None:
        return None
    end, train, validation = float(epoch.t), float(epoch.train_s), float(epoch.validation_s)
    return end - train - validation, end


def job_part(result: Result, epochs: Sequence[EpochEvent], samples: Sequence[GpuSample]) -> dict[str, Any]:
    """The GPU columns of one result row. Rates and means over all epochs, peaks over the whole job."""
    if not samples or result.launched_t is None or result.exited_t is None:
        return {}
    whole = (result.launched_t, result.exited_t)
    inside = [s for s in samples if whole[0] <= s.t <= whole[1]]
    windows = [w for w in map(window_of, epochs) if w]
    part: dict[str, Any] = {
        "gpu_mem_peak_mb": max((s.mem_mb for s in inside if s.mem_mb is not None), default=None),
        "gpu_temp_max_c": max((s.temp_c for s in inside if s.temp_c is not None), default=None),
        "throttle_reasons": throttle_reasons(inside),
        "gpu_shared": shared(result, inside),
    }
    return {**part, **(window_part((windows[0][0], windows[-1][1]), samples) if windows else {})}


def window_part(window: Window, samples: Sequence[GpuSample]) -> dict[str, Any]:
    """Time-weighted figures of one window. `gpu_samples_n` counts the readings behind the utilization."""
    util = utilization(window, samples)
    energy, source = energy_j(window, samples)
    return {
        "gpu_util_mean": mean(util),
        "gpu_util_p50": percentile(util, 50),
        "gpu_util_p95": percentile(util, 95),
        "gpu_power_mean_w": mean(weighted(window, samples, lambda s: s.power_w)),
        "sm_clock_mean": mean(weighted(window, samples, lambda s: s.sm_mhz)),
        "energy_j": energy,
        "energy_source": source,
        "gpu_samples_n": len(util),
    }


def utilization(window: Window, samples: Sequence[GpuSample]) -> Weighted:
    """The driver's own record where there is one (a poll repeats its newest entry), else the polls."""
    for kind in ("buffer", "poll"):
        found = weighted(window, [s for s in samples if s.kind == kind], lambda s: s.util)
        if found:
            return found
    return []


def weighted(window: Window, samples: Sequence[GpuSample], get: Callable[[GpuSample], float | None]) -> Weighted:
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


def energy_j(window: Window, samples: Sequence[GpuSample]) -> tuple[float | None, str | None]:
    """Joules used in a window, and how that is known: the card's counter, else power integrated over time."""
    counter = [(s.t, s.energy_j) for s in samples if s.energy_j is not None]
    begin, end = window
    if len(counter) >= 2 and counter[0][0] <= end and counter[-1][0] >= begin and end > begin:
        covered = max(begin, counter[0][0]), min(end, counter[-1][0])
        used = _at(counter, covered[1]) - _at(counter, covered[0])
        if covered[1] - covered[0] >= 0.9 * (end - begin) and used >= 0:  # a counter that was reset says nothing
            return used, "counter"
    power = weighted(window, samples, lambda s: s.power_w)
    if power and sum(weight for _, weight in power) >= 0.9 * (end - begin):
        return mean(power) * (end - begin), "integrated"  # type: ignore[operator]
    return None, None


def throttle_reasons(samples: Sequence[GpuSample]) -> str | None:
    """Names of everything that slowed the card in these readings, "" for nothing, None where it does not tell."""
    masks = [s.throttle for s in samples if s.throttle is not None]
    if not masks:
        return None
    together = 0
    for mask in masks:
        together |= mask
    return ", ".join(slowing(together))


def shared(result: Result, samples: Sequence[GpuSample]) -> bool | None:
    """Whether a process that is not this job was on its GPU; None where the driver lists no processes."""
    if result.fingerprint and result.fingerprint.gpu_busy:
        return True
    lists = [s.processes for s in samples if s.processes is not None]
    if not lists:
        return None
    return any(process.job != result.job.id for processes in lists for process in processes)


def epoch_part(epoch: EpochEvent, samples: Sequence[GpuSample]) -> dict[str, Any]:
    """The GPU columns of one epoch."""
    window = window_of(epoch)
    if window is None or not samples:
        return {}
    figures = window_part(window, samples)
    return {name: figures[name] for name in ("gpu_util_mean", "gpu_power_mean_w", "energy_j", "gpu_samples_n")}


def chart_rows(result: Result, samples: Sequence[GpuSample]) -> list[dict[str, Any]]:
    """The readings of one job for drawing: seconds since it was launched; utilization as in the figures."""
    begin, end = result.launched_t, result.exited_t
    if begin is None or end is None:
        return []
    inside = [s for s in samples if begin <= s.t <= end]
    buffered = any(s.kind == "buffer" for s in inside)
    return [
        {
            "run_id": result.run_id,
            "job_id": result.job.id,
            "t_s": s.t - begin,
            "util": s.util if s.kind == "buffer" or not buffered else None,
            "power_w": s.power_w,
            "mem_mb": s.mem_mb,
            "throttled": bool(throttle_reasons([s])),
        }
        for s in inside
    ]


def epoch_marks(result: Result) -> list[dict[str, Any]]:
    """When each epoch began and ended, seconds since the launch of its job."""
    found = []
    for number, epoch in enumerate(job_epochs(result), 1):
        window = window_of(epoch)
        if window and result.launched_t is not None:
            begin, end = (t - result.launched_t for t in window)
            mark = {"epoch": number, "begin_s": begin, "end_s": end}
            found.append({"run_id": result.run_id, "job_id": result.job.id, **mark})
    return found


def _at(points: Sequence[tuple[float, float]], t: float) -> float:
    for (t0, v0), (t1, v1) in itertools.pairwise(points):
        if t0 <= t <= t1:
            return v0 + (v1 - v0) * (t - t0) / (t1 - t0) if t1 > t0 else v1
    return points[-1][1]
