"""How a card is set up, in words: what changes its speed or its figures, and what keeps programs from it."""

from __future__ import annotations

from typing import Any

from orchestrator.host.nvidia.driver import Driver

#: What NVML's numbers mean, in words.
ON_OFF: dict[object, str] = {0: "off", 1: "on"}
COMPUTE_MODES: dict[object, str] = {0: "default", 1: "exclusive thread", 2: "prohibited", 3: "exclusive process"}
VIRTUAL: dict[object, str] = {0: "none", 1: "passed through", 2: "vGPU", 3: "host of vGPUs", 4: "host of vGPUs (vSGA)"}
#: NVML's number for a card that runs no CUDA program at all (compute mode "prohibited").
PROHIBITED = 2


def in_words(driver: Driver, handle: Any) -> dict[str, str]:
    """The set-up of a card, as far as the driver tells. Raises GpuLost."""
    ask = driver.ask
    limit = ask("nvmlDeviceGetEnforcedPowerLimit", handle)
    clock = ask("nvmlDeviceGetApplicationsClock", handle, driver.n.NVML_CLOCK_SM)
    ecc = ask("nvmlDeviceGetEccMode", handle)
    generation, width = (
        ask("nvmlDeviceGetCurrPcieLinkGeneration", handle),
        ask("nvmlDeviceGetCurrPcieLinkWidth", handle),
    )
    found = {
        "power limit": None if limit is None else f"{limit / 1000:g} W",
        "persistence mode": ON_OFF.get(ask("nvmlDeviceGetPersistenceMode", handle)),
        "ECC": ON_OFF.get(ecc[0]) if ecc else None,
        "compute mode": COMPUTE_MODES.get(ask("nvmlDeviceGetComputeMode", handle)),
        "application clock": None if clock is None else f"{clock} MHz",
        "PCIe": None if generation is None or width is None else f"generation {generation}, {width} lanes",
        "virtualization": VIRTUAL.get(ask("nvmlDeviceGetVirtualizationMode", handle)),
    }
    return {name: value for name, value in found.items() if value is not None}


def unusable(driver: Driver, handle: Any) -> str:
    """Why no job can run on a card that answers, in words; "" for nothing known. Raises GpuLost."""
    if driver.ask("nvmlDeviceGetComputeMode", handle) == PROHIBITED:
        return "its compute mode is `prohibited`: no CUDA program may run on it"
    return ""
