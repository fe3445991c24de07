"""What keeps a card busy beyond "a kernel ran": parts of it in use (GPM, from Hopper on), traffic on the bus.

GPM compares two samples of counters, so its figures are of the time between two calls of `GpmReader.since_last`.
"""

from __future__ import annotations

import time
from typing import Any

from orchestrator.host.nvidia.driver import Driver
from orchestrator.host.nvidia.slices import Slice
from orchestrator.model import GpuSample

#: The field of a sample, by NVML's number of the metric: percent of the time or of what there is, and MiB/s.
METRICS = {
    2: "sm_active",
    3: "sm_occupancy",
    5: "tensor_active",
    10: "dram_active",
    20: "pcie_sent_mib_s",
    21: "pcie_received_mib_s",
}
#: Of the struct of an answer (NVML_GPM_METRICS_GET_VERSION).
VERSION = 1
#: Seconds between two samples below which they say nothing: NVML's header asks for 100 ms.
APART_S = 0.1
#: NVML's numbers of the two directions of PCIe throughput.
SENT, RECEIVED = 0, 1


class GpmReader:
    """The metrics of one GPU. Whatever it lacks stays absent."""

    def __init__(self, driver: Driver, handle: Any, part: Slice | None = None) -> None:
        self._driver = driver
        self._card, self._instance = (part.card, part.instance) if part else (handle, None)
        able = hasattr(driver.n, "c_nvmlGpmMetricsGet_t") and (part is None or part.instance is not None)
        support = driver.ask("nvmlGpmQueryDeviceSupport", self._card) if able else None
        self.there = bool(support and support.isSupportedDevice)
        self._before: Any = None
        self._spare: Any = None
        self._taken = 0.0

    def since_last(self, uuid: str) -> GpuSample | None:
        """What the card did since the last call; None for the first one, and where nothing is told. Raises GpuLost."""
        if not self.there or time.monotonic() - self._taken < APART_S:
            return None
        now = self._sample()
        if now is None:
            return None
        before, self._before, self._taken = self._before, now, time.monotonic()
        if before is None:
            return None
        self._spare = before
        fields: dict[str, Any] = self._compared(before, now)
        return GpuSample(t=self._taken, uuid=uuid, kind="buffer", **fields) if fields else None

    def close(self) -> None:
        """Gives the memory of the samples back. Raises GpuLost."""
        for sample in (self._before, self._spare):
            if sample is not None:
                self._driver.ask("nvmlGpmSampleFree", sample)
        self._before = self._spare = None

    def _sample(self) -> Any:
        ask = self._driver.ask
        memory = self._spare if self._spare is not None else ask("nvmlGpmSampleAlloc")
        self._spare = None
        if memory is None:
            return None
        if self._instance is None:
            taken = ask("nvmlGpmSampleGet", self._card, memory)
        else:
            taken = ask("nvmlGpmMigSampleGet", self._card, self._instance, memory)
        if taken is None:
            self._spare = memory
        return taken

    def _compared(self, before: Any, now: Any) -> dict[str, Any]:
        n = self._driver.n
        get = n.c_nvmlGpmMetricsGet_t()
        get.version, get.numMetrics = VERSION, len(METRICS)
        get.sample1, get.sample2 = before, now
        for place, number in enumerate(METRICS):
            get.metrics[place].metricId = number
        if self._driver.ask("nvmlGpmMetricsGet", get) is None:
            return {}
        told = zip(METRICS.values(), get.metrics, strict=False)
        return {field: float(metric.value) for field, metric in told if metric.nvmlReturn == n.NVML_SUCCESS}


def traffic(driver: Driver, handle: Any) -> dict[str, Any]:
    """MiB/s on the bus, as fields of a sample. The driver looks at each direction for 20 ms. Raises GpuLost."""
    told = {
        "pcie_sent_mib_s": driver.ask("nvmlDeviceGetPcieThroughput", handle, SENT),
        "pcie_received_mib_s": driver.ask("nvmlDeviceGetPcieThroughput", handle, RECEIVED),
    }
    return {field: value / 1024 for field, value in told.items() if value is not None}
