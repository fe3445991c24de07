"""Slots: who may run beside whom, on which cores."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from orchestrator.errors import HostError
from orchestrator.host import probe
from orchestrator.host.probe import default_threads, probe_host, shares, slots, usable_cores
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


def test_each_gpu_has_cores_that_are_near_it():
    machine = host(list(range(8)), 3)
    near = [[4, 5, 6, 7], [0, 1, 2, 3], [0, 1, 2, 3]]
    gpus = [msgspec.structs.replace(gpu, near=cores) for gpu, cores in zip(machine.gpus, near, strict=True)]
    assert shares(msgspec.structs.replace(machine, gpus=gpus)) == [[4, 5, 6, 7], [0, 1], [2, 3]]


@pytest.mark.parametrize("near", [[], [9], [0, 1, 2, 3, 4, 5]], ids=["not told", "not ours", "some of another's"])
def test_where_nearness_does_not_divide_the_cores_all_are_shared_out(near):
    machine = host(list(range(8)), 2)
    gpus = [msgspec.structs.replace(machine.gpus[0], near=near), msgspec.structs.replace(machine.gpus[1], near=[4, 5])]
    assert shares(msgspec.structs.replace(machine, gpus=gpus)) == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_a_gpu_that_was_asked_for_is_the_only_one(monkeypatch):
    monkeypatch.setattr(probe, "_with_gpus", lambda _: host([0, 1], 3))
    assert [gpu.uuid for gpu in probe_host({}, ["2", "GPU-0"]).gpus] == ["GPU-2", "GPU-0"]
    both = probe_host({"CUDA_VISIBLE_DEVICES": "1,2"}, ["2"])
    assert [gpu.uuid for gpu in both.gpus] == ["GPU-2"]
    assert "--gpu=2" in both.gpu_choice
    for asked, environ in ((["7"], {}), (["0"], {"CUDA_VISIBLE_DEVICES": "1"}), (["MIG-1"], {})):
        with pytest.raises(HostError, match="--gpu"):
            probe_host(environ, asked)


def test_a_slot_per_gpu_with_its_cores():
    found = slots(host([0, 1, 2, 3], 2), "gpu", 1, 1)
    assert [(slot.uuid, slot.cores) for slot in found] == [("GPU-0", [0, 1]), ("GPU-1", [2, 3])]


def test_cpu_slots_are_disjoint_and_bounded():
    assert [slot.cores for slot in slots(host([0, 1, 2, 3], 0), "cpu", 2, 2)] == [[0, 1], [2, 3]]
    with pytest.raises(HostError, match="need 6 cores"):
        slots(host([0, 1, 2, 3], 0), "cpu", 3, 2)
    with pytest.raises(HostError, match=r"^1 job of 4,000 threads needs 4,000 cores; this host has 4"):
        slots(host([0, 1, 2, 3], 0), "cpu", 4000, 1)


@pytest.mark.parametrize(
    ("cores", "parallel", "threads"), [(1, 1, 1), (2, 1, 1), (4, 1, 3), (4, 2, 1), (64, 1, 63), (64, 4, 15)]
)
def test_every_job_has_as_many_cores_of_its_own_as_threads(cores, parallel, threads):
    """So no backend gets more of the host than another by starting more threads than it was allowed."""
    assert default_threads(cores, parallel) == threads
    found = [slot.cores for slot in slots(host(list(range(cores)), 0), "cpu", threads, parallel)]
    assert [len(own) for own in found] == [threads] * parallel
    assert len(set(itertools.chain(*found))) == threads * parallel


@pytest.mark.parametrize(
    ("quota", "usable"), [(None, 4), (0.2, 1), (1.5, 1), (2.0, 2), (3.99, 3), (64.0, 4)], ids=lambda value: str(value)
)
def test_a_quota_leaves_as_many_cores_as_it_fills(quota, usable):
    limited = msgspec.structs.replace(host([0, 1, 2, 3], 0), cpu_quota=quota)
    assert usable_cores(limited) == usable
    assert len(slots(limited, "cpu", 1, usable)) == usable
    with pytest.raises(HostError, match="need") as refused:
        slots(limited, "cpu", usable + 1, 1)
    assert quota is None or f"a CPU quota of {quota:g}" in refused.value.message


def test_this_host_has_all_that_tells_it_from_others():
    found = probe_host()
    assert found.machine is None or len(found.machine) == 12
    assert found.virtualization
    assert found.cpu_quota is None or found.cpu_quota > 0


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"proc/cpuinfo": "flags : fpu\n"}, "none"),
        ({"proc/cpuinfo": "flags : fpu hypervisor\n"}, "a hypervisor"),
        ({"proc/cpuinfo": "flags : hypervisor\n", "sys/class/dmi/id/sys_vendor": "VMware, Inc.\n"}, "VMware, Inc."),
        ({"sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc kvm-clock"}, "KVM"),
        ({"proc/sys/kernel/osrelease": "5.15-microsoft-standard-WSL2\n", "run/.containerenv": ""}, "WSL, container"),
        ({".dockerenv": ""}, "container"),
    ],
)
def test_what_a_host_runs_under(tmp_path, files, words):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert probe._virtualization(tmp_path) == words
