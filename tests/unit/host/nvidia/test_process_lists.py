"""Lists of processes by the version of the call that a driver has, and gives right."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from orchestrator.host.nvidia.driver import Driver
from orchestrator.host.nvidia.process_lists import listed
from tests.fakes.nvml_binding import library, refuse


def of(pid, memory=2**20):
    return lambda handle: [SimpleNamespace(pid=pid, usedGpuMemory=memory)]


@pytest.mark.parametrize(
    ("version", "asked"),
    [("470.256.02", 3), ("535.43.02", 2), ("535.86.10", 2), ("535.98", 3), ("535.104.05", 3), ("580.1", 3), (None, 3)],
)
def test_drivers_whose_newest_list_is_scrambled_are_asked_for_the_one_before(version, asked):
    calls = {f"nvmlDeviceGetComputeRunningProcesses_v{n}": of(n) for n in (2, 3)}
    driver = Driver(library(nvmlSystemGetDriverVersion=lambda: version, **calls))
    assert listed(driver, "handle") == [(asked, 1.0)]


def test_memory_that_is_not_told_is_none_and_a_list_that_is_not_told_too():
    driver = Driver(library(nvmlDeviceGetComputeRunningProcesses_v3=of(7, None)))
    assert listed(driver, "handle") == [(7, None)]
    absurd = Driver(library(nvmlDeviceGetComputeRunningProcesses_v3=of(7, 2**64 - 1)))
    assert listed(absurd, "handle") == [(7, None)]
    assert listed(Driver(library(nvmlDeviceGetComputeRunningProcesses_v3=refuse(3))), "handle") is None
