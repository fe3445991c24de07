"""The processes on a GPU, as the driver lists them: numbers and memory, by whichever version of the call serves."""

from __future__ import annotations

import ctypes
from typing import Any

from orchestrator.host.nvidia.driver import Driver

MIB = 2**20
#: Bytes that no card has.
MOST = 2**44
CALL = "nvmlDeviceGetComputeRunningProcesses"
#: Drivers between these two give version 3 of the call longer structs than its name promises: numbers would be garbage.
SCRAMBLED = ((535,), (535, 98))


def listed(driver: Driver, handle: Any) -> list[tuple[int, float | None]] | None:
    """(pid, MiB) of each process that computes on a GPU; None where the driver does not tell. Raises GpuLost.

    The versions of this call differ in the size of their struct: the newest one that the driver has is used.
    """
    oldest, newest = SCRAMBLED
    names = [f"{CALL}_v2"] if oldest <= driver.version() < newest else [f"{CALL}_v3", f"{CALL}_v2"]
    found = driver.ask("|".join(names), handle)
    if found is not None:
        return [(p.pid, _mib(p.usedGpuMemory)) for p in found]
    try:
        first: list[tuple[int, float | None]] | None = driver.call(_first_version, driver.n, handle)
    except driver.n.NVMLError as error:
        driver.raise_if_lost(error)
        return None
    return first


class _Process(ctypes.Structure):
    _fields_ = [("pid", ctypes.c_uint), ("used", ctypes.c_ulonglong)]


def _first_version(n: Any, handle: Any) -> list[tuple[int, float | None]] | None:
    """The call that every driver has; the binding itself has none for it any more."""
    function = getattr(n.nvmlLib, CALL, None)
    if function is None:
        return None
    count = ctypes.c_uint(0)
    code = function(handle, ctypes.byref(count), None)
    if code == n.NVML_SUCCESS:
        return []
    if code == n.NVML_ERROR_INSUFFICIENT_SIZE:
        count.value = 2 * count.value + 5
        array = (_Process * count.value)()
        code = function(handle, ctypes.byref(count), array)
    if code != n.NVML_SUCCESS:
        raise n.NVMLError(code)
    return [(p.pid, _mib(p.used)) for p in array[: count.value]]


def _mib(size: int | None) -> float | None:
    """Bytes as MiB; None for what is not told, and for more than any card has, which some drivers say instead."""
    return size / MIB if size is not None and size < MOST else None
