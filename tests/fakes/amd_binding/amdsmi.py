"""A stand-in for the package amdsmi, as its version 7.0.2 answers: dictionaries with "N/A", and exceptions by code.

$AMDSMI_STUB_STATE is a JSON file: {"cards": [{function without amdsmi_get_: what it gives}, ...]}. Wherever a number
stands there may be {"steps": [seconds, [a, b]]} (a and b in turn) or {"ramp": r} (grows by r a second), both by
CLOCK_MONOTONIC. {"error": code} fails; what is not there is not supported (2). "init": the code of amdsmi_init;
"hangs": a function that does not return.
"""

from __future__ import annotations

import enum
import json
import os
import pathlib
import time


class AmdSmiException(Exception):
    pass


class AmdSmiLibraryException(AmdSmiException):
    def __init__(self, err_code):
        super().__init__(err_code)
        self.err_code = err_code

    def __str__(self):
        return f"Error code:\n\t{self.err_code} | stub"


class AmdSmiInitFlags(enum.IntEnum):
    INIT_AMD_GPUS = 2


class AmdSmiClkType(enum.IntEnum):
    GFX = 1
    MEM = 5


class AmdSmiTemperatureMetric(enum.IntEnum):
    CURRENT = 0


class AmdSmiTemperatureType(enum.IntEnum):
    EDGE = 0
    HOTSPOT = 1
    JUNCTION = 1


#: Whether it was opened, and never twice at the same time without being closed.
_opened = []


def _state():
    return json.loads(pathlib.Path(os.environ["AMDSMI_STUB_STATE"]).read_text())


def _now(value):
    if isinstance(value, dict) and "steps" in value:
        period, values = value["steps"]
        return values[int(time.monotonic() / period) % len(values)]
    if isinstance(value, dict) and "ramp" in value:
        return int(time.monotonic() * value["ramp"])
    if isinstance(value, dict):
        return {key: _now(inner) for key, inner in value.items()}
    return [_now(inner) for inner in value] if isinstance(value, list) else value


def _answer(handle, name):
    state = _state()
    if not _opened:
        raise AmdSmiLibraryException(32)
    if state.get("hangs") == name:
        time.sleep(600)
    card = state["cards"][handle]
    value = card.get("all", card.get(name, {"error": 2}))
    if isinstance(value, dict) and "error" in value:
        raise AmdSmiLibraryException(value["error"])
    return _now(value)


def amdsmi_init(flag=AmdSmiInitFlags.INIT_AMD_GPUS):
    code = _state().get("init", 0)
    if code:
        raise AmdSmiLibraryException(code)
    _opened.append(flag)
    log = os.environ["AMDSMI_STUB_STATE"] + ".inits"
    with pathlib.Path(log).open("a") as file:
        file.write(f"{os.getpid()}\n")


def amdsmi_shut_down():
    _opened.pop()


def amdsmi_get_processor_handles():
    return list(range(len(_state()["cards"])))


def _getter(name):
    def get(processor_handle, *more):
        parts = [name, *(word.name.lower() for word in more if not isinstance(word, AmdSmiTemperatureMetric))]
        return _answer(processor_handle, " ".join(parts))

    get.__name__ = f"amdsmi_get_{name}"
    return get


for _name in (
    "gpu_asic_info", "gpu_device_bdf", "gpu_device_uuid", "gpu_enumeration_info", "gpu_vram_usage", "gpu_driver_info",
    "gpu_activity", "power_info", "energy_count", "temp_metric", "clock_info", "gpu_process_list", "power_cap_info",
    "pcie_info", "gpu_compute_partition", "gpu_memory_partition",
):  # fmt: skip
    globals()[f"amdsmi_get_{_name}"] = _getter(_name)
