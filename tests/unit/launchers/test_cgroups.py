"""Both generations of control groups, from folders in their shape."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.host.run_queue import RunQueue
from orchestrator.launchers import cgroups

CONTAINER = "a" * 64


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def find(tmp_path, container=CONTAINER):
    return cgroups.find(7, container, tmp_path / "proc", tmp_path / "sys")


def test_the_first_generation(tmp_path):
    lines = f"5:memory:/docker/{CONTAINER}\n4:cpu,cpuacct:/docker/{CONTAINER}\n0::/\n"
    write(tmp_path / "proc/7/cgroup", lines)
    write(tmp_path / f"sys/cpuacct/docker/{CONTAINER}/cpuacct.usage", "1500000000\n")
    write(tmp_path / f"sys/memory/docker/{CONTAINER}/memory.stat", "cache 9\ntotal_rss 3145728\n")
    usage = find(tmp_path)()
    assert (usage.cpu_s, usage.rss_mb) == (1.5, 3.0)


def test_the_second_generation(tmp_path):
    group = f"sys/system.slice/docker-{CONTAINER}.scope"
    write(tmp_path / "proc/7/cgroup", f"0::/system.slice/docker-{CONTAINER}.scope\n")
    write(tmp_path / "sys/cgroup.controllers", "cpu memory\n")
    write(tmp_path / group / "cpu.stat", "usage_usec 2500000\nuser_usec 1\n")
    write(tmp_path / group / "memory.stat", "anon 1048576\nfile 5\n")
    usage = find(tmp_path)()
    assert (usage.cpu_s, usage.rss_mb) == (2.5, 1.0)


def test_a_job_that_is_gone_has_no_reading(tmp_path):
    write(tmp_path / "proc/7/cgroup", f"0::/docker/{CONTAINER}\n")
    write(tmp_path / "sys/cgroup.controllers", "")
    assert find(tmp_path)() is None


def test_another_process_is_not_taken_for_the_container(tmp_path):
    write(tmp_path / "proc/7/cgroup", "0::/user.slice\n")
    assert find(tmp_path) is None
    assert cgroups.find(8, CONTAINER, tmp_path / "proc", tmp_path / "sys") is None


def test_what_the_container_lacked(tmp_path):
    """The quota of the slice around it binds, too; its threads are counted by their numbers on this host."""
    write(tmp_path / "proc/7/cgroup", f"4:cpu,cpuacct:/slice/{CONTAINER}\n5:memory:/m/{CONTAINER}\n")
    write(tmp_path / f"sys/cpuacct/slice/{CONTAINER}/cpuacct.usage", "1500000000\n")
    write(tmp_path / f"sys/cpuacct/slice/{CONTAINER}/tasks", f"{os.getpid()}\n4194305\n")
    write(tmp_path / f"sys/memory/m/{CONTAINER}/memory.stat", "total_rss 3145728\n")
    write(tmp_path / f"sys/cpu/slice/{CONTAINER}/cpu.stat", "throttled_time 250000000\n")
    write(tmp_path / "sys/cpu/slice/cpu.stat", "throttled_time 1000000000\n")
    write(tmp_path / "sys/cpu/slice/cpu.cfs_quota_us", "150000\n")
    write(tmp_path / "sys/cpu/slice/cpu.cfs_period_us", "100000\n")
    usage = find(tmp_path)()
    assert (usage.throttled_s, usage.cpu_quota) == (1.25, 1.5)
    assert usage.wait_s is None or usage.wait_s >= 0
    assert (usage.wait_s is None) == (RunQueue().read([os.getpid()]) is None)


def test_the_second_generation_lists_its_threads_as_well(tmp_path):
    group = f"sys/system.slice/docker-{CONTAINER}.scope"
    write(tmp_path / "proc/7/cgroup", f"0::/system.slice/docker-{CONTAINER}.scope\n")
    write(tmp_path / "sys/cgroup.controllers", "cpu memory\n")
    write(tmp_path / group / "cpu.stat", "usage_usec 2500000\nthrottled_usec 500000\n")
    write(tmp_path / group / "cpu.max", "50000 100000\n")
    write(tmp_path / group / "cgroup.threads", f"{os.getpid()}\n")
    write(tmp_path / group / "memory.stat", "anon 1048576\n")
    usage = find(tmp_path)()
    assert (usage.throttled_s, usage.cpu_quota) == (0.5, 0.5)
    assert (usage.wait_s is None) == (RunQueue().read([os.getpid()]) is None)


def test_a_container_is_known_by_its_mounts(tmp_path):
    (tmp_path / "7").mkdir()
    line = "602 590 254:0 /tmp/rl/data/containers/c1/hostname /etc/hostname ro,relatime - ext4 /dev/vda rw"
    (tmp_path / "7" / "mountinfo").write_text(line + "\n")
    assert cgroups.mounted_in(7, "c1", tmp_path)
    assert not cgroups.mounted_in(7, "c", tmp_path)
    assert not cgroups.mounted_in(8, "c1", tmp_path)
