"""Quotas and throttling of a process's group and of those around it, from folders in the shape of both generations."""

from __future__ import annotations

import pytest

from orchestrator.host.control_groups import cpu_folders, groups_of, quota_cores, throttled_s


def write(root, files):
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.fixture
def first(tmp_path):
    return write(
        tmp_path,
        {
            "cpu/cpu.cfs_quota_us": "-1\n",
            "cpu/cpu.cfs_period_us": "100000\n",
            "cpu/cpu.stat": "nr_periods 0\nnr_throttled 0\nthrottled_time 0\n",
            "cpu/slice/cpu.cfs_quota_us": "150000\n",
            "cpu/slice/cpu.cfs_period_us": "100000\n",
            "cpu/slice/cpu.stat": "nr_periods 9\nnr_throttled 2\nthrottled_time 2500000000\n",
            "cpu/slice/job/cpu.cfs_quota_us": "400000\n",
            "cpu/slice/job/cpu.cfs_period_us": "100000\n",
            "cpu/slice/job/cpu.stat": "nr_periods 9\nnr_throttled 1\nthrottled_time 500000000\n",
        },
    )


@pytest.fixture
def second(tmp_path):
    return write(
        tmp_path,
        {
            "cgroup.controllers": "cpu memory\n",
            "cpu.stat": "usage_usec 7\n",
            "slice/cpu.max": "20000 100000\n",
            "slice/cpu.stat": "usage_usec 5\nthrottled_usec 1500000\n",
            "slice/job/cpu.max": "max 100000\n",
            "slice/job/cpu.stat": "usage_usec 5\nthrottled_usec 0\n",
        },
    )


def test_the_tightest_quota_of_all_groups_around_a_process_binds(first):
    folders = cpu_folders({"cpu": "/slice/job", "cpuacct": "/slice/job", "": "/"}, first)
    assert [folder.name for folder in folders] == ["job", "slice", "cpu"]
    assert quota_cores(folders) == 1.5
    assert throttled_s(folders) == 3.0


def test_the_second_generation(second):
    folders = cpu_folders({"": "/slice/job"}, second)
    assert [folder.name for folder in folders][:2] == ["job", "slice"]
    assert (quota_cores(folders), throttled_s(folders)) == (0.2, 1.5)


def test_without_a_quota_there_is_none_and_nothing_is_held_back(first, second):
    assert quota_cores(cpu_folders({"cpu": "/"}, first)) is None
    assert throttled_s(cpu_folders({"cpu": "/"}, first)) == 0
    assert quota_cores(cpu_folders({"": "/elsewhere"}, second)) is None


def test_a_path_as_another_namespace_tells_it_is_the_group_at_the_top(second):
    write(second, {"cpu.max": "50000 100000", "cpu.stat": "throttled_usec 9"})
    assert quota_cores(cpu_folders({"": "/docker/abc"}, second)) == 0.5


@pytest.mark.parametrize("text", ["", "nonsense", "5 0", "1 2 3"])
def test_a_quota_that_cannot_be_read_is_no_quota(tmp_path, text):
    write(tmp_path, {"cpu.max": text})
    assert quota_cores([tmp_path]) is None
    assert throttled_s([tmp_path]) is None


def test_the_groups_of_a_process_by_controller(tmp_path):
    write(tmp_path, {"7/cgroup": "4:cpu,cpuacct:/a:b\n1:name=systemd:/x\n0::/c\n"})
    assert groups_of(7, tmp_path) == {"cpu": "/a:b", "cpuacct": "/a:b", "name=systemd": "/x", "": "/c"}
    assert groups_of(8, tmp_path) == {}
