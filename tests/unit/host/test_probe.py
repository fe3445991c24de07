"""Slots: who may run beside whom, on which cores."""

from __future__ import annotations

import itertools

import pytest

from orchestrator.errors import HostError
from orchestrator.host.probe import default_threads, shares, slots
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


@pytest.mark.parametrize(
    ("cores", "parallel", "threads"), [(1, 1, 1), (2, 1, 1), (4, 1, 3), (4, 2, 1), (64, 1, 63), (64, 4, 15)]
)
def test_every_job_has_as_many_cores_of_its_own_as_threads(cores, parallel, threads):
    """So no backend gets more of the host than another by starting more threads than it was allowed."""
    assert default_threads(cores, parallel) == threads
    found = [slot.cores for slot in slots(host(list(range(cores)), 0), "cpu", threads, parallel)]
    assert [len(own) for own in found] == [threads] * parallel
    assert len(set(itertools.chain(*found))) == threads * parallel
