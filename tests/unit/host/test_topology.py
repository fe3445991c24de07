"""Cores by their place: near a GPU, and two threads of one physical core never apart."""

from __future__ import annotations

import pytest

from orchestrator.host.topology import near_gpu, numbers, shared_out, siblings_together


@pytest.fixture
def system(tmp_path):
    """Four physical cores of two threads each, numbered as most machines do: 0 and 4 are one."""
    for core in range(8):
        place = tmp_path / f"devices/system/cpu/cpu{core}/topology"
        place.mkdir(parents=True)
        (place / "thread_siblings_list").write_text(f"{core % 4},{core % 4 + 4}\n")
    for bus, near in (("0000:3b:00.0", "0-1,4-5"), ("0000:d8:00.0", "2-3,6-7")):
        place = tmp_path / f"bus/pci/devices/{bus}"
        place.mkdir(parents=True)
        (place / "local_cpulist").write_text(near + "\n")
    return tmp_path


def test_threads_of_one_core_stay_together(system):
    assert siblings_together(range(8), system) == [[0, 4], [1, 5], [2, 6], [3, 7]]
    assert siblings_together([1, 4, 5], system) == [[1, 5], [4]]


def test_a_machine_that_does_not_tell_has_single_cores(tmp_path):
    assert siblings_together([3, 1], tmp_path) == [[1], [3]]


@pytest.mark.parametrize(
    ("parts", "shares"),
    [
        (1, [[0, 1, 2, 3, 4, 5, 6, 7]]),
        (2, [[0, 1, 4, 5], [2, 3, 6, 7]]),
        (4, [[0, 4], [1, 5], [2, 6], [3, 7]]),
        (8, [[0], [1], [2], [3], [4], [5], [6], [7]]),
    ],
)
def test_shares_are_disjoint_and_of_whole_cores(system, parts, shares):
    assert shared_out(range(8), parts, system) == shares


def test_with_too_few_cores_some_are_shared(system):
    assert shared_out([0, 1], 3, system) == [[0], [1], [0]]


def test_cores_near_a_gpu_are_found_by_its_bus(system):
    assert near_gpu("00000000:3B:00.0", system) == [0, 1, 4, 5]
    assert near_gpu("00000000:D8:00.0", system) == [2, 3, 6, 7]
    assert near_gpu("00000000:01:00.0", system) == []
    assert near_gpu(None, system) == []
    assert near_gpu("nonsense", system) == []


@pytest.mark.parametrize(
    ("text", "found"), [("0-3,8\n", [0, 1, 2, 3, 8]), ("", []), ("\n", []), ("a-b", []), ("3-", [3]), ("0-9999999", [])]
)
def test_lists_of_the_kernel(text, found):
    assert numbers(text) == found
