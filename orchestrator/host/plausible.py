"""What no card can show is no reading: an error in the driver, or a value that it does not have."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from orchestrator.model import GpuSample

PERCENT = (0.0, 100.0)
#: Bounds by the field of a sample, both included.
POSSIBLE: dict[str, tuple[float, float]] = {
    "util": PERCENT,
    "mem_util": PERCENT,
    "power_w": (0, 2500),
    "power_now_w": (0, 2500),
    "temp_c": (-60, 200),
    "sm_mhz": (0, 6000),
    "mem_mhz": (0, 30_000),
    "energy_j": (0, 1e15),
    "throttle": (0, 2**32 - 1),
    "sm_active": PERCENT,
    "sm_occupancy": PERCENT,
    "tensor_active": PERCENT,
    "dram_active": PERCENT,
    "pcie_sent_mib_s": (0, 2**18),
    "pcie_received_mib_s": (0, 2**18),
}


def sifted(sample: GpuSample, more: Mapping[str, tuple[float, float]] | None = None) -> tuple[GpuSample, list[str]]:
    """The sample without what cannot be, and the fields that it was in. `more`: bounds of this card."""
    bounds = {**POSSIBLE, **(more or {})}
    odd = [f for f, (low, high) in bounds.items() if (v := getattr(sample, f)) is not None and not low <= v <= high]
    return (msgspec.structs.replace(sample, **dict.fromkeys(odd)) if odd else sample), odd
