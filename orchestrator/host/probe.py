"""Examines this host: its name, processor, memory and GPUs; and divides its cores among jobs."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import msgspec

from orchestrator.errors import HostError
from orchestrator.host import nvml
from orchestrator.model import Device, Host

#: Memory that stays with the host and the orchestrator when a job gets the rest, MiB.
RESERVE_MB = 1024


def probe_host() -> Host:
    """What a result says about this host. A host without a GPU is no error: `no_gpu` says why there is none."""
    gpus, why, silent = _gpus()
    return Host(
        name=platform.node(),
        cpu=_cpu_model(),
        cores=sorted(os.sched_getaffinity(0)),
        memory_mb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        os=_os_name(),
        gpus=gpus,
        no_gpu=why,
        silent_gpus=silent,
    )


def default_threads(cores: int, parallel: int) -> int:
    """CPU threads of each job: an equal share of the cores, but one, which is for the engine and the sampler.

    Thread pools that spin while they wait for each other suffer most from a core that is taken away: recurrent
    layers on PyTorch were 10 times slower with two threads than with one on two cores.
    """
    return max(1, (cores - 1) // parallel)


def slots(host: Host, kind: str, threads: int, parallel: int) -> list[Device]:
    """The devices that may run a job at the same time: disjoint sets of cores, or the GPUs.

    Raises HostError where the host has too few cores.
    """
    if kind == "gpu":
        return [msgspec.structs.replace(g, cores=c) for g, c in zip(host.gpus, shares(host), strict=True)]
    if threads * parallel > len(host.cores):
        raise HostError(
            f"{parallel} jobs of {threads} threads need {threads * parallel} cores; this host has {len(host.cores)}",
            "lower --parallel or --threads",
        )
    sets = [host.cores[i * threads : (i + 1) * threads] for i in range(parallel)]
    return [Device(kind="cpu", name=f"cpu:{i}", cores=cores) for i, cores in enumerate(sets)]


def shares(host: Host) -> list[list[int]]:
    """Disjoint sets of cores, one per GPU, so that jobs side by side do not take them from each other.

    With more GPUs than cores some must share one.
    """
    cores, parts = host.cores, len(host.gpus)
    if parts > len(cores):
        return [[cores[i % len(cores)]] for i in range(parts)]
    return [cores[i * len(cores) // parts : (i + 1) * len(cores) // parts] for i in range(parts)]


def _gpus() -> tuple[list[Device], str, dict[int, str]]:
    try:
        with nvml.session() as session:
            gpus = session.devices()
            silent = session.silent
    except nvml.NvmlMissing as error:
        return [], error.message, {}
    if gpus:
        return gpus, "", silent
    return [], f"no GPU answers: {silent}" if silent else "the NVIDIA driver answers but lists no GPU", silent


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()


def _os_name() -> str:
    try:
        release = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        release = platform.system()
    return f"{release}, kernel {platform.release()}"
