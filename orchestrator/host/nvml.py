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


class NvmlMissing(HostError):
    """No NVIDIA driver answers."""


class GpuLost(Exception):
    """The card does not answer any more: fell off the bus, or needs a reset."""


@contextmanager
def session() -> Iterator[Nvml]:
    """Open NVML for the time of the block. Raises NvmlMissing with the driver's own message."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise NvmlMissing(f"NVML says: {error}", "install the NVIDIA driver; `nvidia-smi` must work") from error
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

    def devices(self) -> list[Device]:
        """Every GPU that answers, in NVML's order."""
        n = self._n
        driver, cuda = self._ask(n.nvmlSystemGetDriverVersion), self._ask(n.nvmlSystemGetCudaDriverVersion)
        found = []
        for index in range(self._ask(n.nvmlDeviceGetCount) or 0):
            try:
                handle = n.nvmlDeviceGetHandleByIndex(index)
                found.append(self._device(index, handle, _text(driver), cuda))
            except (n.NVMLError, GpuLost) as error:  # a card that fell off the bus: the others still work
                self.silent[index] = str(error)
        return found

    def _device(self, index: int, handle: Any, driver: str | None, cuda: int | None) -> Device:
        n = self._n
        uuid = _text(self._ask(n.nvmlDeviceGetUUID, handle)) or f"GPU-index-{index}"
        self._handles[uuid] = handle
        capability = self._ask(n.nvmlDeviceGetCudaComputeCapability, handle)
        memory = self._ask(n.nvmlDeviceGetMemoryInfo, handle)
        return Device(
            kind="gpu",
            name=_text(self._ask(n.nvmlDeviceGetName, handle)) or f"GPU {index}",
            uuid=uuid,
            driver=driver,
            index=index,
            minor=self._ask(n.nvmlDeviceGetMinorNumber, handle),
            memory_mb=memory.total // MIB if memory else None,
            compute_capability=f"{capability[0]}.{capability[1]}" if capability else None,
            cuda=f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else None,
        )

    def read(self, uuid: str) -> GpuSample:
        """A reading of all gauges and counters of a GPU. Raises GpuLost."""
        n, handle = self._n, self._handle(uuid)
        rates = self._ask(n.nvmlDeviceGetUtilizationRates, handle)
        memory = self._ask(n.nvmlDeviceGetMemoryInfo, handle)
        return GpuSample(
            t=time.monotonic(),
            uuid=uuid,
            util=_number(rates.gpu) if rates else None,
            mem_util=_number(rates.memory) if rates else None,
            mem_mb=memory.used / MIB if memory else None,
            power_w=_scaled(self._ask(n.nvmlDeviceGetPowerUsage, handle), 1e-3),
            temp_c=_number(self._ask(n.nvmlDeviceGetTemperature, handle, n.NVML_TEMPERATURE_GPU)),
            sm_mhz=_number(self._ask(n.nvmlDeviceGetClockInfo, handle, n.NVML_CLOCK_SM)),
            mem_mhz=_number(self._ask(n.nvmlDeviceGetClockInfo, handle, n.NVML_CLOCK_MEM)),
            throttle=self._first(
                ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"), handle
            ),
            energy_j=_scaled(self._ask(n.nvmlDeviceGetTotalEnergyConsumption, handle), 1e-3),
        )

    def buffered(self, uuid: str, since_us: int) -> tuple[list[GpuSample], int]:
        """The utilization that the driver itself recorded after `since_us`, and the newest of its time stamps.

        Both are microseconds of the driver's clock. Raises GpuLost.
        """
        n, handle = self._n, self._handle(uuid)
        answer = self._ask(n.nvmlDeviceGetSamples, handle, n.NVML_GPU_UTILIZATION_SAMPLES, since_us)
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
        names = ("nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2")
        found = self._first(names, self._handle(uuid))
        if found is not None:
            return [(p.pid, _scaled(p.usedGpuMemory, 1 / MIB)) for p in found]
        oldest: list[tuple[int, float | None]] | None = self._ask(_processes_v1, self._n, self._handle(uuid))
        return oldest

    def max_sm_mhz(self, uuid: str) -> int | None:
        """The highest clock of the processors of a GPU. Raises GpuLost."""
        answer: int | None = self._ask(self._n.nvmlDeviceGetMaxClockInfo, self._handle(uuid), self._n.NVML_CLOCK_SM)
        return answer

    def _handle(self, uuid: str) -> Any:
        if uuid not in self._handles:
            self.devices()
        try:
            return self._handles[uuid]
        except KeyError:
            raise GpuLost(f"no GPU answers to {uuid}") from None

    def _first(self, names: tuple[str, ...], *arguments: Any) -> Any:
        """The answer of the first of several functions that the driver has."""
        known = self._known.get(names)
        for name in (known,) if known else names:
            function: Callable[..., Any] = getattr(self._n, name, _absent)
            try:
                answer = function(*arguments)
            except self._n.NVMLError as error:
                self._raise_if_lost(error)
                if error.value != self._n.NVML_ERROR_FUNCTION_NOT_FOUND:
                    self._known[names] = name
                    return None
            except (self._n.NVMLLibraryMismatchError, AttributeError):
                continue
            else:
                self._known[names] = name
                return answer
        return None

    def _ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The answer, or None for whatever the card or the driver does not have. Raises GpuLost."""
        try:
            return function(*arguments)
        except self._n.NVMLError as error:
            self._raise_if_lost(error)
            return None
        except self._n.NVMLLibraryMismatchError:  # which is not an NVMLError
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
