"""The driver's answers, absences and losses; tests/stubgpu runs the same code over the real binding."""

from __future__ import annotations

import sys
import threading
import time
from types import SimpleNamespace

import pytest

from orchestrator.host import nvml as nvml_module
from orchestrator.host.nvml import GpuLost, Nvml, NvmlHangs, NvmlMissing, session


class Refusal(Exception):
    def __init__(self, value):
        super().__init__(f"error {value}")
        self.value = value


class Mismatch(Exception):
    pass


def refuse(value):
    def function(*arguments):
        raise Refusal(value)

    return function


def library(**functions):
    """A binding in which only these functions are supported. Error 3: not supported, 13: not in this driver."""
    constants = {
        "NVMLError": Refusal, "NVMLLibraryMismatchError": Mismatch, "NVML_ERROR_GPU_IS_LOST": 15,
        "NVML_ERROR_RESET_REQUIRED": 16, "NVML_ERROR_FUNCTION_NOT_FOUND": 13, "NVML_TEMPERATURE_GPU": 0,
        "NVML_CLOCK_SM": 1, "NVML_CLOCK_MEM": 2, "NVML_GPU_UTILIZATION_SAMPLES": 1, "NVML_SUCCESS": 0,
        "nvmlLib": SimpleNamespace(),
    }  # fmt: skip
    names = ["SystemGetDriverVersion", "SystemGetCudaDriverVersion", "DeviceGetName", "DeviceGetMinorNumber"]
    names += [
        "DeviceGetCudaComputeCapability",
        "DeviceGetMemoryInfo",
        "DeviceGetUtilizationRates",
        "DeviceGetPowerUsage",
    ]
    names += ["DeviceGetTemperature", "DeviceGetClockInfo", "DeviceGetTotalEnergyConsumption", "DeviceGetSamples"]
    unsupported = {f"nvml{name}": refuse(3) for name in names}
    present = {
        "nvmlDeviceGetCount": lambda: 1,
        "nvmlDeviceGetHandleByIndex": lambda index: f"handle {index}",
        "nvmlDeviceGetUUID": lambda handle: b"GPU-1",
    }
    return SimpleNamespace(**{**constants, **unsupported, **present, **functions})


HANGS = threading.Event()
#: How far the wall clock and the time since boot are ahead of CLOCK_MONOTONIC, seconds.
WALL, BOOT = 1_700_000_000.0, 86_400.0


class Clock:
    """CLOCK_MONOTONIC, as a test has it."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        self.stepped = 0.0
        monkeypatch.setattr("time.monotonic", lambda: self.now)
        monkeypatch.setattr("time.clock_gettime", self.read)
        monkeypatch.setattr("time.sleep", self.sleep)

    def read(self, clock):
        bases = {time.CLOCK_REALTIME: WALL + self.stepped, time.CLOCK_BOOTTIME: BOOT, time.CLOCK_MONOTONIC: 0.0}
        return self.now + bases[clock]

    def sleep(self, seconds):
        self.now += seconds


class Record:
    """A driver's record: an entry each 200 ms on a grid, the last 70 of them, stamped by a clock that starts at `base`.

    Its values tell when each was made, modulo 100 s.
    """

    def __init__(self, clock, base):
        self.clock, self.base = clock, base

    def __call__(self, handle, kind, since):
        latest = int(self.clock.now / 0.2)
        made = [0.2 * n for n in range(latest - 69, latest + 1)]
        stamped = [(int((self.base + t) * 1e6), t % 100) for t in made]
        fresh = [(stamp, value) for stamp, value in stamped if stamp > since]
        return 0, [SimpleNamespace(timeStamp=t, sampleValue=SimpleNamespace(dVal=v)) for t, v in fresh]

    def made(self, sample):
        """When an entry was made, on CLOCK_MONOTONIC."""
        whole = round((sample.t - sample.util) / 100) * 100
        return whole + sample.util


def test_what_is_not_supported_is_absent_and_not_zero():
    nvml = Nvml(library())
    (device,) = nvml.devices()
    assert (device.uuid, device.name, device.driver, device.memory_mb, device.cuda) == (
        "GPU-1", "GPU 0", None, None, None,
    )  # fmt: skip
    reading = nvml.read("GPU-1")
    known = {name for name in reading.__struct_fields__ if getattr(reading, name) is not None}
    assert known == {"t", "uuid", "kind"}
    assert nvml.processes("GPU-1") is None


def test_readings_are_in_the_units_of_their_names():
    nvml = Nvml(
        library(
            nvmlDeviceGetUtilizationRates=lambda handle: SimpleNamespace(gpu=50, memory=20),
            nvmlDeviceGetMemoryInfo=lambda handle: SimpleNamespace(used=3 * 2**20, total=8 * 2**20),
            nvmlDeviceGetPowerUsage=lambda handle: 92500,
            nvmlDeviceGetTotalEnergyConsumption=lambda handle: 4_200,
            nvmlDeviceGetClockInfo=lambda handle, kind: {1: 800, 2: 2505}[kind],
        )
    )
    reading = nvml.read("GPU-1")
    assert (reading.util, reading.mem_util, reading.mem_mb) == (50.0, 20.0, 3.0)
    assert (reading.power_w, reading.energy_j) == (92.5, pytest.approx(4.2))
    assert (reading.sm_mhz, reading.mem_mhz) == (800.0, 2505.0)


@pytest.mark.parametrize("code", [15, 16])
def test_a_card_that_fell_off_the_bus_is_lost(code):
    nvml = Nvml(library(nvmlDeviceGetUtilizationRates=refuse(code)))
    with pytest.raises(GpuLost, match=f"error {code}"):
        nvml.read("GPU-1")
    with pytest.raises(GpuLost, match="GPU-2"):
        nvml.read("GPU-2")


def test_a_silent_card_is_named_and_the_others_are_listed():
    def handle(index):
        if index == 0:
            raise Refusal(15)
        return index

    nvml = Nvml(library(nvmlDeviceGetCount=lambda: 2, nvmlDeviceGetHandleByIndex=handle))
    assert [device.index for device in nvml.devices()] == [1]
    assert nvml.silent == {0: "error 15"}


def test_the_name_that_a_driver_knows_is_remembered():
    asked = []

    def newer(handle):
        asked.append("newer")
        raise Refusal(13)

    def older(handle):
        asked.append("older")
        return 8

    nvml = Nvml(library(nvmlDeviceGetCurrentClocksEventReasons=newer, nvmlDeviceGetCurrentClocksThrottleReasons=older))
    assert [nvml.read("GPU-1").throttle for _ in range(3)] == [8, 8, 8]
    assert asked == ["newer", "older", "older", "older"]


@pytest.mark.parametrize(
    ("base", "exact"),
    [(WALL, 1e-5), (BOOT, 1e-5), (0.0, 1e-5), (WALL - 30.0, 0.02), (WALL + 0.5, 0.02), (12_345.0, 0.02)],
    ids=["wall clock", "boot", "monotonic", "behind the wall clock", "ahead of it", "of its own"],
)
def test_entries_lie_where_they_were_made_whatever_their_clock_counts_from(monkeypatch, base, exact):
    clock = Clock(monkeypatch)
    record = Record(clock, base)
    nvml = Nvml(library(nvmlDeviceGetSamples=record))
    found = followed(nvml, clock, seconds=10)
    assert max(abs(sample.t - record.made(sample)) for sample in found) < exact
    assert len({record.made(sample) for sample in found}) == len(found), "each entry once"


@pytest.mark.parametrize("step", [30.0, -30.0, -3600.0])
def test_a_clock_that_is_stepped_moves_no_entry(monkeypatch, step):
    clock = Clock(monkeypatch)
    record = Record(clock, WALL)
    nvml = Nvml(library(nvmlDeviceGetSamples=record))

    def stepped(second):
        if second == 10:
            record.base += step
            clock.stepped += step

    found = followed(nvml, clock, seconds=30, each=stepped)
    assert all(abs(sample.t - record.made(sample)) < 0.21 for sample in found[-50:])
    assert len(found) > 140, "of 150 entries and those before"


def followed(nvml, clock, seconds, each=lambda second: None):
    newest, found = 0, []
    for second in range(seconds):
        clock.now += 1.0
        each(second)
        samples, newest = nvml.buffered("GPU-1", newest)
        found += samples
    return found


@pytest.mark.parametrize(
    ("call", "answer", "field"),
    [
        ("DeviceGetUtilizationRates", SimpleNamespace(gpu=4_294_967_295, memory=3), "util"),
        ("DeviceGetPowerUsage", 4_294_967_295, "power_w"),
        ("DeviceGetTemperature", 4_294_967_295, "temp_c"),
        ("DeviceGetClockInfo", 4_294_967_295, "sm_mhz"),
        ("DeviceGetTotalEnergyConsumption", 2**64 - 1, "energy_j"),
        ("DeviceGetMemoryInfo", SimpleNamespace(total=2**30, used=2**40, free=0), "mem_mb"),
    ],
)
def test_what_no_card_can_show_is_no_reading_and_is_counted(call, answer, field):
    nvml = Nvml(library(**{f"nvml{call}": lambda *_: answer}))
    assert getattr(nvml.read("GPU-1"), field) is None
    assert nvml.impossible[field] == 1


def test_a_driver_that_hangs_is_given_up_and_not_asked_again(monkeypatch):
    answers = library(nvmlInit=lambda: None, nvmlShutdown=lambda: None, nvmlDeviceGetPowerUsage=lambda *_: HANGS.wait())
    monkeypatch.setitem(sys.modules, "pynvml", answers)
    monkeypatch.setattr(nvml_module, "BOUND_S", 0.2)
    monkeypatch.setattr(nvml_module, "_hung", [])
    with pytest.raises(NvmlHangs, match="gave no answer in"), nvml_module.session() as nvml:
        nvml.read("GPU-1")
    answers.nvmlInit = pytest.fail
    with pytest.raises(NvmlHangs), nvml_module.session():
        pytest.fail("it was asked again")
    HANGS.set()


def test_the_drivers_buffer_is_read_from_where_the_last_reading_ended():
    def samples(handle, kind, since):
        entries = [(100, 10), (200, 20), (200, 20), (300, 30)]
        return 1, [SimpleNamespace(timeStamp=t, sampleValue=SimpleNamespace(uiVal=v)) for t, v in entries]

    nvml = Nvml(library(nvmlDeviceGetSamples=samples))
    found, newest = nvml.buffered("GPU-1", 100)
    assert [(s.util, s.kind) for s in found] == [(20.0, "buffer"), (30.0, "buffer")]
    assert newest == 300
    assert Nvml(library()).buffered("GPU-1", 100) == ([], 100)


def test_without_nvidia_ml_py_it_is_said_that_gpus_are_not_seen(monkeypatch):
    """Such a host does not look like one without a GPU, which `absent` would mean."""
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(NvmlMissing, match="GPUs and their figures need nvidia-ml-py") as caught, session():
        pytest.fail("not reached")
    assert not caught.value.absent and "pip install nvidia-ml-py" in caught.value.hint
