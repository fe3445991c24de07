"""Examines this host: its name, processor, memory and GPUs; and divides its cores among jobs."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path

import msgspec

from orchestrator.errors import HostError
from orchestrator.host import nvml, visible
from orchestrator.model import Device, Host, Noun

#: Memory that stays with the host and the orchestrator when a job gets the rest, MiB.
RESERVE_MB = 1024


class Found(Noun, frozen=True, kw_only=True):
    """The GPUs of a host, with the fields of Host that say why they are these."""

    gpus: list[Device] = []
    no_gpu: str = ""
    silent_gpus: dict[int, str] = {}
    gpu_choice: str = ""
    gpu_trouble: str = ""
    gpu_mend: str = ""


def probe_host(environ: Mapping[str, str] | None = None) -> Host:
    """What a result says about this host. A host without a GPU is no error: `no_gpu` says why there is none.

    `environ`: the environment whose choice of GPUs is obeyed; None shows them all.
    """
    return Host(
        name=platform.node(),
        cpu=_cpu_model(),
        cores=sorted(os.sched_getaffinity(0)),
        memory_mb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        os=_os_name(),
        **msgspec.structs.asdict(_chosen(_gpus(), environ or {})),
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


def _gpus() -> Found:
    try:
        with nvml.session() as session:
            gpus, silent = session.devices(), session.silent
    except nvml.NvmlMissing as error:
        if error.absent:
            return Found(no_gpu=error.message)
        return Found(no_gpu=error.message, gpu_trouble=error.message, gpu_mend=error.hint)
    if gpus:
        return Found(gpus=gpus, silent_gpus=silent)
    if silent:
        why = f"no GPU answers: {', '.join(f'GPU {index}: {error}' for index, error in silent.items())}"
        return Found(no_gpu=why, silent_gpus=silent, gpu_trouble=why, gpu_mend=nvml.REMEDY)
    return Found(no_gpu="the NVIDIA driver answers but lists no GPU")


def _chosen(found: Found, environ: Mapping[str, str]) -> Found:
    choice = visible.choose(found.gpus, environ)
    if not choice.words:
        return found
    mend = f"name GPUs by their number (`nvidia-smi -L`) or UUID, or unset {visible.CUDA} and {visible.NVIDIA}"
    return msgspec.structs.replace(
        found,
        gpus=choice.gpus,
        no_gpu="" if choice.gpus else choice.trouble or choice.words,
        gpu_choice=choice.words,
        gpu_trouble=choice.trouble or found.gpu_trouble,
        gpu_mend=mend if choice.trouble else found.gpu_mend,
    )


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
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
