"""The driver's answers, absences and losses; tests/stubgpu runs the same code over the real binding."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from orchestrator.host.nvml import GpuLost, Nvml


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


def test_the_drivers_buffer_is_read_from_where_the_last_reading_ended():
    def samples(handle, kind, since):
        entries = [(100, 10), (200, 20), (200, 20), (300, 30)]
        return 1, [SimpleNamespace(timeStamp=t, sampleValue=SimpleNamespace(uiVal=v)) for t, v in entries]

    nvml = Nvml(library(nvmlDeviceGetSamples=samples))
    found, newest = nvml.buffered("GPU-1", 100)
    assert [(s.util, s.kind) for s in found] == [(20.0, "buffer"), (30.0, "buffer")]
    assert newest == 300
    assert Nvml(library()).buffered("GPU-1", 100) == ([], 100)
