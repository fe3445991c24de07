"""A binding of the driver's library of a few lines: what is not given is not supported."""

from __future__ import annotations

from types import SimpleNamespace


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
