"""Reads the counters of the NVIDIA driver through nvidia-ml-py. What a card or driver does not have is None.

Nothing is cached between sessions, and nothing happens at import.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from orchestrator.errors import HostError
from orchestrator.model import Device, GpuSample

MIB = 2**20
#: What mends a driver that does not answer, by the code of its error (nvml.h).
REMEDIES = {
    4: "allow this user to read and write /dev/nvidia*",
    9: "load the driver's kernel module (`modprobe nvidia`); after a new kernel, install the driver anew",
    12: "install the NVIDIA driver; `nvidia-smi` must work",
    17: "the operating system keeps the GPU away: under WSL update the driver of Windows, in a container pass a GPU",
    18: "the driver was updated while the old one is still loaded: reboot, or unload and load its kernel modules",
    999: "in a container: start it anew (a reload of systemd takes its devices away); else reboot",
}
REMEDY = "`nvidia-smi` must work; a reboot, or the driver installed anew, often mends it"
#: NVML's number for a card that runs no CUDA program at all (compute mode "prohibited").
PROHIBITED = 2


class NvmlMissing(HostError):
    """No NVIDIA driver answers. `absent`: none is installed, which is what a host without a GPU looks like."""

    def __init__(self, message: str, hint: str = "", absent: bool = False) -> None:
        super().__init__(message, hint)
        self.absent = absent


class GpuLost(Exception):
    """The card does not answer any more: fell off the bus, or needs a reset."""


@contextmanager
def session() -> Iterator[Nvml]:
    """Open NVML for the time of the block. Raises NvmlMissing with the driver's own message."""
    import pynvml

    if not hasattr(pynvml, "NVMLLibraryMismatchError"):
        raise NvmlMissing(
            f"the package at {pynvml.__file__} is not nvidia-ml-py but an old package called pynvml, which hides it",
            "pip uninstall pynvml; pip install --force-reinstall nvidia-ml-py",
        )
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        absent = error.value == pynvml.NVML_ERROR_LIBRARY_NOT_FOUND
        raise NvmlMissing(f"NVML says: {error}", REMEDIES.get(error.value, REMEDY), absent) from error
    try:
        yield Nvml(pynvml)
    finally:
        with suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


class Nvml:
    """One NVML session. A GPU is named by its UUID."""

    def __init__(self, library: Any) -> None:
        self._n = library
        self._handles: dict[str, Any] = {}
        #: GPUs that are listed and do not answer: their error, by index.
        self.silent: dict[int, str] = {}
        #: Of several functions for one reading, the one that this driver has answered: it is called from then on.
        self._known: dict[tuple[str, ...], str] = {}
        #: Version 2 of the memory's figures, which tells what the driver reserves for itself from what is used.
        self._memory_v2 = getattr(library, "nvmlMemory_v2", None)

    def devices(self) -> list[Device]:
        """Every GPU that answers, in NVML's order."""
        n = self._n
        driver, cuda = self._ask("nvmlSystemGetDriverVersion"), self._ask("nvmlSystemGetCudaDriverVersion")
        found = []
        for index in range(self._ask("nvmlDeviceGetCount") or 0):
            try:
                handle = n.nvmlDeviceGetHandleByIndex(index)
                found.append(self._device(index, handle, _text(driver), cuda))
            except (n.NVMLError, GpuLost) as error:  # a card that fell off the bus: the others still work
                self.silent[index] = str(error)
        return found

    def _device(self, index: int, handle: Any, driver: str | None, cuda: int | None) -> Device:
        uuid = _text(self._ask("nvmlDeviceGetUUID", handle)) or f"GPU-index-{index}"
        self._handles[uuid] = handle
        capability = self._ask("nvmlDeviceGetCudaComputeCapability", handle)
        memory = self._memory(handle)
        return Device(
            kind="gpu",
            name=_text(self._ask("nvmlDeviceGetName", handle)) or f"GPU {index}",
            uuid=uuid,
            driver=driver,
            index=index,
            minor=self._ask("nvmlDeviceGetMinorNumber", handle),
            memory_mb=memory.total // MIB if memory else None,
            compute_capability=f"{capability[0]}.{capability[1]}" if capability else None,
            cuda=f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else None,
            unusable=self._unusable(handle),
        )

    def read(self, uuid: str) -> GpuSample:
        """A reading of all gauges and counters of a GPU. Raises GpuLost."""
        n, handle = self._n, self._handle(uuid)
        rates = self._ask("nvmlDeviceGetUtilizationRates", handle)
        memory = self._memory(handle)
        return GpuSample(
            t=time.monotonic(),
            uuid=uuid,
            util=_number(rates.gpu) if rates else None,
            mem_util=_number(rates.memory) if rates else None,
            mem_mb=memory.used / MIB if memory else None,
            power_w=_scaled(self._ask("nvmlDeviceGetPowerUsage", handle), 1e-3),
            temp_c=_number(
                self._ask("nvmlDeviceGetTemperature|nvmlDeviceGetTemperatureV", handle, n.NVML_TEMPERATURE_GPU)
            ),
            sm_mhz=_number(self._ask("nvmlDeviceGetClockInfo", handle, n.NVML_CLOCK_SM)),
            mem_mhz=_number(self._ask("nvmlDeviceGetClockInfo", handle, n.NVML_CLOCK_MEM)),
            throttle=self._ask(
                "nvmlDeviceGetCurrentClocksEventReasons|nvmlDeviceGetCurrentClocksThrottleReasons", handle
            ),
            energy_j=_scaled(self._ask("nvmlDeviceGetTotalEnergyConsumption", handle), 1e-3),
        )

    def buffered(self, uuid: str, since_us: int) -> tuple[list[GpuSample], int]:
        """The utilization that the driver itself recorded after `since_us`, and the newest of its time stamps.

        Both are microseconds of the driver's clock. Raises GpuLost.
        """
        n, handle = self._n, self._handle(uuid)
        answer = self._ask("nvmlDeviceGetSamples", handle, n.NVML_GPU_UTILIZATION_SAMPLES, since_us)
        if answer is None:
            return [], since_us
        kind, values = answer
        offset = time.monotonic() - time.time()
        fresh = {v.timeStamp: _sample_value(kind, v) for v in values if v.timeStamp > since_us}
        samples = [
            GpuSample(t=stamp / 1e6 + offset, uuid=uuid, kind="buffer", util=value)
            for stamp, value in sorted(fresh.items())
        ]
        return samples, max(fresh, default=since_us)

    def processes(self, uuid: str) -> list[tuple[int, float | None]] | None:
        """(pid, MiB) of each process that computes on a GPU; None where the driver does not tell. Raises GpuLost.

        The versions of this call differ in the size of their struct: the newest one that the driver has is used.
        """
        names = "nvmlDeviceGetComputeRunningProcesses_v3|nvmlDeviceGetComputeRunningProcesses_v2"
        found = self._ask(names, self._handle(uuid))
        if found is not None:
            return [(p.pid, _scaled(p.usedGpuMemory, 1 / MIB)) for p in found]
        return self._processes_v1(self._handle(uuid))

    def free_mb(self, uuid: str) -> int | None:
        """MiB that a job can still take. Raises GpuLost."""
        memory = self._memory(self._handle(uuid))
        return memory.free // MIB if memory else None

    def max_sm_mhz(self, uuid: str) -> int | None:
        """The highest clock of the processors of a GPU. Raises GpuLost."""
        answer: int | None = self._ask("nvmlDeviceGetMaxClockInfo", self._handle(uuid), self._n.NVML_CLOCK_SM)
        return answer

    def _handle(self, uuid: str) -> Any:
        if uuid not in self._handles:
            self.devices()
        try:
            return self._handles[uuid]
        except KeyError:
            raise GpuLost(f"no GPU answers to {uuid}") from None

    def _ask(self, names: str, *arguments: Any) -> Any:
        """The answer of the first of these functions ("newer|older") that the driver and the binding have.

        None for whatever the card, the driver or the binding does not have. Raises GpuLost.
        """
        wanted = tuple(names.split("|"))
        known = self._known.get(wanted)
        for name in (known,) if known else wanted:
            function: Callable[..., Any] = getattr(self._n, name, _absent)
            try:
                answer = function(*arguments)
            except self._n.NVMLError as error:
                self._raise_if_lost(error)
                if error.value != self._n.NVML_ERROR_FUNCTION_NOT_FOUND:
                    self._known[wanted] = name
                    return None
            except (self._n.NVMLLibraryMismatchError, AttributeError):  # neither is an NVMLError
                continue
            else:
                self._known[wanted] = name
                return answer
        return None

    def _memory(self, handle: Any) -> Any:
        """Total, free and used bytes. "used" leaves out what the driver reserves, where it tells the two apart."""
        if self._memory_v2 is not None:
            answer = self._ask("nvmlDeviceGetMemoryInfo", handle, self._memory_v2)
            if answer is not None:
                return answer
            self._memory_v2 = None  # a driver before 510
            self._known.pop(("nvmlDeviceGetMemoryInfo",), None)
        return self._ask("nvmlDeviceGetMemoryInfo", handle)

    def _unusable(self, handle: Any) -> str:
        """Why no job can run on a card that answers, in words; "" for nothing known."""
        mig = self._ask("nvmlDeviceGetMigMode", handle)
        if mig and mig[0]:
            return "MIG is on: the card is cut into slices, which this version does not measure"
        if self._ask("nvmlDeviceGetComputeMode", handle) == PROHIBITED:
            return "its compute mode is `prohibited`: no CUDA program may run on it"
        return ""

    def _processes_v1(self, handle: Any) -> list[tuple[int, float | None]] | None:
        try:
            return _processes_v1(self._n, handle)
        except self._n.NVMLError as error:
            self._raise_if_lost(error)
            return None

    def _raise_if_lost(self, error: Any) -> None:
        lost = (self._n.NVML_ERROR_GPU_IS_LOST, self._n.NVML_ERROR_RESET_REQUIRED)
        if error.value in lost:
            raise GpuLost(str(error)) from error


class _ProcessV1(ctypes.Structure):
    _fields_ = [("pid", ctypes.c_uint), ("used", ctypes.c_ulonglong)]


def _processes_v1(n: Any, handle: Any) -> list[tuple[int, float | None]] | None:
    """The call that every driver has; the binding itself has none for it any more."""
    function = getattr(n.nvmlLib, "nvmlDeviceGetComputeRunningProcesses", None)
    if function is None:
        return None
    count = ctypes.c_uint(0)
    code = function(handle, ctypes.byref(count), None)
    if code == n.NVML_SUCCESS:
        return []
    if code == n.NVML_ERROR_INSUFFICIENT_SIZE:
        count.value = 2 * count.value + 5
        array = (_ProcessV1 * count.value)()
        code = function(handle, ctypes.byref(count), array)
    if code != n.NVML_SUCCESS:
        raise n.NVMLError(code)
    return [(p.pid, None if p.used == 2**64 - 1 else p.used / MIB) for p in array[: count.value]]


def _sample_value(kind: int, sample: Any) -> float:
    union = sample.sampleValue
    fields = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")
    return float(getattr(union, fields[kind] if kind < len(fields) else "uiVal"))


def _absent(*arguments: Any) -> Any:
    raise AttributeError


def _text(value: str | bytes | None) -> str | None:
    return value.decode() if isinstance(value, bytes) else value


def _number(value: int | None) -> float | None:
    return None if value is None else float(value)


def _scaled(value: int | None, factor: float) -> float | None:
    return None if value is None else value * factor
