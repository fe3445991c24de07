"""Of a node's GPUs and memory a job uses what Slurm granted, and nothing else."""

from __future__ import annotations

import pytest

from orchestrator.executors.slurm.granted import granted_gpu, granted_memory_mb
from orchestrator.model import Device
from tests.make import make_host


def gpu(index, minor=None):
    return Device(kind="gpu", name="K80", uuid=f"GPU-{index}", index=index, minor=minor)


def part(number):
    """A slice of the card at place 0."""
    return Device(kind="gpu", name="A100 MIG", uuid=f"MIG-{number}", parent="GPU-0", part=number, index=0, minor=0)


@pytest.mark.parametrize(
    ("environ", "gpus", "uuid"),
    [
        ({"CUDA_VISIBLE_DEVICES": "1", "SLURM_JOB_GPUS": "1"}, [gpu(0, 0), gpu(1, 1)], "GPU-1"),
        ({"CUDA_VISIBLE_DEVICES": "0", "SLURM_JOB_GPUS": "3"}, [gpu(0, 7), gpu(1, 3)], "GPU-1"),  # by its device file
        ({"CUDA_VISIBLE_DEVICES": "0", "SLURM_JOB_GPUS": "3", "SLURM_GPUS_ON_NODE": "1"}, [gpu(0, 3)], "GPU-0"),
        ({"CUDA_VISIBLE_DEVICES": "GPU-1"}, [gpu(0), gpu(1)], "GPU-1"),
        ({"CUDA_VISIBLE_DEVICES": "1"}, [gpu(0), gpu(1)], "GPU-1"),
        ({"CUDA_VISIBLE_DEVICES": "MIG-1", "SLURM_JOB_GPUS": "0"}, [part(0), part(1)], "MIG-1"),
        ({"CUDA_VISIBLE_DEVICES": "MIG-", "SLURM_JOB_GPUS": "0"}, [part(0), part(1)], None),  # the begin of two names
        ({"CUDA_VISIBLE_DEVICES": "0", "SLURM_JOB_GPUS": "0"}, [part(0), part(1)], None),  # which slice is not said
        ({"CUDA_VISIBLE_DEVICES": "5", "SLURM_JOB_GPUS": "5"}, [gpu(0, 0), gpu(1, 1)], None),
        ({"CUDA_VISIBLE_DEVICES": ""}, [gpu(0, 0)], None),
        # A slice that the driver does not list is not its parent, nor a UUID another card's, whatever the number says.
        ({"CUDA_VISIBLE_DEVICES": "MIG-7", "SLURM_JOB_GPUS": "0", "SLURM_GPUS_ON_NODE": "1"}, [gpu(0, 0)], None),
        ({"CUDA_VISIBLE_DEVICES": "GPU-7", "SLURM_JOB_GPUS": "0", "SLURM_GPUS_ON_NODE": "1"}, [gpu(0, 0)], None),
        # Two slices of one card: its number tells neither.
        ({"CUDA_VISIBLE_DEVICES": "0", "SLURM_JOB_GPUS": "0"}, [gpu(1, 0), gpu(2, 0), gpu(3, 1)], None),
        # Neighbours that a control group hides: one card is left, and Slurm counts it otherwise.
        ({"CUDA_VISIBLE_DEVICES": "0", "SLURM_JOB_GPUS": "5", "SLURM_GPUS_ON_NODE": "1"}, [gpu(0, 2)], "GPU-0"),
        ({"CUDA_VISIBLE_DEVICES": "0", "SLURM_JOB_GPUS": "5", "SLURM_GPUS_ON_NODE": "2"}, [gpu(0, 2)], None),
        ({}, [gpu(0, 0)], None),
    ],
)
def test_the_gpu_is_the_one_that_was_granted_or_none(environ, gpus, uuid):
    found = granted_gpu(environ, gpus)
    assert (found.uuid if found else None) == uuid


@pytest.mark.parametrize(
    ("environ", "memory_mb"),
    [
        ({"SLURM_MEM_PER_NODE": "4096", "SLURM_MEM_PER_CPU": "1", "SLURM_CPUS_ON_NODE": "2"}, 4096),
        ({"SLURM_MEM_PER_CPU": "1024", "SLURM_CPUS_ON_NODE": "3"}, 3072),
        ({"SLURM_MEM_PER_CPU": "1024"}, 1024),
        ({"SLURM_MEM_PER_CPU": "1024", "SLURM_CPUS_ON_NODE": "many"}, 1024),
        ({"SLURM_MEM_PER_NODE": "0"}, 8 * 1024),  # all of it: Slurm grants no memory at this site
        ({"SLURM_MEM_PER_NODE": "4G"}, 8 * 1024),
        ({}, 8 * 1024),  # the host's, less what it needs itself
    ],
)
def test_the_memory_is_what_was_granted_or_the_hosts(monkeypatch, environ, memory_mb):
    for name in ("SLURM_MEM_PER_NODE", "SLURM_MEM_PER_CPU", "SLURM_CPUS_ON_NODE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert granted_memory_mb(make_host(memory_mb=9 * 1024)) == memory_mb
