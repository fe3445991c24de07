"""The driver's answers, absences and losses; tests/stubgpu runs the same code over the real binding."""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace

import pytest

from orchestrator.host.cards import DriverHangs, GpuLost, NoDriver
from orchestrator.host.nvidia import nvml as nvml_module
from orchestrator.host.nvidia.nvml import Nvml, session
from tests.fakes.nvml_binding import Refusal, library, refuse

HANGS = threading.Event()


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
    assert nvml.silent == {"0": "error 15"}


def test_a_count_that_no_host_has_ends_nothing():
    def handle(index):
        return index if index == 0 else refuse(2)()

    nvml = Nvml(library(nvmlDeviceGetCount=lambda: 2**32 - 1, nvmlDeviceGetHandleByIndex=handle))
    assert [device.index for device in nvml.devices()] == [0]


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
    with pytest.raises(DriverHangs, match="gave no answer in"), nvml_module.session() as nvml:
        nvml.read("GPU-1")
    answers.nvmlInit = pytest.fail
    with pytest.raises(DriverHangs), nvml_module.session():
        pytest.fail("it was asked again")
    HANGS.set()


def test_without_nvidia_ml_py_it_is_said_that_gpus_are_not_seen(monkeypatch):
    """Such a host does not look like one without a GPU, which `absent` would mean."""
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(NoDriver, match="GPUs and their figures need nvidia-ml-py") as caught, session():
        pytest.fail("not reached")
    assert not caught.value.absent and "pip install nvidia-ml-py" in caught.value.hint
