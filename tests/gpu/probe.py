"""What a real driver answers, as JSON on standard output: facts, the driver's own records, how long calls take, and how
the counters follow bursts of work. The stub driver of the tests is made to answer alike.

    python -m tests.gpu.probe

Needs nvidia-ml-py; the bursts need torch.
"""

from __future__ import annotations

import ctypes
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

#: Keeps a GPU busy for each of the given numbers of seconds, with pauses; prints when, by CLOCK_MONOTONIC.
LOAD = """
import json, sys, time, torch
x = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
x @ x; torch.cuda.synchronize(); print("ready", flush=True)
time.sleep(2)
for seconds in map(float, sys.argv[1:]):
    begin, n = time.monotonic(), 0
    while time.monotonic() < begin + seconds: x @ x; torch.cuda.synchronize(); n += 1
    print(json.dumps([begin, time.monotonic(), n]), flush=True)
    time.sleep(1.5)
"""
BURSTS = ["0.05", "0.1", "0.25", "0.5", "1", "2", "4", "0.05", "0.25", "1"]
#: Asked of a card, by the names of NVML without "nvmlDeviceGet", with further arguments. What follows a space is ours.
FACTS: dict[str, tuple[Any, ...]] = {
    "Name": (), "UUID": (), "MinorNumber": (), "MigMode": (), "ComputeMode": (), "PersistenceMode": (), "EccMode": (),
    "EnforcedPowerLimit": (), "PowerManagementLimitConstraints": (), "MaxClockInfo": (1,), "ApplicationsClock": (1,),
    "CpuAffinity": (2,), "MemoryInfo": (), "CurrentClocksEventReasons": (), "SupportedClocksEventReasons": (),
    "ComputeRunningProcesses_v3": (), "GraphicsRunningProcesses_v3": (), "CudaComputeCapability": (), "PciInfo": (),
    "CurrPcieLinkGeneration": (), "MaxPcieLinkGeneration": (), "CurrPcieLinkWidth": (), "VbiosVersion": (),
    "SupportedEventTypes": (), "PcieThroughput": (0,), "BoardId": (), "VirtualizationMode": (), "Brand": (),
    "Architecture": (), "AccountingMode": (), "ProcessUtilization": (0,), "Temperature": (0,), "TemperatureV": (0,),
    "PcieThroughput received": (1,), "ClockInfo": (1,), "ClockInfo memory": (2,), "UtilizationRates": (),
    "PowerUsage": (), "TotalEnergyConsumption": (), "FieldValues": ([185, 186],), "CurrentClocksThrottleReasons": (),
    "GpuInstanceId": (),
}  # fmt: skip
CALLS: dict[str, tuple[Any, ...]] = {
    "UtilizationRates": (), "MemoryInfo": (), "PowerUsage": (), "Temperature": (0,), "ClockInfo": (1,),
    "CurrentClocksEventReasons": (), "TotalEnergyConsumption": (), "ComputeRunningProcesses_v3": (), "Samples": (1, 0),
}  # fmt: skip
#: NVML's numbers of the records of power and utilization; of GPM's metrics.
POWER, UTILIZATION = 0, 1
GPM = {2: "sm", 3: "occupancy", 5: "tensor", 10: "dram", 20: "pcie sent", 21: "pcie received"}


def plain(value: Any) -> Any:
    """An answer of NVML as JSON knows it."""
    if isinstance(value, ctypes.Structure):
        return {name: plain(getattr(value, name)) for name, *_ in value._fields_}
    if isinstance(value, ctypes.Union):
        return value.uiVal
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | ctypes.Array):
        return [plain(item) for item in value]
    return value if isinstance(value, int | float | str | type(None)) else str(value)


def asked(function: Callable[..., Any], *words: Any) -> Any:
    """What a call answers; an error is an answer, too."""
    try:
        return plain(function(*words))
    except Exception as error:
        return f"!{type(error).__name__}: {error}"


def clocks() -> dict[str, float]:
    return {name: time.clock_gettime(getattr(time, f"CLOCK_{name}")) for name in ("REALTIME", "BOOTTIME", "MONOTONIC")}


def latency(n: Any, handle: Any, rounds: int = 50) -> dict[str, list[float]]:
    """Median, 95th percentile and most of the milliseconds that calls take."""
    found = {}
    for name, words in CALLS.items():
        times = []
        for _ in range(rounds):
            begin = time.perf_counter()
            asked(getattr(n, f"nvmlDeviceGet{name}"), handle, *words)
            times.append(1e3 * (time.perf_counter() - begin))
        found[name] = [round(t, 3) for t in (statistics.median(times), sorted(times)[int(0.95 * rounds)], max(times))]
    return found


def record(n: Any, handle: Any, kind: int) -> Any:
    """The driver's own record: [stamp in us, value], oldest first."""
    answer = asked(
        lambda: sorted((s.timeStamp, s.sampleValue.uiVal) for s in n.nvmlDeviceGetSamples(handle, kind, 0)[1])
    )
    return answer


def gpm(n: Any, handle: Any) -> dict[str, Any]:
    """The finer metrics of cards from Hopper on, over a second."""
    first, second = n.nvmlGpmSampleAlloc(), n.nvmlGpmSampleAlloc()
    n.nvmlGpmSampleGet(handle, first)
    time.sleep(1)
    n.nvmlGpmSampleGet(handle, second)
    get = n.c_nvmlGpmMetricsGet_t()
    get.version, get.numMetrics = n.NVML_GPM_METRICS_GET_VERSION, len(GPM)
    get.sample1, get.sample2 = first, second
    for place, metric in enumerate(GPM):
        get.metrics[place].metricId = metric
    n.nvmlGpmMetricsGet(get)
    told = (get.metrics[place] for place in range(len(GPM)))
    return {
        name: m.value if m.nvmlReturn == 0 else f"!{m.nvmlReturn}" for name, m in zip(GPM.values(), told, strict=True)
    }


def facts_of(n: Any, handle: Any) -> dict[str, Any]:
    """What a card, or a slice of one, answers."""
    found = {
        name: asked(getattr(n, f"nvmlDeviceGet{name.partition(' ')[0]}", None), handle, *words)  # type: ignore[arg-type]
        for name, words in FACTS.items()
    }
    found["MemoryInfo v2"] = asked(n.nvmlDeviceGetMemoryInfo, handle, n.nvmlMemory_v2)
    found["records"] = {kind: record(n, handle, kind) for kind in (POWER, UTILIZATION)}
    found["clocks"] = clocks()
    return found


def card(n: Any, index: int) -> dict[str, Any]:
    """One card: itself, its slices (MIG), how long calls take, and which GPUs are on its board."""
    handle = n.nvmlDeviceGetHandleByIndex(index)
    found = {**facts_of(n, handle), "latency ms": latency(n, handle)}
    found["gpm supported"] = asked(n.nvmlGpmQueryDeviceSupport, handle)
    found["gpm at rest"] = asked(gpm, n, handle)
    others = range(n.nvmlDeviceGetCount())
    same = {other: asked(n.nvmlDeviceOnSameBoard, handle, n.nvmlDeviceGetHandleByIndex(other)) for other in others}
    found["same board"] = [other for other, on in same.items() if on is True and other != index]
    found["slices"] = {}
    for place in range(8):
        part = asked(lambda at=place: [n.nvmlDeviceGetMigDeviceHandleByIndex(handle, at)])
        if isinstance(part, list):
            found["slices"][place] = facts_of(n, n.nvmlDeviceGetMigDeviceHandleByIndex(handle, place))
    return found


def under_load(n: Any, handle: Any) -> dict[str, Any]:
    """Readings each 20 ms and the driver's records while a program works in bursts; then the finer metrics."""
    load = subprocess.Popen([sys.executable, "-c", LOAD, *BURSTS], stdout=subprocess.PIPE, text=True)
    assert load.stdout is not None
    if load.stdout.readline().strip() != "ready":
        return {"load": "did not start: no torch, or no CUDA"}
    rows: list[list[Any]] = []
    records: dict[int, dict[int, int]] = {POWER: {}, UTILIZATION: {}}
    due, end = 0.0, time.monotonic() + 35
    while load.poll() is None and time.monotonic() < end:
        began = time.monotonic()
        if began > due:
            due = began + 1
            for kind, entries in records.items():
                found = record(n, handle, kind)
                entries.update(found if isinstance(found, list) else [])
        gauges = ("UtilizationRates", "PowerUsage", "TotalEnergyConsumption")
        rows.append([round(began, 4), *(asked(getattr(n, f"nvmlDeviceGet{name}"), handle) for name in gauges)])
        time.sleep(max(0.0, 0.02 - (time.monotonic() - began)))
    bursts = [json.loads(line) for line in load.communicate()[0].splitlines() if line.startswith("[")]
    steady = subprocess.Popen([sys.executable, "-c", LOAD, "5"], stdout=subprocess.PIPE, text=True)
    assert steady.stdout is not None
    steady.stdout.readline()
    time.sleep(3)
    found = {
        "bursts": bursts,
        "readings: s, utilization, mW, mJ": rows,
        "records": {kind: sorted(entries.items()) for kind, entries in records.items()},
        "clocks": clocks(),
        "gpm": asked(gpm, n, handle),
        "latency ms": latency(n, handle),
        "processes": asked(n.nvmlDeviceGetComputeRunningProcesses_v3, handle),
        "its process": steady.pid,
    }
    steady.communicate()
    return found


def main() -> None:
    import pynvml as n

    began = time.monotonic()
    n.nvmlInit()
    found: dict[str, Any] = {"nvmlInit s": time.monotonic() - began, "clocks": clocks()}
    found["driver"], found["cuda"] = asked(n.nvmlSystemGetDriverVersion), asked(n.nvmlSystemGetCudaDriverVersion)
    found["cards"] = [asked(card, n, index) for index in range(n.nvmlDeviceGetCount())]
    found["under load"] = under_load(n, n.nvmlDeviceGetHandleByIndex(0))
    n.nvmlShutdown()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
