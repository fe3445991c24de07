"""What Slurm has granted to the job that this process runs in: its GPU and its memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from orchestrator.host.probe import RESERVE_MB
from orchestrator.model import Device, Host


def granted_gpu(environ: Mapping[str, str], gpus: Sequence[Device]) -> Device | None:
    """The NVML device of this job, None where it cannot be told for sure.

    Slurm counts GPUs as its gres.conf lists them, which is by /dev/nvidia<minor> on most sites; where it confines a
    job to its devices, NVML sees only those, and the counting starts anew.
    """
    visible = environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0]
    if visible.startswith(("GPU-", "MIG-")):
        named = [gpu for gpu in gpus if gpu.uuid and gpu.uuid.startswith(visible)]
        # What the driver does not list is nobody else's card, nor a slice's parent; two that fit are neither.
        return named[0] if len(named) == 1 else None
    number = (environ.get("SLURM_JOB_GPUS") or environ.get("SLURM_STEP_GPUS") or visible).split(",")[0]
    if not number.isdecimal():
        return None
    by_minor = [gpu for gpu in gpus if gpu.minor == int(number)]
    if len(by_minor) == 1:
        return by_minor[0]
    if by_minor:  # slices of one card, of which the number tells none
        return None
    if len(gpus) == 1 and environ.get("SLURM_GPUS_ON_NODE") == "1":
        return gpus[0]
    by_index = [gpu for gpu in gpus if gpu.index == int(number)]
    return by_index[0] if len(by_index) == 1 and all(gpu.minor is None for gpu in gpus) else None


def granted_memory_mb(host: Host) -> int:
    """What Slurm granted, where it grants memory at all; else what the host has, less what it needs itself."""
    cpus = os.environ.get("SLURM_CPUS_ON_NODE", "1")
    for name, count in (("SLURM_MEM_PER_NODE", 1), ("SLURM_MEM_PER_CPU", int(cpus) if cpus.isdecimal() else 1)):
        granted = os.environ.get(name, "")
        if granted.isdecimal() and int(granted) > 0:
            return int(granted) * count
    return host.memory_mb - RESERVE_MB
