"""Reads the counters of the NVIDIA driver through nvidia-ml-py. What a card or driver does not have is None.

Nothing is cached between sessions, and nothing happens at import.
"""

from __future__ import annotations

import ctypes
import functools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import msgspec

from orchestrator import extras
from orchestrator.errors import HostError
from orchestrator.host import topology
from orchestrator.host.bounded import Bounded, NoAnswer
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
#: Seconds that any call may take. The first of a host without persistence mode takes up to 3.2 s for each GPU.
BOUND_S = 30.0
HANGS = "the driver does not answer: `nvidia-smi` will hang, too; look into `dmesg` for Xid, then reboot"
#: What no card can show is no reading: bounds by the field of a sample, both included.
POSSIBLE = {
    "util": (0, 100),
    "mem_util": (0, 100),
    "power_w": (0, 2500),
    "temp_c": (-60, 200),
    "sm_mhz": (0, 6000),
    "mem_mhz": (0, 30_000),
    "energy_j": (0, 1e15),
}
UTIL_ONLY = {"util": POSSIBLE["util"]}
#: Seconds without a new entry of the driver's record after which it is asked whether its clock was set back.
SLACK_S = 5.0
#: How a clock is found out: looks for a new entry, seconds between two, and how near a known clock must be.
LOOKS, LOOK_S, NEAR_S = 40, 0.01, 0.1
#: What NVML's numbers mean, in words.
ON_OFF: dict[object, str] = {0: "off", 1: "on"}
COMPUTE_MODES: dict[object, str] = {0: "default", 1: "exclusive thread", 2: "prohibited", 3: "exclusive process"}
VIRTUAL: dict[object, str] = {0: "none", 1: "passed through", 2: "vGPU", 3: "host of vGPUs", 4: "host of vGPUs (vSGA)"}
#: NVML's number for a card that runs no CUDA program at all (compute mode "prohibited").
PROHIBITED = 2


class NvmlMissing(HostError):
    """No NVIDIA driver answers. `absent`: none is installed, which is what a host without a GPU looks like."""

    def __init__(self, message: str, hint: str = "", absent: bool = False) -> None:
        super().__init__(message, hint)
        self.absent = absent


class NvmlHangs(NvmlMissing):
    """The driver took a call and gave no answer. It is not asked again by this process."""


class GpuLost(Exception):
    """The card does not answer any more: fell off the bus, or needs a reset."""


@contextmanager
def session() -> Iterator[Nvml]:
    """Open NVML for the time of the block. Raises NvmlMissing with the driver's own message."""
    try:
        with extras.needed("pynvml"):
            import pynvml
    except extras.Lacking as error:
        raise NvmlMissing(error.message, error.hint) from error

    if _hung:
        raise NvmlHangs(_hung[0], HANGS)
    if not hasattr(pynvml, "NVMLLibraryMismatchError"):
        raise NvmlMissing(
            f"the package at {pynvml.__file__} is not nvidia-ml-py but an old package called pynvml, which hides it",
            "pip uninstall pynvml; pip install --force-reinstall nvidia-ml-py",
        )
    call = Bounded(BOUND_S)
    try:
        call(pynvml.nvmlInit)
        yield Nvml(pynvml, call)
    except pynvml.NVMLError as error:
        absent = error.value == pynvml.NVML_ERROR_LIBRARY_NOT_FOUND
        raise NvmlMissing(f"NVML says: {error}", REMEDIES.get(error.value, REMEDY), absent) from error
    except NoAnswer as error:
        _hung.append(f"NVML: {error}")
        raise NvmlHangs(_hung[0], HANGS) from error
    finally:
        with suppress(pynvml.NVMLError, NoAnswer):
            call(pynvml.nvmlShutdown)
        call.end()


#: What a driver of this process did not answer, in words; empty as long as it answers.
_hung: list[str] = []


class Nvml:
    """One NVML session. A GPU is named by its UUID."""

    def __init__(self, library: Any, call: Callable[..., Any] | None = None) -> None:
        self._n = library
        self._call = call or (lambda function, *arguments: function(*arguments))
        #: By UUID: gives how much CLOCK_MONOTONIC is ahead of the clock of the driver's own record, seconds; and when
        #: its last new entry was read.
        self._clocks: dict[str, Callable[[], float]] = {}
        self._heard: dict[str, float] = {}
        #: How many readings no card can show, by the field of a sample.
        self.impossible: Counter[str] = Counter()
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
                handle = self._call(n.nvmlDeviceGetHandleByIndex, index)
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
            near=topology.near_gpu(_text(getattr(self._ask("nvmlDeviceGetPciInfo", handle), "busId", None))),
            board=self._ask("nvmlDeviceGetBoardId", handle),
            state=self._state(handle),
            unusable=self._unusable(handle),
        )

    def _state(self, handle: Any) -> dict[str, str]:
        """How a card is set up, in words: what changes its speed or its figures, as far as the driver tells."""
        n = self._n
        limit, clock = (
            self._ask("nvmlDeviceGetEnforcedPowerLimit", handle),
            self._ask("nvmlDeviceGetApplicationsClock", handle, n.NVML_CLOCK_SM),
        )
        ecc = self._ask("nvmlDeviceGetEccMode", handle)
        generation, width = (
            self._ask("nvmlDeviceGetCurrPcieLinkGeneration", handle),
            self._ask("nvmlDeviceGetCurrPcieLinkWidth", handle),
        )
        found = {
            "power limit": None if limit is None else f"{limit / 1000:g} W",
            "persistence mode": ON_OFF.get(self._ask("nvmlDeviceGetPersistenceMode", handle)),
            "ECC": ON_OFF.get(ecc[0]) if ecc else None,
            "compute mode": COMPUTE_MODES.get(self._ask("nvmlDeviceGetComputeMode", handle)),
            "application clock": None if clock is None else f"{clock} MHz",
            "PCIe": None if generation is None or width is None else f"generation {generation}, {width} lanes",
            "virtualization": VIRTUAL.get(self._ask("nvmlDeviceGetVirtualizationMode", handle)),
        }
        return {name: value for name, value in found.items() if value is not None}

    def read(self, uuid: str) -> GpuSample:
        """A reading of all gauges and counters of a GPU. Raises GpuLost."""
        n, handle = self._n, self._handle(uuid)
        rates = self._ask("nvmlDeviceGetUtilizationRates", handle)
        memory = self._memory(handle)
        total = memory.total / MIB if memory else 0.0
        sample = GpuSample(
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
        return self._possible(sample, {**POSSIBLE, "mem_mb": (0, total)})

    def _possible(self, sample: GpuSample, bounds: Mapping[str, tuple[float, float]]) -> GpuSample:
        """The sample without what no card can show: an error in the driver, or a value that it does not have."""
        odd = [f for f, (low, high) in bounds.items() if (v := getattr(sample, f)) is not None and not low <= v <= high]
        self.impossible.update(odd)
        return msgspec.structs.replace(sample, **dict.fromkeys(odd)) if odd else sample

    def buffered(self, uuid: str, since_us: int) -> tuple[list[GpuSample], int]:
        """The utilization that the driver itself recorded after `since_us`, and the newest of its time stamps.

        Both are microseconds of the driver's clock, whatever that counts from; 0 asks for all. Raises GpuLost.
        """
        fresh = self._recorded(uuid, since_us)
        now = time.monotonic()
        silent_s = now - self._heard.setdefault(uuid, now)
        if not fresh and silent_s > SLACK_S and since_us:
            every = self._recorded(uuid, 0)
            newest = max(every, default=since_us)
            if newest < since_us:  # its clock was set back: what is new is as young as the silence
                fresh = {stamp: value for stamp, value in every.items() if stamp > newest - silent_s * 1e6}
                self._clocks.pop(uuid, None)
        if not fresh:
            return [], since_us
        self._heard[uuid] = now
        offset = self._offset(uuid, now - max(fresh) / 1e6)
        samples = [
            self._possible(GpuSample(t=stamp / 1e6 + offset, uuid=uuid, kind="buffer", util=value), UTIL_ONLY)
            for stamp, value in sorted(fresh.items())
        ]
        return samples, max(fresh)

    def _recorded(self, uuid: str, since_us: int) -> dict[int, float]:
        """The entries of the driver's own record after a moment, by their stamps."""
        n, handle = self._n, self._handle(uuid)
        answer = self._ask("nvmlDeviceGetSamples", handle, n.NVML_GPU_UTILIZATION_SAMPLES, since_us)
        kind, values = answer or (0, [])
        return {v.timeStamp: _sample_value(kind, v) for v in values if v.timeStamp > since_us}

    def _offset(self, uuid: str, found: float) -> float:
        """Seconds from the clock of the driver's record to CLOCK_MONOTONIC; `found`: what its newest entry says."""
        lead = found - self._clocks[uuid]() if uuid in self._clocks else None
        if lead is None or not -NEAR_S <= lead <= SLACK_S:  # it was stepped, or this is the first entry
            self._clocks[uuid] = clock_of(self._soonest(uuid, found))
        return self._clocks[uuid]()

    def _soonest(self, uuid: str, found: float) -> float:
        """Waits for a new entry, which is read as soon as it is there, and gives what it says of the two clocks."""
        newest = round((time.monotonic() - found) * 1e6)
        for _ in range(LOOKS):
            time.sleep(LOOK_S)
            fresh = max(self._recorded(uuid, newest), default=newest)
            if fresh > newest:
                return min(found, time.monotonic() - fresh / 1e6)
        return found

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
                answer = self._call(function, *arguments)
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
            answer: list[tuple[int, float | None]] | None = self._call(_processes_v1, self._n, handle)
            return answer
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


def clock_of(ahead: float) -> Callable[[], float]:
    """Gives how much CLOCK_MONOTONIC is ahead of a clock, seconds, for one that was found to be behind by `ahead`.

    Drivers stamp with the wall clock, with the time since boot, or with a clock of their own that once was either.
    """
    for clock in (time.CLOCK_REALTIME, time.CLOCK_BOOTTIME, time.CLOCK_MONOTONIC):
        known = functools.partial(_ahead_of, clock)
        if abs(known() - ahead) < NEAR_S:
            return known
    return lambda: ahead


def _ahead_of(clock: int) -> float:
    return time.monotonic() - time.clock_gettime(clock)


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
