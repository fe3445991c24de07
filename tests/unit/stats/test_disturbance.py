"""What a job lacked, from counters: the right size and the right cause."""

from __future__ import annotations

import pytest

from orchestrator.stats.disturbance import (
    Counted,
    causes,
    disturbed,
    lack,
    most_frequent,
    slept,
    slowed_by,
    with_strangers,
)


def counted(**changes):
    fields = {"seconds": 10.0, "cores": 1, "cpu": 10.0, "wait": 0.0, "busy": 10.0, "throttled": 0.0, "steal": 0.0}
    return Counted(**{**fields, **changes})


def test_a_quiet_job_lacks_nothing():
    found = lack(counted())
    assert (found.lost, found.share, found.causes, found.marked) == (0.0, 0.0, (), False)


def test_half_of_a_core_that_others_took():
    found = lack(counted(cpu=5.0, wait=5.0, busy=10.0))
    assert (found.lost, found.share, found.causes, found.marked) == (5.0, 0.5, ("others on its cores",), True)


def test_threads_that_wait_for_one_another_lack_nothing():
    """Thirteen threads on one core: their waiting is thirteen times the time, and nobody else was there."""
    found = lack(counted(wait=120.0, busy=10.1))
    assert found.lost == pytest.approx(0.0)
    assert not found.marked


def test_others_on_a_core_that_the_job_leaves_idle_cost_it_nothing():
    found = lack(counted(cores=4, cpu=10.0, wait=0.02, busy=30.0))
    assert (found.lost, found.others, found.marked) == (0.02, 20.0, False)


@pytest.mark.parametrize("wait", [0.0, 8.0])
def test_a_quota_counts_once_whether_or_not_the_kernel_calls_it_waiting_too(wait):
    found = lack(counted(cpu=2.0, busy=2.0, wait=wait, throttled=8.0))
    assert (found.lost, found.share, found.causes) == (8.0, 0.8, ("CPU quota",))


def test_a_quota_that_held_others_back_as_well_is_no_more_than_what_the_job_left():
    assert lack(counted(cpu=2.0, busy=2.0, throttled=80.0)).lost == 8.0


def test_quota_and_others_together_never_exceed_what_the_job_left():
    found = lack(counted(cpu=2.0, busy=6.0, wait=8.0, throttled=8.0))
    assert found.lost == pytest.approx(8.0)
    assert found.causes == ("CPU quota", "others on its cores")


def test_what_the_hypervisor_took_is_added():
    found = lack(counted(cpu=7.0, busy=7.0, steal=3.0))
    assert (found.lost, found.share, found.causes) == (3.0, 0.3, ("hypervisor",))


def test_the_share_is_of_what_was_needed_on_several_cores():
    assert lack(counted(cores=4, cpu=30.0, wait=10.0, busy=40.0)).share == 0.25


def test_a_job_that_mostly_waits_for_a_gpu_needs_little():
    assert lack(counted(cores=16, cpu=0.1, wait=0.1, busy=5.0)).share == pytest.approx(0.01)


def test_without_the_kernels_count_of_waiting_it_is_what_others_used_of_what_the_job_left():
    assert lack(counted(cpu=6.0, busy=10.0, wait=None)).lost == 4.0


@pytest.mark.parametrize("unknown", ["cpu", "busy"])
def test_where_too_little_is_known_nothing_is_said(unknown):
    assert lack(counted(**{unknown: None})) is None
    assert lack(counted(seconds=0.0)) is None


def test_small_things_are_not_marked():
    assert not lack(counted(cpu=9.6, wait=0.4, busy=10.0)).marked  # 4 %
    assert not lack(counted(seconds=0.1, cpu=0.05, wait=0.05, busy=0.1)).marked  # 50 ms
    assert lack(counted(cpu=9.4, wait=0.6, busy=10.0)).marked
    assert [slept(5.0, 0.04), slept(0.05, 0.5), slept(0.5, 0.05)] == [False, False, True]


def test_the_causes_of_a_row_are_those_of_its_cores_and_of_its_gpu():
    assert causes({"disturbed": "CPU quota, hypervisor"}) == ["CPU quota", "hypervisor"]
    assert causes({"throttle_reasons": "hw_slowdown", "gpu_shared": True}) == ["GPU throttled", "strangers on its GPU"]
    assert causes({"disturbed": "", "throttle_reasons": None, "slept": True}) == []


def test_only_jobs_that_ended_well_have_figures_that_rest_on_something():
    rows = [
        {"status": "ok", "disturbed": "CPU quota"},
        {"status": "failed", "disturbed": "CPU quota"},
        {"status": "ok"},
    ]
    assert disturbed(rows) == rows[:1]
    assert most_frequent([*rows, {"disturbed": "hypervisor"}, {"disturbed": "hypervisor, a"}]) == [
        *("CPU quota", "hypervisor", "a"),
    ]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"throttle_reasons": "sw_power_cap"}, []),
        ({"throttle_reasons": "sw_power_cap, hw_thermal", "gpu_throttled_percent": 30.0}, ["hw_thermal"]),
        ({"throttle_reasons": "hw_thermal", "gpu_throttled_percent": 1.0}, []),
        ({"throttle_reasons": "hw_thermal", "gpu_throttled_percent": None}, ["hw_thermal"]),
        ({"throttle_reasons": ""}, []),
    ],
)
def test_a_gpu_at_its_power_limit_or_slowed_for_a_moment_is_not_disturbed(fields, found):
    assert slowed_by(fields) == found
    assert bool(causes(fields)) == bool(found)


def test_strangers_for_a_moment_are_not_worth_a_mark():
    assert with_strangers({"gpu_shared": True}) and with_strangers({"gpu_shared": True, "gpu_shared_percent": 50.0})
    assert not with_strangers({"gpu_shared": True, "gpu_shared_percent": 0.5}) and not with_strangers({})
