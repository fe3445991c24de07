"""Short epochs have true figures of the GPU, or none: readings as drivers make them, of work that is known.

The driver's entries of utilization are means of the time before their stamps, its power is a mean of the last second,
its counter of energy is written each 100 ms; and all is read five times a second.
"""

from __future__ import annotations

import math

import pytest

from orchestrator.model import GpuSample
from orchestrator.results.columns import GPU_METRICS
from orchestrator.results.gpu_figures import window_part

#: Watts while a job computes and before it, and for how much of an epoch kernels run.
BUSY_W, IDLE_W, UTIL = 400.0, 70.0, 80.0
BEGIN = 6.0
PHASES = 16


def readings(seconds, period, phase):
    """From the start of a job whose epochs begin at BEGIN and last `seconds` together."""
    end = BEGIN + seconds

    def joules(t):
        return IDLE_W * t + (BUSY_W - IDLE_W) * max(0.0, min(t, end) - BEGIN)

    def util(stamp):
        return UTIL * max(0.0, min(stamp, end) - max(stamp - period, BEGIN)) / period

    stamps = [(n + phase) * period for n in range(int((end + 4) / period))]
    entries = [GpuSample(t=t, uuid="g", kind="buffer", util=util(t)) for t in stamps]
    polls = [
        GpuSample(t=t, uuid="g", power_w=joules(t) - joules(t - 1), energy_j=joules(math.floor(t / 0.1) * 0.1))
        for t in ((n + phase) / 5 for n in range(int(5 * (end + 4))))
    ]
    return sorted([*entries, *polls], key=lambda sample: sample.t)


@pytest.mark.parametrize("period", [1 / 6, 0.2, 1.0])
@pytest.mark.parametrize(
    ("epoch_s", "told"), [(0.05, False), (0.25, False), (0.5, False), (1.0, True), (5.0, True), (30.0, True)]
)
def test_a_job_of_three_epochs_has_true_figures_or_none(epoch_s, told, period):
    seconds = 3 * epoch_s
    for n in range(PHASES):
        part = window_part((BEGIN, BEGIN + seconds), readings(seconds, period, n / PHASES), GPU_METRICS)
        if not told:
            assert {part[name] for name in ("gpu_util_mean", "gpu_power_mean_w", "energy_j")} == {None}
            continue
        # The first and the last entry are partly of the time around the epochs.
        assert part["gpu_util_mean"] == pytest.approx(UTIL, abs=UTIL * period / seconds + 1)
        assert part["gpu_power_mean_w"] == pytest.approx(BUSY_W, rel=0.1 / seconds + 0.01)
        assert part["energy_j"] == pytest.approx(BUSY_W * seconds, rel=0.1 / seconds + 0.01)
