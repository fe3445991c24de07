"""Busy time, steal and clock of chosen cores, from files in the shape of the kernel's."""

from __future__ import annotations

import pytest

from orchestrator.host import cores as reading
from orchestrator.host.cores import Cores
from orchestrator.model import CoreUse

STAT = """cpu  9 9 9 9 9 9 9 9 9 9
cpu0 100 200 300 4000 500 10 20 50 90 0
cpu1 1 1 1 1 1 1 1 1 1 1
cpu10 1000 0 0 0 0 0 0 100 0 0
intr 12345 0 0
"""


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "TICKS", 100)
    (tmp_path / "stat").write_text(STAT)
    return tmp_path


def test_of_the_chosen_cores_what_anybody_used_and_what_the_hypervisor_took(host):
    assert Cores([0], host, host).read() == CoreUse(busy_s=6.3, steal_s=0.5)
    assert Cores([0, 10], host, host).read() == CoreUse(busy_s=16.3, steal_s=1.5)


@pytest.mark.parametrize("cores", [[], [7], [0, 7]])
def test_a_core_that_is_not_listed_makes_the_whole_unknown(host, cores):
    assert Cores(cores, host, host).read() is None


def test_without_the_kernels_file_nothing_is_known(tmp_path):
    assert Cores([0], tmp_path, tmp_path).read() is None


def test_an_old_kernel_without_steal(host):
    (host / "stat").write_text("cpu0 100 0 0 0 0 0 0\n")
    assert Cores([0], host, host).read() == CoreUse(busy_s=1.0, steal_s=0.0)


def test_the_clock_is_read_once_a_second(host):
    for core, khz in ((0, 2_000_000), (10, 3_000_000)):
        folder = host / f"devices/system/cpu/cpu{core}/cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_cur_freq").write_text(f"{khz}\n")
    cores = Cores([0, 10], host, host)
    assert cores.read().core_mhz == 2500.0
    assert cores.read().core_mhz is None
