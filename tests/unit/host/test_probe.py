"""Slots: who may run beside whom, on which cores."""

from __future__ import annotations

import itertools

import pytest

from orchestrator.errors import HostError
from orchestrator.host.probe import shares, slots
from orchestrator.model import Device, Host


def host(cores, gpus):
    found = [Device(kind="gpu", name="K80", uuid=f"GPU-{i}", index=i) for i in range(gpus)]
    return Host(name="h", cpu="c", cores=cores, memory_mb=1, os="o", gpus=found)


@pytest.mark.parametrize(("cores", "gpus"), [(6, 1), (6, 2), (7, 3), (64, 8), (4, 4)])
def test_jobs_on_different_gpus_have_different_cores(cores, gpus):
    sets = shares(host(list(range(cores)), gpus))
    assert sorted(itertools.chain(*sets)) == list(range(cores))
    assert max(map(len, sets)) - min(map(len, sets)) <= 1


def test_more_gpus_than_cores_must_share_some():
    assert shares(host([4, 5], 3)) == [[4], [5], [4]]


def test_a_slot_per_gpu_with_its_cores():
    found = slots(host([0, 1, 2, 3], 2), "gpu", 1, 1)
    assert [(slot.uuid, slot.cores) for slot in found] == [("GPU-0", [0, 1]), ("GPU-1", [2, 3])]


def test_cpu_slots_are_disjoint_and_bounded():
    assert [slot.cores for slot in slots(host([0, 1, 2, 3], 0), "cpu", 2, 2)] == [[0, 1], [2, 3]]
    with pytest.raises(HostError, match="need 6 cores"):
        slots(host([0, 1, 2, 3], 0), "cpu", 3, 2)
