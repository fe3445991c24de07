"""Finds the processes on a GPU, and which of them are jobs of an orchestrator."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import msgspec

from orchestrator.host.nvml import Nvml
from orchestrator.model import GpuProcess


def in_words(processes: Sequence[GpuProcess]) -> str:
    """The processes in words, such as `process 7 (python x.py), process 8`; "" for none."""
    return ", ".join(f"process {p.pid}" + (f" ({p.command})" if p.command else "") for p in processes)


def identify(pid: int) -> GpuProcess:
    """A process with its command line, and the id of its job if it is one: jobs have `--job ID` in theirs."""
    try:
        argv = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").rstrip("\0").split("\0")
    except OSError:  # gone, or another user's where /proc hides those
        return GpuProcess(pid=pid)
    ours = any(word.endswith(("/run.py", "/own.py")) for word in argv)
    job = next((after for word, after in itertools.pairwise(argv) if word == "--job"), None)
    return GpuProcess(pid=pid, job=job if ours else None, command=" ".join(argv)[:120])


def present(nvml: Nvml, uuid: str) -> list[GpuProcess]:
    """The processes that compute on a GPU now; empty where the driver does not tell. Raises GpuLost."""
    found = nvml.processes(uuid) or []
    return [msgspec.structs.replace(identify(pid), memory_mb=memory) for pid, memory in found]
