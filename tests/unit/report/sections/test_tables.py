"""The tables of the devices: every labelled metric, in its unit, and marks of what disturbed it."""

from __future__ import annotations

from orchestrator.report.sections import tables

BUILD = {name: build for name, _, _, build in tables._FIGURES}
GPU = {
    "gpu_util_mean": 66.4,
    "gpu_util_p50": 70.0,
    "gpu_util_p95": 97.0,
    "gpu_samples_n": 120,
    "gpu_mem_peak_mb": 10800.0,
    "gpu_power_mean_w": 92.04,
    "energy_j": 4100.0,
    "energy_source": "counter",
    "sm_clock_mean": 1410.4,
    "gpu_temp_max_c": 61.0,
    "throttle_reasons": "",
    "gpu_shared": False,
}


def gpu(*changes):
    return BUILD["GPU"]([{**GPU, **change} for change in changes])


def test_the_gpu_table_has_every_labelled_metric_in_its_unit():
    cell = gpu({})
    assert cell.figure == "66 %"
    assert cell.lines == [
        "median 70 %", "95th 97 %", "memory peak 10.5 GB", "power 92.0 W", "energy 4,100 J", "clock 1410 MHz",
        "n = 120 readings",
    ]  # fmt: skip


def test_what_was_not_read_is_left_out():
    cell = gpu(dict.fromkeys(GPU))
    assert (cell.figure, cell.lines) == ("–", [])


def test_energy_that_was_worked_out_from_power_says_so():
    assert "energy 4,100 J" in gpu({}, {"energy_source": None}).lines
    assert "energy, from power: 4,100 J" in gpu({}, {"energy_source": "integrated"}).lines


def test_throttling_and_strangers_stand_last():
    cell = gpu({"throttle_reasons": "hw_slowdown"}, {"throttle_reasons": "hw_slowdown", "gpu_shared": True}, {})
    assert cell.lines[-3:] == ["n = 120 readings", "throttled: hw_slowdown", "shared with other processes"]


def test_the_host_table_has_its_figures():
    cell = BUILD["host"]([{"cpu_util_mean": 187.2, "rss_peak_mb": 640.0}])
    assert (cell.figure, cell.lines) == ("187 %", ["peak 640 MB"])
