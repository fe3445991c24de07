"""Reads the counters of the NVIDIA driver through nvidia-ml-py. What a card or driver does not have is None.

The driver is opened once by a process and stays open: without its persistence mode it starts every card anew for the
first program, which takes 1 to 3 s each. Nothing happens at import.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from msgspec.structs import replace

from orchestrator import extras
from orchestrator.host import topology
from orchestrator.host.bounded import Bounded, NoAnswer
from orchestrator.host.cards import BOUND_S, DriverHangs, GpuLost, Listed, NoDriver
from orchestrator.host.nvidia import boards, card_state, finer, process_lists, slices
from orchestrator.host.nvidia.driver import Driver, text
from orchestrator.host.nvidia.driver_record import DriverRecord
from orchestrator.host.nvidia.finer import GpmReader
from orchestrator.host.nvidia.gpu_events import EventReader
from orchestrator.host.nvidia.slices import Slice
from orchestrator.host.plausible import sifted
from orchestrator.model import Device, GpuEvents, GpuSample

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
HANGS = "the driver does not answer: `nvidia-smi` will hang, too; look into `dmesg` for Xid, then reboot"
#: GPUs of a host that are looked for: a driver in trouble may count more.
MOST = 256
#: The code of NVML for what this user must not ask, and what that means of one card among several.
NO_PERMISSION = 4
WITHHELD = "Insufficient Permissions: the system gives it to another user or job"
#: NVML's fields of power: the mean of the last second, and now.
POWER_AVERAGE, POWER_NOW = 185, 186


@contextmanager
def session() -> Iterator[Nvml]:
    """The driver for the time of the block. Raises NoDriver with the driver's own message."""
    try:
        with extras.needed("pynvml"):
            import pynvml
    except extras.Lacking as error:
        raise NoDriver(error.message, error.hint) from error

    if _hung:
        raise DriverHangs(_hung[0], HANGS)
    if not hasattr(pynvml, "NVMLLibraryMismatchError"):
        raise NoDriver(
            f"the package at {pynvml.__file__} is not nvidia-ml-py but an old package called pynvml, which hides it",
            "pip uninstall pynvml; pip install --force-reinstall nvidia-ml-py",
        )
    call = Bounded(BOUND_S)
    try:
        with _opened(pynvml, call):
            nvml = Nvml(pynvml, call)
            try:
                yield nvml
            finally:
                nvml.close()
    except pynvml.NVMLError as error:
        absent = error.value == pynvml.NVML_ERROR_LIBRARY_NOT_FOUND
        raise NoDriver(f"NVML says: {error}", REMEDIES.get(error.value, REMEDY), absent) from error
    except NoAnswer as error:
        _hung.append(f"NVML: {error}")
        raise DriverHangs(_hung[0], HANGS) from error
    finally:
        call.end()


@contextmanager
def _opened(pynvml: Any, call: Bounded) -> Iterator[None]:
    """The driver counts who has it open. This process is counted once more, so that it stays open until it ends."""
    call(pynvml.nvmlInit)
    if not _open:
        _open.append(True)
        call(pynvml.nvmlInit)
    try:
        yield
    finally:
        with suppress(pynvml.NVMLError, NoAnswer):
            call(pynvml.nvmlShutdown)


#: What a driver of this process did not answer, in words; empty as long as it answers.
_hung: list[str] = []
#: Whether this process has opened the driver; empty until then.
_open: list[bool] = []


class Nvml:
    """What one thread asks of the driver. A GPU, or a slice of one, is named by its UUID."""

    def __init__(self, library: Any, call: Callable[..., Any] | None = None) -> None:
        self._n = library
        self._driver = Driver(library, call)
        self._ask = self._driver.ask
        self._record = DriverRecord(self._driver)
        #: How many readings no card can show, by the field of a sample.
        self.impossible: Counter[str] = Counter()
        self._handles: dict[str, Any] = {}
        self._slices: dict[str, Slice] = {}
        self._gpm: dict[str, GpmReader] = {}
        self._events: dict[str, EventReader] = {}
        #: GPUs that are listed and do not answer: their error, by number.
        self.silent: dict[str, str] = {}
        #: Version 2 of the memory's figures, which tells what the driver reserves for itself from what is used.
        self._memory_v2 = getattr(library, "nvmlMemory_v2", None)

    def devices(self) -> list[Device]:
        """Every GPU that answers, in NVML's order; in place of one that is cut into slices (MIG), those."""
        driver, cuda = text(self._ask("nvmlSystemGetDriverVersion")), self._ask("nvmlSystemGetCudaDriverVersion")
        cards: dict[str, Device] = {}
        handles: dict[str, Any] = {}
        withheld: dict[str, str] = {}
        for index in range(min(MOST, self._ask("nvmlDeviceGetCount") or 0)):
            try:
                handle = self._driver.call(self._n.nvmlDeviceGetHandleByIndex, index)
                if self._is_withheld(handle):
                    withheld[str(index)] = WITHHELD
                    continue
                # CUDA counts those that it may use, and so does whoever names one by its number.
                card = self._device(index - len(withheld), handle, driver, cuda)
            except (self._n.NVMLError, GpuLost) as error:  # a card that fell off the bus: the others still work
                kept = withheld if getattr(error, "value", None) == NO_PERMISSION else self.silent
                kept[str(index)] = WITHHELD if kept is withheld else str(error)
            else:
                cards[str(card.uuid)], handles[str(card.uuid)] = card, handle
        if not cards:  # else they are nobody's business here
            self.silent.update(withheld)
        self._handles.update(handles)
        shared = self._boards(handles)
        whole = [replace(card, board=shared.get(uuid)) for uuid, card in cards.items()]
        return [device for card in whole for device in self._offered(card, handles[str(card.uuid)])]

    def _is_withheld(self, handle: Any) -> bool:
        """Whether the driver does not even tell which card this is: a control group gives it to somebody else."""
        try:
            self._driver.call(self._n.nvmlDeviceGetUUID, handle)
        except self._n.NVMLError as error:
            return getattr(error, "value", None) == NO_PERMISSION
        return False

    def _boards(self, handles: dict[str, Any]) -> dict[str, str]:
        try:
            return boards.shared(self._driver, handles)
        except GpuLost:  # between two calls: readings will say which
            return {}

    def _offered(self, card: Device, handle: Any) -> Iterator[Device]:
        """The card, or its slices while it is cut; where there are none, the card with the reason."""
        try:
            if not slices.is_cut(self._driver, handle):
                yield card
                return
            found = list(slices.of_card(self._driver, card, handle))
        except GpuLost as error:
            self.silent[card.place] = str(error)
            return
        for device, part in found:
            self._handles[str(device.uuid)], self._slices[str(device.uuid)] = part.handle, part
            yield device
        if not found:
            yield replace(card, unusable=slices.UNCUT)

    def _device(self, index: int, handle: Any, driver: str | None, cuda: int | None) -> Device:
        capability = self._ask("nvmlDeviceGetCudaComputeCapability", handle)
        memory = self._memory(handle)
        return Device(
            kind="gpu",
            name=text(self._ask("nvmlDeviceGetName", handle)) or f"GPU {index}",
            uuid=text(self._ask("nvmlDeviceGetUUID", handle)) or f"GPU-index-{index}",
            driver=driver,
            index=index,
            minor=self._ask("nvmlDeviceGetMinorNumber", handle),
            memory_mb=memory.total // MIB if memory else None,
            compute_capability=f"{capability[0]}.{capability[1]}" if capability else None,
            cuda=f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else None,
            near=topology.near_gpu(text(getattr(self._ask("nvmlDeviceGetPciInfo", handle), "busId", None))),
            state=card_state.in_words(self._driver, handle),
            unusable=card_state.unusable(self._driver, handle),
        )

    def read(self, uuid: str, slow: bool = False) -> GpuSample:
        """A reading of all gauges and counters of a GPU. `slow`: those as well that take 40 ms. Raises GpuLost."""
        handle = self._handle(uuid)
        memory = self._memory(handle)
        sample = GpuSample(
            t=time.monotonic(),
            uuid=uuid,
            mem_mb=memory.used / MIB if memory else None,
            **self._of_card(uuid, handle),
            **({} if uuid in self._slices else self._of_whole(handle)),
            **(self._traffic(uuid, handle) if slow else {}),
        )
        return self._sifted(sample, memory.total / MIB if memory else 0.0)

    def _of_card(self, uuid: str, handle: Any) -> dict[str, Any]:
        """What a slice shares with its card."""
        n, ask = self._n, self._ask
        card = self._slices[uuid].card if uuid in self._slices else handle
        temperature = "nvmlDeviceGetTemperature|nvmlDeviceGetTemperatureV"
        reasons = "nvmlDeviceGetCurrentClocksEventReasons|nvmlDeviceGetCurrentClocksThrottleReasons"
        return {
            "temp_c": _scaled(ask(temperature, card, n.NVML_TEMPERATURE_GPU)),
            "sm_mhz": _scaled(ask("nvmlDeviceGetClockInfo", card, n.NVML_CLOCK_SM)),
            "mem_mhz": _scaled(ask("nvmlDeviceGetClockInfo", card, n.NVML_CLOCK_MEM)),
            "throttle": ask(reasons, card),
        }

    def _of_whole(self, handle: Any) -> dict[str, Any]:
        """What the driver tells of whole cards alone."""
        rates = self._ask("nvmlDeviceGetUtilizationRates", handle)
        average, now = self._power(handle)
        usage = _scaled(self._ask("nvmlDeviceGetPowerUsage", handle), 1e-3)
        return {
            "util": _scaled(rates.gpu) if rates else None,
            "mem_util": _scaled(rates.memory) if rates else None,
            "power_w": average if usage is None else usage,
            "power_now_w": now,
            "energy_j": _scaled(self._ask("nvmlDeviceGetTotalEnergyConsumption", handle), 1e-3),
        }

    def _power(self, handle: Any) -> tuple[float | None, float | None]:
        """Watts of the last second, and at this moment, where the card tells the two apart."""
        told = self._ask("nvmlDeviceGetFieldValues", handle, [POWER_AVERAGE, POWER_NOW]) or ()
        values = [value.value.uiVal / 1000 if value.nvmlReturn == self._n.NVML_SUCCESS else None for value in told]
        average, now = values if len(values) == 2 else (None, None)
        return average, now

    def _traffic(self, uuid: str, handle: Any) -> dict[str, Any]:
        """The traffic on the bus, of a whole card that has no finer figures."""
        return {} if uuid in self._slices or self._gpm_of(uuid).there else finer.traffic(self._driver, handle)

    def finer(self, uuid: str) -> GpuSample | None:
        """How the parts of a card were used since the last call, where it tells. Raises GpuLost."""
        sample = self._gpm_of(uuid).since_last(uuid)
        return self._sifted(sample) if sample else None

    def _gpm_of(self, uuid: str) -> GpmReader:
        if uuid not in self._gpm:
            self._gpm[uuid] = GpmReader(self._driver, self._handle(uuid), self._slices.get(uuid))
        return self._gpm[uuid]

    def events(self, uuid: str) -> GpuEvents | None:
        """What a GPU reported since the last call; None where its driver reports nothing. Raises GpuLost."""
        if uuid not in self._events:
            self._events[uuid] = EventReader(self._driver, self._handle(uuid), self._slices.get(uuid))
        return self._events[uuid].since_last()

    def buffered(self, uuid: str, since_us: int) -> tuple[list[GpuSample], int]:
        """The utilization that the driver itself recorded after `since_us`, and the newest of its time stamps.

        Both are microseconds of the driver's clock, whatever that counts from; 0 asks for all. Raises GpuLost.
        """
        handle = self._handle(uuid)
        if uuid in self._slices:
            return [], since_us
        samples, newest = self._record.since(uuid, handle, since_us)
        return [self._sifted(sample) for sample in samples], newest

    def processes(self, uuid: str) -> list[Listed] | None:
        """(pid, MiB) of each process that computes on a GPU; None where the driver does not tell. Raises GpuLost."""
        return process_lists.listed(self._driver, self._handle(uuid))

    def free_mb(self, uuid: str) -> int | None:
        """MiB that a job can still take. Raises GpuLost."""
        memory = self._memory(self._handle(uuid))
        return memory.free // MIB if memory else None

    def max_sm_mhz(self, uuid: str) -> int | None:
        """The highest clock of the processors of a GPU. Raises GpuLost."""
        answer: int | None = self._ask("nvmlDeviceGetMaxClockInfo", self._handle(uuid), self._n.NVML_CLOCK_SM)
        return answer

    def close(self) -> None:
        """Gives back what the driver keeps for this thread. Never raises for what it answers."""
        closing: list[Callable[[], None]] = [reader.close for reader in self._gpm.values()]
        for close in [*closing, *(reader.close for reader in self._events.values())]:
            with suppress(GpuLost, NoAnswer):
                close()

    def _handle(self, uuid: str) -> Any:
        """The driver's own name of a GPU, found without asking all of them. Raises GpuLost."""
        if uuid not in self._handles:
            handle = self._ask("nvmlDeviceGetHandleByUUID", uuid)
            if handle is None:
                self.devices()  # one without a UUID, or a driver that does not look it up
            else:
                part = slices.found_by(self._driver, uuid, handle)
                self._handles[uuid] = handle
                self._slices.update({uuid: part} if part else {})
        try:
            return self._handles[uuid]
        except KeyError:
            raise GpuLost(f"no GPU answers to {uuid}") from None

    def _sifted(self, sample: GpuSample, memory_mb: float = 0.0) -> GpuSample:
        """The sample without what no card can show, which is counted."""
        found, odd = sifted(sample, {"mem_mb": (0, memory_mb)})
        self.impossible.update(odd)
        return found

    def _memory(self, handle: Any) -> Any:
        """Total, free and used bytes. "used" leaves out what the driver reserves, where it tells the two apart."""
        if self._memory_v2 is not None:
            answer = self._ask("nvmlDeviceGetMemoryInfo", handle, self._memory_v2)
            if answer is not None:
                return answer
            self._memory_v2 = None  # a driver before 510
            self._driver.forget("nvmlDeviceGetMemoryInfo")
        return self._ask("nvmlDeviceGetMemoryInfo", handle)


def _scaled(value: float | None, factor: float = 1.0) -> float | None:
    return None if value is None else value * factor
